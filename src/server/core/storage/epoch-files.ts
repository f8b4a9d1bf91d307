/**
 * `acceptedEpoch` and `currentEpoch`: the promises of a peer. What the getters say is durable; it moves
 * only when the rename is. Upstream: QuorumPeer.loadDataBase, writeLongToFile.
 */
import { assert } from '../../../base/assert.ts';
import { epochOf, type Zxid } from '../../../base/zxid.ts';
import { decodeEpoch, encodeEpoch } from '../../../wire/storage.ts';
import { type Disk, flushFile, readAt, replaceFile, type Sequence, sizeOf } from './disk.ts';

export type EpochName = 'acceptedEpoch' | 'currentEpoch';

/** One of the two files, for writing; saves that overlap are done one after the other. */
export class EpochFile {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #name: EpochName;
  #durable = 0;
  #queue: Array<{ readonly epoch: number; readonly done: () => void }> = [];
  #isSaving = false;

  constructor(disk: Disk, directory: string, name: EpochName) {
    this.#disk = disk;
    this.#directory = directory;
    this.#name = name;
  }

  get durable(): number {
    return this.#durable;
  }

  /** What recovery has read back and flushed. */
  restart(epoch: number): void {
    this.abandon();
    this.#durable = epoch;
  }

  abandon(): void {
    this.#queue = [];
    this.#isSaving = false;
  }

  save(epoch: number, done: () => void): void {
    const highest = this.#queue.at(-1)?.epoch ?? this.#durable;
    assert(epoch >= highest, 'an epoch never goes back', { name: this.#name, epoch, highest });
    this.#queue.push({ epoch, done });
    this.#saveNext();
  }

  #saveNext(): void {
    const next = this.#queue[0];
    if (this.#isSaving || next === undefined) return;
    this.#isSaving = true;
    this.#disk.run(replaceFile(this.#directory, this.#name, encodeEpoch(next.epoch)), () => {
      this.#isSaving = false;
      this.#queue.shift();
      this.#durable = next.epoch;
      this.#saveNext();
      next.done();
    });
  }
}

export interface StoredEpochs {
  readonly accepted: number | undefined;
  readonly current: number | undefined;
}

export type EpochReading =
  | ({ readonly ok: true } & StoredEpochs)
  | { readonly ok: false; readonly reason: string };

export function* readEpochs(directory: string): Sequence<EpochReading> {
  const accepted = yield* readEpoch(directory, 'acceptedEpoch');
  const current = yield* readEpoch(directory, 'currentEpoch');
  for (const value of [accepted, current]) if (typeof value === 'string') return refuse(value);
  return {
    ok: true,
    accepted: accepted as number | undefined,
    current: current as number | undefined,
  };
}

function refuse(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}

/** The epoch, undefined where there is no file, or a sentence about what is wrong with it. */
function* readEpoch(directory: string, name: EpochName): Sequence<number | string | undefined> {
  const path = `${directory}/${name}`;
  if ((yield* sizeOf(path)) === undefined) return undefined;
  const epoch = decodeEpoch(yield* readAt(path, 0, 64));
  return epoch ?? `${path} does not hold an epoch`;
}

export type EpochDecision =
  | { readonly ok: true; readonly accepted: number; readonly current: number }
  | { readonly ok: false; readonly reason: string };

/**
 * Upstream refuses to start when the log is of a newer epoch than `currentEpoch`. A learner gets there
 * lawfully: it logs the synchronized transactions, which are a committed prefix from a leader of that
 * epoch, before it saves the epoch, and may crash in between. The epoch of the last transaction is then
 * the current one. Missing files stand for that epoch too.
 */
export function decideEpochs(stored: StoredEpochs, lastZxid: Zxid): EpochDecision {
  const logged = epochOf(lastZxid);
  const current = Math.max(stored.current ?? logged, logged);
  const accepted = stored.accepted ?? logged;
  if (accepted < current) {
    return refuse(
      `the accepted epoch ${accepted} is older than the current epoch ${current}: ` +
        'a promise of this server was lost',
    );
  }
  return { ok: true, accepted, current };
}

/** Makes both files say what was decided, durably, and writes only what they do not say yet. */
export function* restoreEpochs(
  directory: string,
  stored: StoredEpochs,
  decided: { readonly accepted: number; readonly current: number },
): Sequence<void> {
  yield* restoreEpoch(directory, 'acceptedEpoch', stored.accepted, decided.accepted);
  yield* restoreEpoch(directory, 'currentEpoch', stored.current, decided.current);
}

function* restoreEpoch(
  directory: string,
  name: EpochName,
  stored: number | undefined,
  decided: number,
): Sequence<void> {
  if (stored === decided) yield* flushFile(`${directory}/${name}`);
  else yield* replaceFile(directory, name, encodeEpoch(decided));
}
