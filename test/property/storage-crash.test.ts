/**
 * Whatever a server does with its storage and wherever it crashes, also while it recovers: recovery
 * succeeds, nothing that was reported durable is lost, nothing is invented, and a truncation or an
 * installed snapshot takes effect whole or not at all.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Prng } from '../../src/base/prng.ts';
import { counterOf, epochOf, nextZxid, type Zxid, zxidOf } from '../../src/base/zxid.ts';
import type { ServerConfig } from '../../src/server/core/config.ts';
import { CrashDisk, type CrashMode } from '../support/crash-disk.ts';
import {
  DATA,
  type HistoryEntry,
  ModelTarget,
  payloadOf,
  StorageLife,
} from '../support/storage-rig.ts';

type Command =
  | { readonly do: 'append'; readonly count: number; readonly sizeBytes: number }
  | { readonly do: 'flush' | 'snapshot' | 'purge' | 'reload' | 'save-current' | 'epoch' }
  | { readonly do: 'apply'; readonly count: number }
  | { readonly do: 'truncate'; readonly back: number }
  | {
      readonly do: 'install';
      readonly back: number;
      readonly extra: number;
      readonly shape: 'new-epoch' | 'same-epoch' | 'other-branch';
    }
  | { readonly do: 'crash'; readonly mode: CrashMode };
interface Step {
  readonly command: Command;
  /** How many disk operations may happen before the next command. */
  readonly steps: number;
}

const few = fc.nat({ max: 6 });
const truncation = fc.record({ do: fc.constant('truncate' as const), back: few });
const installation = fc.record({
  do: fc.constant('install' as const),
  back: few,
  extra: few,
  shape: fc.constantFrom('new-epoch' as const, 'same-epoch' as const, 'other-branch' as const),
});
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      count: fc.integer({ min: 1, max: 4 }),
      sizeBytes: fc.oneof(
        { weight: 8, arbitrary: fc.nat({ max: 300 }) },
        { weight: 1, arbitrary: fc.constant(90_000) },
      ),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('apply' as const), count: few }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('snapshot' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('purge' as const, 'reload' as const, 'save-current' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('epoch' as const) }) },
  { weight: 2, arbitrary: truncation },
  { weight: 2, arbitrary: installation },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('crash' as const),
      mode: fc.constantFrom<CrashMode>('all', 'flushed-only', 'random', 'random'),
    }),
  },
);
const step: fc.Arbitrary<Step> = fc.record({
  command,
  steps: fc.oneof(fc.nat({ max: 12 }), fc.nat({ max: 60 }), fc.constant(100_000)),
});

/** What happened at least once, so that a run that proves nothing is seen. */
const reached = new Map<string, number>();
const reach = (what: string): void => {
  reached.set(what, (reached.get(what) ?? 0) + 1);
};

class Model {
  readonly #disk = new CrashDisk();
  readonly #prng: Prng;
  readonly #config: Partial<ServerConfig>;
  #life: StorageLife;
  #target = new ModelTarget();
  /** Everything that was appended, and how many of it were reported durable. */
  #history: HistoryEntry[] = [];
  #durableCount = 0;
  /** While one of the two is under way, a crash may leave its outcome. */
  #truncatingTo: number | undefined;
  #installing: HistoryEntry[] | undefined;
  #isBusy = false;
  #epochs = { accepted: 0, current: 0 };
  #asked = { accepted: 0, current: 0 };

  constructor(seed: number, preallocationSizeBytes: number) {
    this.#prng = new Prng(seed);
    this.#config = { preallocationSizeBytes, commitLogCount: 5 };
    this.#life = this.#newLife();
    this.#recover();
  }

