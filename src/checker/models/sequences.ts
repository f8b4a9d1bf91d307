/**
 * States of containers that share what they have in common, so that replaying a million operations costs
 * a million steps: nothing is copied as long as states follow one another.
 */
import { canonicalText } from '../history/values.ts';
import type { Primitive } from '../linearizability/model.ts';

/** A queue: a window on a buffer that only grows. */
export class QueueState {
  static readonly empty: QueueState = new QueueState([], 0, 0);
  readonly #buffer: unknown[];
  readonly #from: number;
  readonly #to: number;

  private constructor(buffer: unknown[], from: number, to: number) {
    this.#buffer = buffer;
    this.#from = from;
    this.#to = to;
  }

  get isEmpty(): boolean {
    return this.#from === this.#to;
  }

  get first(): unknown {
    return this.#buffer[this.#from];
  }

  plus(value: unknown): QueueState {
    // Behind this window nobody looks, unless another state has gone on from here already.
    const isShared = this.#to < this.#buffer.length || this === QueueState.empty;
    const buffer = isShared ? this.#buffer.slice(this.#from, this.#to) : this.#buffer;
    const from = isShared ? 0 : this.#from;
    buffer.push(value);
    return new QueueState(buffer, from, buffer.length);
  }

  withoutFirst(): QueueState {
    return new QueueState(this.#buffer, this.#from + 1, this.#to);
  }

  /** First value first. */
  get text(): string {
    return canonicalText(this.#buffer.slice(this.#from, this.#to));
  }

  static parse(text: Primitive): QueueState {
    const values = JSON.parse(String(text)) as readonly unknown[];
    return values.reduce<QueueState>((queue, value) => queue.plus(value), QueueState.empty);
  }
}

/** A stack: a list of what lies below. */
export class StackState {
  static readonly empty: StackState = new StackState(undefined, undefined);
  readonly top: unknown;
  readonly below: StackState | undefined;

  private constructor(top: unknown, below: StackState | undefined) {
    this.top = top;
    this.below = below;
  }

  plus(value: unknown): StackState {
    return new StackState(value, this);
  }

  /** Top first. */
  get text(): string {
    const values: unknown[] = [];
    for (let at: StackState = this; at.below !== undefined; at = at.below) values.push(at.top);
    return canonicalText(values);
  }

  static parse(text: Primitive): StackState {
    const values = JSON.parse(String(text)) as readonly unknown[];
    return values.reduceRight<StackState>((stack, value) => stack.plus(value), StackState.empty);
  }
}

/** A leftist heap: merging walks the short right spines only, and shares everything else. */
export class HeapState {
  static readonly empty: HeapState = new HeapState(Infinity, 0, undefined, undefined);
  readonly least: number;
  readonly #rank: number;
  readonly #left: HeapState | undefined;
  readonly #right: HeapState | undefined;

  private constructor(
    least: number,
    rank: number,
    left: HeapState | undefined,
    right: HeapState | undefined,
  ) {
    this.least = least;
    this.#rank = rank;
    this.#left = left;
    this.#right = right;
  }

  get isEmpty(): boolean {
    return this.#rank === 0;
  }

  plus(value: number): HeapState {
    return HeapState.#merge(this, new HeapState(value, 1, undefined, undefined));
  }

  withoutLeast(): HeapState {
    return HeapState.#merge(this.#left ?? HeapState.empty, this.#right ?? HeapState.empty);
  }

  get text(): string {
    const values: number[] = [];
    for (let at: HeapState = this; !at.isEmpty; at = at.withoutLeast()) values.push(at.least);
    return canonicalText(values);
  }

  static parse(text: Primitive): HeapState {
    const values = JSON.parse(String(text)) as readonly number[];
    return values.reduce((heap, value) => heap.plus(value), HeapState.empty);
  }

  static #merge(a: HeapState, b: HeapState): HeapState {
    if (a.isEmpty) return b;
    if (b.isEmpty) return a;
    const [top, other] = a.least <= b.least ? [a, b] : [b, a];
    const left = top.#left ?? HeapState.empty;
    const right = HeapState.#merge(top.#right ?? HeapState.empty, other);
    const isSwapped = left.#rank < right.#rank;
    const [high, low] = isSwapped ? [right, left] : [left, right];
    return new HeapState(top.least, low.#rank + 1, high, low);
  }
}

/** A set that grows: a shared map of when each element came, and how many of them count. */
export class GrowingState {
  static readonly empty: GrowingState = new GrowingState(new Map(), 0);
  readonly #order: Map<unknown, number>;
  readonly size: number;

  private constructor(order: Map<unknown, number>, size: number) {
    this.#order = order;
    this.size = size;
  }

  has(element: unknown): boolean {
    const at = this.#order.get(element);
    return at !== undefined && at < this.size;
  }

  plus(element: unknown): GrowingState {
    if (this.has(element)) return this;
    const isShared = this.#order.size > this.size || this === GrowingState.empty;
    const order = isShared
      ? new Map([...this.#order].filter(([, at]) => at < this.size))
      : this.#order;
    order.set(element, this.size);
    return new GrowingState(order, this.size + 1);
  }

  get text(): string {
    const elements = [...this.#order].filter(([, at]) => at < this.size);
    const texts = elements.map(([element]) => canonicalText(element));
    return `[${texts.sort().join()}]`;
  }

  static parse(text: Primitive): GrowingState {
    const elements = JSON.parse(String(text)) as readonly unknown[];
    return elements.reduce<GrowingState>((set, element) => set.plus(element), GrowingState.empty);
  }
}
