/** Records a history in the order in which the harness saw it. */
import type { HistoryEntry } from '../checker/history.ts';
import type { World } from './world/world.ts';

export class HistoryRecorder {
  readonly #world: World;
  readonly #entries: HistoryEntry[] = [];
  /** Index of the newest success, by kind. */
  readonly #succeeded = new Map<string, number>();
  #nextProcess: number;

  /** `firstProcess`: the first number that no client has from the start. */
  constructor(world: World, firstProcess: number) {
    this.#world = world;
    this.#nextProcess = firstProcess;
  }

  get entries(): readonly HistoryEntry[] {
    return this.#entries;
  }

  /** An operation of this kind has ended as `ok` at or after that index. */
  hasSucceeded(f: string, sinceIndex: number): boolean {
    return (this.#succeeded.get(f) ?? -1) >= sinceIndex;
  }

  /** A process number that was never used. */
  newProcess(): number {
    return this.#nextProcess++;
  }

  add(entry: Omit<HistoryEntry, 'index' | 'time'>): HistoryEntry {
    const recorded = { index: this.#entries.length, ...entry, time: this.#world.nowNs() };
    this.#entries.push(recorded);
    if (entry.type === 'ok') this.#succeeded.set(entry.f, recorded.index);
    return recorded;
  }
}