  #newLife(): StorageLife {
    this.#target = new ModelTarget();
    const life = new StorageLife(this.#disk, {
      seed: this.#prng.int(0, 1 << 30),
      config: this.#config,
      target: this.#target,
    });
    life.storage.onFlushed((zxid) => {
      expect(life.storage.lastFlushed).toBe(zxid);
      const index = this.#history.findIndex((entry) => entry.zxid === zxid);
      expect(index).toBeGreaterThanOrEqual(this.#durableCount);
      this.#durableCount = index + 1;
    });
    return life;
  }

  #run(steps: number): void {
    this.#life.run(steps);
    expect(this.#life.halted).toBeUndefined();
    if (!this.#isBusy) {
      const isReading = this.#life.storage.isSnapshotting;
      if (!isReading) expect(this.#target.openViewCount).toBe(0);
      expect(this.#life.storage.acceptedEpoch).toBe(this.#epochs.accepted);
      expect(this.#life.storage.currentEpoch).toBe(this.#epochs.current);
    }
    expect(this.#life.logged.filter(({ level }) => level === 'error')).toEqual([]);
  }

  /** Commands other than a crash wait for recovery, truncation and installation. */
  #settle(): void {
    if (this.#isBusy) this.#run(1_000_000);
    expect(this.#isBusy).toBe(false);
  }

  #recover(): void {
    this.#isBusy = true;
    const { storage } = this.#life;
    storage.recover(this.#target, (result) => {
      expect(result).toMatchObject({ ok: true });
      if (!result.ok) return;
      this.#isBusy = false;
      this.#judge(this.#target.history);
      expect(result.lastZxid).toBe(this.#history.at(-1)?.zxid ?? 0n);
      expect(storage.lastFlushed).toBe(result.lastZxid);
      const after = this.#history.filter(({ zxid }) => zxid > result.snapshotZxid).slice(-5);
      expect(result.replayed.map(({ zxid }) => zxid)).toEqual(after.map(({ zxid }) => zxid));
      const isSame = after.every((entry, index) =>
        isEqualBytes(result.replayed[index]?.bytes, payloadOf(entry)),
      );
      expect(isSame).toBe(true);
      this.#judgeEpochs(result);
      expect(this.#disk.names(DATA).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    });
  }

  #judgeEpochs(found: { readonly acceptedEpoch: number; readonly currentEpoch: number }): void {
    const logged = epochOf(this.#history.at(-1)?.zxid ?? zxidOf(0, 0));
    expect(found.acceptedEpoch).toBeGreaterThanOrEqual(this.#epochs.accepted);
    expect(found.acceptedEpoch).toBeLessThanOrEqual(this.#asked.accepted);
    expect(found.currentEpoch).toBeGreaterThanOrEqual(Math.max(this.#epochs.current, logged));
    expect(found.currentEpoch).toBeLessThanOrEqual(Math.max(this.#asked.current, logged));
    this.#epochs = { accepted: found.acceptedEpoch, current: found.currentEpoch };
    this.#asked = { ...this.#epochs };
  }

  /** The oracle: which histories may a server find after what was done to it. */
  #judge(found: readonly HistoryEntry[]): void {
    const installing = this.#installing;
    if (installing !== undefined && isEqual(found, installing)) {
      reach('a crash found the installed snapshot');
      this.#history = installing;
    } else {
      let leastCount = this.#durableCount;
      if (this.#truncatingTo !== undefined) leastCount = Math.min(leastCount, this.#truncatingTo);
      if (installing !== undefined) {
        const end = installing.at(-1)?.zxid ?? 0n;
        const kept = this.#history.filter(({ zxid }) => zxid <= end).length;
        leastCount = Math.min(leastCount, kept);
        reach('a crash found the old history');
      }
      expect(found.length).toBeGreaterThanOrEqual(leastCount);
      const zxids = (entries: readonly HistoryEntry[]) => entries.map(({ zxid }) => zxid).join(' ');
      expect(zxids(found)).toBe(zxids(this.#history.slice(0, found.length)));
      expect(isEqual(found, this.#history.slice(0, found.length))).toBe(true);
      if (found.length > this.#durableCount) reach('more than the durable part survived');
      if (found.length < this.#history.length) reach('an unflushed end was lost');
      this.#history = this.#history.slice(0, found.length);
    }
    this.#durableCount = this.#history.length;
    this.#truncatingTo = undefined;
    this.#installing = undefined;
  }

  perform({ command, steps }: Step): void {
    if (command.do === 'crash') this.#crash(command.mode);
    else {
      this.#settle();
      this.#command(command);
    }
    this.#run(steps);
  }

  #crash(mode: CrashMode): void {
    if (this.#isBusy)
      reach(this.#truncatingTo === undefined ? 'crash while busy' : 'crash in TRUNC');
    this.#disk.crash(mode, this.#prng);
    reach(`crash ${mode}`);
    this.#life = this.#newLife();
    this.#recover();
  }

  #command(command: Exclude<Command, { do: 'crash' }>): void {
    const { storage } = this.#life;
    switch (command.do) {
      case 'append':
        for (let index = 0; index < command.count; index++) this.#append(command.sizeBytes);
        return;
      case 'flush':
        storage.flush();
        return;
      case 'apply':
        this.#apply(command.count);
        return;
      case 'snapshot':
        if (storage.isSnapshotting) return;
        storage.takeSnapshot(this.#target, (result) => {
          expect(result.ok).toBe(true);
          reach('snapshot taken');
        });
        return;
      case 'purge':
        storage.purge(3, () => reach('purged'));
        return;
      case 'reload':
        this.#recover();
        return;
      case 'epoch':
        this.#saveEpoch('accepted', this.#asked.accepted + 1);
        return;
      case 'save-current':
        this.#saveEpoch('current', storage.acceptedEpoch);
        return;
      case 'truncate':
        this.#truncate(command.back);
        return;
      case 'install':
        this.#install(command);
        return;
    }
  }

  #append(sizeBytes: number): void {
    const { storage } = this.#life;
    const last = storage.lastLogged;
    // A transaction of an epoch is logged only after the epoch was accepted for good.
    const isNew = storage.acceptedEpoch > epochOf(last);
    const zxid = isNew ? zxidOf(storage.acceptedEpoch, 1) : nextZxid(last);
    const entry = { zxid, data: this.#prng.bytes(sizeBytes) };
    storage.append(zxid, payloadOf(entry));
    this.#history.push(entry);
  }

  /** Also ahead of the flush, as a follower may. */
  #apply(count: number): void {
    const from = this.#target.history.length;
    this.#target.load(this.#history.slice(0, from + count));
  }

  #saveEpoch(which: 'accepted' | 'current', epoch: number): void {
    const { storage } = this.#life;
    if (epoch < this.#asked[which]) return;
    this.#asked[which] = epoch;
    const done = (): void => {
      this.#epochs[which] = epoch;
      reach(`${which} epoch saved`);
    };
    if (which === 'accepted') storage.saveAcceptedEpoch(epoch, done);
    else storage.saveCurrentEpoch(epoch, done);
  }

  #truncate(back: number): void {
    // What is not logged for good is forgotten by the truncation itself, though it may be under way.
    const to = Math.max(0, this.#durableCount - back);
    this.#truncatingTo = to;
    this.#isBusy = true;
    this.#life.storage.truncate(this.#history[to - 1]?.zxid ?? zxidOf(0, 0), (result) => {
      this.#isBusy = false;
      this.#truncatingTo = undefined;
      reach(result.ok ? 'truncated' : 'truncation refused');
      if (result.ok) {
        this.#history = this.#history.slice(0, to);
        this.#durableCount = this.#history.length;
      }
      this.#recover();
    });
  }

  /**
   * A history that shares a beginning with ours and goes on differently, ahead of ours or behind it. The
   * other branch is the hard case: an epoch of ours began after (2,4), and in the installed history there is
   * (2,5), so that our (3,1) would seem to follow it.
   */
  #install({ back, extra, shape }: Extract<Command, { do: 'install' }>): void {
    const { acceptedEpoch } = this.#life.storage;
    const taken = new Set(this.#history.map(({ zxid }) => zxid));
    const branch = this.#history.findLastIndex(({ zxid }) => counterOf(zxid) === 1);
    const sharedCount = shape === 'other-branch' ? branch : this.#history.length - back;
    const installed = this.#history.slice(0, Math.max(0, sharedCount));
    for (let index = 0; index < Math.max(extra, 1); index++) {
      const last: Zxid = installed.at(-1)?.zxid ?? zxidOf(0, 0);
      const canBegin = shape === 'new-epoch' && acceptedEpoch > epochOf(last);
      const zxid = canBegin ? zxidOf(acceptedEpoch, 1) : nextZxid(last);
      // One zxid means one transaction, and after it the same history.
      if (taken.has(zxid)) break;
      installed.push({ zxid, data: this.#prng.bytes(20) });
    }
    const end = installed.at(-1)?.zxid ?? 0n;
    if (end < (this.#history.at(-1)?.zxid ?? 0n)) reach('installed behind our end');
    this.#installing = installed;
    this.#isBusy = true;
    this.#target.load(installed);
    this.#life.storage.installSnapshot(this.#target, (result) => {
      expect(result).toEqual({ ok: true });
      this.#isBusy = false;
      reach('installed');
      this.#installing = undefined;
      this.#history = installed;
      this.#durableCount = installed.length;
      expect(this.#life.storage.lastFlushed).toBe(installed.at(-1)?.zxid ?? 0n);
    });
  }

  get isIdle(): boolean {
    return this.#life.isIdle;
  }

  /** The final state must not depend on anything that only this life knows. */
  crashAndCheck(mode: CrashMode, recoverySteps: number): void {
    this.#crash(mode);
    this.#run(recoverySteps);
    // Killed processes leave unflushed writes behind, and only recovery can make them durable.
    this.#crash(mode === 'all' ? 'all' : 'random');
    this.#run(1_000_000);
    expect(this.#isBusy).toBe(false);
    const before = this.#history;
    this.#crash('flushed-only');
    this.#run(1_000_000);
    expect(this.#isBusy).toBe(false);
    expect(isEqual(this.#history, before)).toBe(true);
    expect(this.#target.openViewCount).toBe(0);
  }

  /** Power loss at the very end: what recovery and completions have promised is still there. */
  end(): void {
    this.#crash('random');
    this.#run(1_000_000);
    expect(this.#isBusy).toBe(false);
    this.#crash('flushed-only');
    const before = this.#history.length;
    this.#run(1_000_000);
    expect(this.#isBusy).toBe(false);
    expect(this.#history.length).toBe(before);
    expect(this.#target.openViewCount).toBe(0);
  }
}

function isEqual(a: readonly HistoryEntry[], b: readonly HistoryEntry[]): boolean {
  if (a.length !== b.length) return false;
  return a.every(({ zxid, data }, index) => {
    const other = b[index];
    return other !== undefined && other.zxid === zxid && isEqualBytes(other.data, data);
  });
}

/** Plain, because the matcher's own comparison of long arrays is slow. */
function isEqualBytes(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && a.length === b.length && b.every((byte, at) => byte === a[at]);
}

/** Fixed, so that the goals are reached in each run of the suite; STORAGE_SEED looks elsewhere. */
const seed = { seed: Number(process.env.STORAGE_SEED ?? 20) };

describe('storage under crashes', { timeout: 180_000 }, () => {
  it('loses nothing durable, invents nothing and always recovers', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.constantFrom(0, 1000),
        fc.array(step, { minLength: 5, maxLength: 40 }),
        (draw, preallocationSizeBytes, steps) => {
          const model = new Model(draw, preallocationSizeBytes);
          for (const one of steps) model.perform(one);
          model.end();
        },
      ),
      { numRuns: Number(process.env.STORAGE_RUNS ?? 300), ...seed },
    );
    for (const what of [
      'crash all',
      'crash random',
      'crash while busy',
      'crash in TRUNC',
      'truncated',
      'truncation refused',
      'installed',
      'a crash found the installed snapshot',
      'a crash found the old history',
      'snapshot taken',
      'purged',
      'accepted epoch saved',
      'current epoch saved',
      'an unflushed end was lost',
      'more than the durable part survived',
    ]) {
      expect(reached.get(what) ?? 0, `goal: ${what}`).toBeGreaterThan(0);
    }
  });

  it('survives a crash at each single step of each sequence', () => {
    // A chapter of a history: perhaps a new epoch, transactions, perhaps a new log file.
    const chapter = fc
      .record({
        isEpoch: fc.boolean(),
        count: fc.integer({ min: 1, max: 3 }),
        end: fc.constantFrom('snapshot' as const, 'reload' as const, undefined),
      })
      .map(({ isEpoch, count, end }): Command[] => [
        ...(isEpoch ? [{ do: 'epoch' as const }] : []),
        { do: 'append', count, sizeBytes: 40 },
        { do: 'flush' },
        { do: 'apply', count: 100 },
        // A reload makes the log go on in a new file, without a snapshot between the two.
        ...(end === undefined ? [] : [{ do: end }]),
      ]);
    // What is still on its way when the sequence begins.
    const overture = fc.constantFrom<Command[]>(
      [],
      [{ do: 'append', count: 2, sizeBytes: 40 }],
      [{ do: 'append', count: 2, sizeBytes: 40 }, { do: 'flush' }],
      [
        { do: 'append', count: 2, sizeBytes: 40 },
        { do: 'apply', count: 2 },
      ],
      [{ do: 'snapshot' }],
      [{ do: 'epoch' }],
    );
    const last: fc.Arbitrary<Command> = fc.oneof(
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constantFrom('flush' as const, 'snapshot' as const, 'reload' as const),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constantFrom('save-current' as const, 'epoch' as const, 'purge' as const),
        }),
      },
      { weight: 2, arbitrary: truncation },
      { weight: 4, arbitrary: installation },
    );
    fc.assert(
      fc.property(
        fc.integer(),
        fc.constantFrom(0, 1000),
        fc.array(chapter, { minLength: 1, maxLength: 5 }),
        overture,
        last,
        fc.constantFrom<CrashMode>('all', 'flushed-only', 'random'),
        (draw, preallocationSizeBytes, setup, unsettled, command, mode) => {
          for (let steps = 0, isIdle = false; !isIdle; steps++) {
            const model = new Model(draw, preallocationSizeBytes);
            for (const one of setup.flat()) model.perform({ command: one, steps: 100_000 });
            for (const one of unsettled) model.perform({ command: one, steps: 0 });
            model.perform({ command, steps });
            ({ isIdle } = model);
            model.crashAndCheck(mode, (steps * 7) % 40);
          }
          reach('every step');
        },
      ),
      { numRuns: Number(process.env.STORAGE_SCENARIOS ?? 40), ...seed },
    );
    expect(reached.get('installed behind our end') ?? 0).toBeGreaterThan(0);
  });
});
