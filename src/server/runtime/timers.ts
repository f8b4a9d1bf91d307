/**
 * Named timers on one real timer. They fire in order of their time, then of their setting, and a timer
 * that is moved or cancelled while its event waits in the queue does not fire.
 *
 * A process that was stopped (SIGSTOP, a long garbage collection, a laptop's lid) wakes with all its
 * timers due and its input unread. Were they to fire at once, a server would expire sessions whose
 * pings lie in its socket buffers. So timers that are late by more than a tick wait until the event loop
 * has polled its sockets once.
 */

import type { Clock } from './clock.ts';
import type { Deliver } from './driver.ts';
import { Heap } from './heap.ts';

interface Entry {
  readonly timer: string;
  readonly atMs: number;
  readonly sequence: number;
}

/** Longer delays overflow Node's timers; they are simply armed again. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export class Timers {
  readonly #clock: Clock;
  readonly #lateMs: number;
  readonly #deliver: Deliver;
  readonly #current = new Map<string, Entry>();
  readonly #heap = new Heap<Entry>((a, b) => a.atMs - b.atMs || a.sequence - b.sequence);
  #sequence = 0;
  #armed: NodeJS.Timeout | undefined;
  #armedAtMs = Number.POSITIVE_INFINITY;
  #deferred: NodeJS.Immediate | undefined;
  #stopped = false;

  /** `lateMs`: lateness beyond which waiting input goes first. */
  constructor(clock: Clock, lateMs: number, deliver: Deliver) {
    this.#clock = clock;
    this.#lateMs = lateMs;
    this.#deliver = deliver;
  }

  set(timer: string, atMs: number): void {
    if (this.#stopped) return;
    const entry = { timer, atMs, sequence: this.#sequence++ };
    this.#current.set(timer, entry);
    this.#heap.push(entry);
    this.#compact();
    this.#arm();
  }

  cancel(timer: string): void {
    this.#current.delete(timer);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#armed);
    clearImmediate(this.#deferred);
    this.#current.clear();
  }

  #arm(): void {
    const next = this.#heap.peek();
    if (next === undefined || this.#deferred !== undefined) return;
    if (this.#armed !== undefined && this.#armedAtMs <= next.atMs) return;
    clearTimeout(this.#armed);
    this.#armedAtMs = next.atMs;
    const delayMs = Math.min(Math.max(next.atMs - this.#clock.now(), 0), MAX_DELAY_MS);
    this.#armed = setTimeout(() => this.#due(), delayMs);
  }

  #due(): void {
    this.#armed = undefined;
    this.#armedAtMs = Number.POSITIVE_INFINITY;
    const next = this.#heap.peek();
    if (next !== undefined && this.#clock.now() - next.atMs > this.#lateMs) {
      // Immediates run after the poll phase of this very turn: what it reads is queued before us.
      this.#deferred = setImmediate(() => {
        this.#deferred = undefined;
        this.#fire();
      });
      return;
    }
    this.#fire();
  }

  #fire(): void {
    const now = this.#clock.now();
    for (let next = this.#heap.peek(); next !== undefined; next = this.#heap.peek()) {
      const entry = next;
      const isCurrent = this.#current.get(entry.timer) === entry;
      if (isCurrent && entry.atMs > now) break;
      this.#heap.pop();
      if (isCurrent) {
        this.#deliver(() => {
          if (this.#current.get(entry.timer) !== entry) return undefined;
          this.#current.delete(entry.timer);
          return { type: 'timer-fired', timer: entry.timer };
        });
      }
    }
    this.#arm();
  }

  /** Moved and cancelled entries stay in the heap until they come up; rebuild before they outnumber. */
  #compact(): void {
    if (this.#heap.size < 1024 || this.#heap.size < 4 * this.#current.size) return;
    this.#heap.retain((entry) => this.#current.get(entry.timer) === entry);
  }
}
