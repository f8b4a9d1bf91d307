/**
 * The one queue of a simulated world: what happens next, by time (integer microseconds) and then by the
 * order in which it was asked for. A binary heap in two parallel arrays; a cancelled entry stays until it
 * comes up and is then skipped.
 */
export interface Scheduled {
  cancel(): void;
}

class Entry implements Scheduled {
  readonly timeUs: number;
  readonly sequence: number;
  action: (() => void) | undefined;

  constructor(timeUs: number, sequence: number, action: () => void) {
    this.timeUs = timeUs;
    this.sequence = sequence;
    this.action = action;
  }

  cancel(): void {
    this.action = undefined;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.timeUs < b.timeUs || (a.timeUs === b.timeUs && a.sequence < b.sequence);
}

export class EventQueue {
  readonly #heap: Entry[] = [];
  #sequence = 0;
  #nowUs = 0;

  get nowUs(): number {
    return this.#nowUs;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** A time in the past means now. */
  at(timeUs: number, action: () => void): Scheduled {
    const entry = new Entry(Math.max(timeUs, this.#nowUs), this.#sequence++, action);
    this.#siftUp(entry);
    return entry;
  }

  after(delayUs: number, action: () => void): Scheduled {
    return this.at(this.#nowUs + delayUs, action);
  }

  /** Takes the next action and moves time to it; undefined when nothing is left. */
  take(): (() => void) | undefined {
    for (;;) {
      const entry = this.#pop();
      if (entry === undefined) return undefined;
      const { action } = entry;
      if (action === undefined) continue;
      this.#nowUs = entry.timeUs;
      return action;
    }
  }

  clear(): void {
    this.#heap.length = 0;
  }

  #siftUp(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Entry;
      if (!isBefore(entry, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    const half = heap.length >> 1;
    let index = 0;
    while (index < half) {
      let child = 2 * index + 1;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, heap[child] as Entry)) child++;
      const below = heap[child] as Entry;
      if (!isBefore(below, last)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
    return top;
  }
}
