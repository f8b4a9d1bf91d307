/** Every transaction has one time: whoever shows a ctime or an mtime of a zxid must show the same. */
import { hex } from './sessions.ts';
import type { StatRows } from './stat-rows.ts';

/** Counters that leave more out than this are kept apart. */
const MAX_GAP = 100_000;

export class Stamps {
  readonly stats: StatRows;
  /** By epoch and counter, which grow by one: arrays are quicker than a table of all zxids. */
  readonly #epochs = new Map<number, number[]>();
  /** The one that was asked for last. */
  #epoch = -1;
  #times: number[] = [];
  readonly #others = new Map<number, number>();
  /** Rows that were told, and fit to what is known: many replies share one. */
  readonly #fitting: Uint8Array;

  constructor(stats: StatRows) {
    this.stats = stats;
    this.#fitting = new Uint8Array(stats.length);
  }

  /** Learns from a row, or says what does not fit to what is known. */
  conflict(stat: number): string | undefined {
    if (this.#fitting[stat] === 1) return undefined;
    const conflict = this.#conflictOf(stat);
    if (conflict === undefined) this.#fitting[stat] = 1;
    return conflict;
  }

  #conflictOf(stat: number): string | undefined {
    const { stats } = this;
    const czxid = stats.czxid(stat);
    const ctime = stats.ctime(stat);
    const mzxid = stats.mzxid(stat);
    const mtime = stats.mtime(stat);
    const created = this.#learn(czxid, ctime, 'ctime');
    if (created !== undefined || (mzxid === czxid && mtime === ctime)) return created;
    return this.#learn(mzxid, mtime, 'mtime');
  }

  #learn(zxid: number, time: number, field: string): string | undefined {
    // Nodes of a new ensemble were made without a transaction.
    if (zxid <= 0) return undefined;
    const known = this.#note(zxid, time);
    if (known === time) return undefined;
    return `its ${field} is ${time}, but zxid ${hex(zxid)} was at ${known}`;
  }

  /** The time that was known, else the new one. */
  #note(zxid: number, time: number): number {
    const epoch = Math.floor(zxid / 2 ** 32);
    const counter = zxid - epoch * 2 ** 32;
    const times = this.#timesOf(epoch);
    if (counter > times.length + MAX_GAP || !Number.isInteger(counter)) {
      const known = this.#others.get(zxid) ?? time;
      this.#others.set(zxid, known);
      return known;
    }
    while (times.length <= counter) times.push(Number.NaN);
    const known = times[counter] as number;
    if (!Number.isNaN(known)) return known;
    times[counter] = time;
    return time;
  }

  #timesOf(epoch: number): number[] {
    if (epoch === this.#epoch) return this.#times;
    const times = this.#epochs.get(epoch) ?? [];
    this.#epochs.set(epoch, times);
    this.#epoch = epoch;
    this.#times = times;
    return times;
  }
}
