/**
 * Exact state storage. Every value inside a state is interned: equal values get one number, exactly (no
 * fingerprints that may collide). A state is then a short tuple of numbers, one per top-level field,
 * kept in one flat typed array, as in Spin's COLLAPSE (Holzmann, "State compression in SPIN").
 *
 * What makes it quick: a successor shares by reference what its action left alone. `intern` walks a
 * value beside its counterpart in the parent state, whose numbers are known, and stops where the two are the
 * same reference. The cost of a visit is proportional to what changed.
 */
import { assert } from '../../src/base/assert.ts';

const ABSENT = -1;

/** A Uint32Array that grows. */
export class Words {
  data = new Uint32Array(1 << 10);
  length = 0;

  push(word: number): void {
    this.reserve(1);
    this.data[this.length++] = word;
  }

  /** Makes room for so many more. */
  reserve(count: number): void {
    if (this.length + count <= this.data.length) return;
    const grown = new Uint32Array(2 * (this.length + count));
    grown.set(this.data);
    this.data = grown;
  }
}

/** Tuples of words, each stored once; numbers are given in order of arrival. */
export class TupleTable {
  readonly #words = new Words();
  /** Where each tuple begins; one more entry than tuples. */
  readonly #starts = new Words();
  /** Open addressing, at most half full; ABSENT or the number of a tuple. */
  #slots = new Int32Array(1 << 11).fill(ABSENT);
  #size = 0;

  constructor() {
    this.#starts.push(0);
  }

  get size(): number {
    return this.#size;
  }

  /** The number of a tuple, which is new if it equals the former size. */
  add(tuple: ArrayLike<number>, length: number, from = 0): number {
    const slot = this.#slotOf(tuple, length, from);
    const found = this.#slots[slot] as number;
    if (found !== ABSENT) return found;
    this.#slots[slot] = this.#size;
    this.#append(tuple, length, from);
    if (++this.#size * 2 > this.#slots.length) this.#grow();
    return this.#size - 1;
  }

  find(tuple: ArrayLike<number>, length: number, from = 0): number | undefined {
    const found = this.#slots[this.#slotOf(tuple, length, from)] as number;
    return found === ABSENT ? undefined : found;
  }

  /** Where the tuple is, or where it would be put. */
  #slotOf(tuple: ArrayLike<number>, length: number, from = 0): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash(tuple, length, from) & mask;
    for (let found = slots[slot] as number; found !== ABSENT; found = slots[slot] as number) {
      if (this.#holds(found, tuple, length, from)) break;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  /** Where the words of a tuple stand. */
  startOf(number: number): number {
    return this.#starts.data[number] as number;
  }

  wordAt(place: number): number {
    return this.#words.data[place] as number;
  }

  /** Copies words of a tuple. */
  copy(number: number, from: number, length: number, target: Uint32Array, at: number): void {
    const words = this.#words.data;
    const start = (this.#starts.data[number] as number) + from;
    for (let index = 0; index < length; index++) {
      target[at + index] = words[start + index] as number;
    }
  }

  #append(tuple: ArrayLike<number>, length: number, from: number): void {
    const words = this.#words;
    words.reserve(length);
    for (let index = 0; index < length; index++) {
      words.data[words.length + index] = tuple[from + index] as number;
    }
    words.length += length;
    this.#starts.push(words.length);
  }

  #holds(number: number, tuple: ArrayLike<number>, length: number, from: number): boolean {
    const start = this.#starts.data[number] as number;
    if ((this.#starts.data[number + 1] as number) - start !== length) return false;
    const words = this.#words.data;
    for (let index = 0; index < length; index++) {
      if (words[start + index] !== tuple[from + index]) return false;
    }
    return true;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(ABSENT);
    const mask = slots.length - 1;
    const words = this.#words.data;
    for (let number = 0; number < this.#size; number++) {
      const start = this.#starts.data[number] as number;
      const end = this.#starts.data[number + 1] as number;
      let slot = hash(words, end - start, start) & mask;
      while (slots[slot] !== ABSENT) slot = (slot + 1) & mask;
      slots[slot] = number;
    }
    this.#slots = slots;
  }
}

/** Murmur3's mixing over words. */
function hash(tuple: ArrayLike<number>, length: number, from: number): number {
  let mixed = length;
  for (let index = 0; index < length; index++) {
    let word = Math.imul(tuple[from + index] as number, 0xcc9e2d51);
    word = Math.imul((word << 15) | (word >>> 17), 0x1b873593);
    mixed ^= word;
    mixed = (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
  }
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

type Atom = string | number | boolean | null;
type Fields = Readonly<Record<string, unknown>>;

/** The sorted keys of a record. */
interface Shape {
  readonly number: number;
  readonly keys: readonly string[];
}

/** The shape of arrays; records have others. */
const ARRAY = 0;
/** Small whole numbers are interned as themselves. */
const SMALL = 256;

/** Atoms have odd numbers, arrays and records even ones. */
export class Interner {
  readonly #atoms = new Map<Atom, number>();
  readonly #nodes = new TupleTable();
  /** Nodes under construction, each above the one that it is part of. */
  #stack = new Uint32Array(1 << 8);
  #top = 0;
  /** Shapes by their keys in the order in which a record lists them. */
  readonly #shapes = new ShapeTree();

  get size(): number {
    return this.#atoms.size + this.#nodes.size;
  }

  /** The number of a value. `like` is a similar value whose number is known. */
  intern(value: unknown, like?: unknown, likeNumber = ABSENT): number {
    if (likeNumber !== ABSENT && value === like) return likeNumber;
    if (typeof value !== 'object' || value === null) return this.#atom(value);
    return Array.isArray(value)
      ? this.#array(value, Array.isArray(like) ? like : undefined, likeNumber)
      : this.#record(value as Fields, like, likeNumber);
  }

  #atom(value: unknown): number {
    if (typeof value === 'number' && value >= 0 && value < SMALL && Number.isInteger(value)) {
      return value * 2 + 1;
    }
    const known = this.#atoms.get(value as Atom);
    if (known !== undefined) return known;
    const isPlain = ['string', 'boolean', 'number'].includes(typeof value) || value === null;
    assert(isPlain, NOT_PLAIN, { value: String(value) });
    const number = (SMALL + this.#atoms.size) * 2 + 1;
    this.#atoms.set(value as Atom, number);
    return number;
  }

  /** What both ends share with the parent keeps its numbers; a new element is like the next. */
  #array(value: readonly unknown[], like: readonly unknown[] | undefined, number: number): number {
    const base = this.#top;
    this.#push(ARRAY);
    const known = like ?? [];
    const most = Math.min(value.length, known.length);
    let prefix = 0;
    while (prefix < most && value[prefix] === known[prefix]) prefix++;
    const shift = value.length - known.length;
    let end = value.length;
    while (end > prefix && end - shift > prefix && value[end - 1] === known[end - shift - 1]) end--;
    const suffix = value.length - end;
    this.#copy(number, 1, prefix);
    const start = like === undefined ? 0 : this.#nodes.startOf(number / 2);
    for (let index = prefix; index < end; index++) {
      const near = Math.min(index, known.length - 1);
      this.#push(
        near >= 0
          ? this.intern(value[index], known[near], this.#nodes.wordAt(start + near + 1))
          : this.intern(value[index]),
      );
    }
    this.#copy(number, 1 + end - shift, suffix);
    return this.#pop(base);
  }

  #record(value: Fields, like: unknown, number: number): number {
    const base = this.#top;
    const { keys, number: shape } = this.#shapes.of(value);
    // A Map, a Set, a Date have no keys either.
    if (keys.length === 0) assert(isPlainRecord(value), NOT_PLAIN, { value: String(value) });
    this.#push(shape);
    const isNode = number !== ABSENT && (number & 1) === 0;
    const start = isNode ? this.#nodes.startOf(number / 2) : 0;
    const isAlike = isNode && this.#nodes.wordAt(start) === shape;
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index] as string;
      this.#push(
        isAlike
          ? this.intern(value[key], (like as Fields)[key], this.#nodes.wordAt(start + index + 1))
          : this.intern(value[key]),
      );
    }
    return this.#pop(base);
  }

  #push(word: number): void {
    if (this.#top === this.#stack.length) this.#growStack(1);
    this.#stack[this.#top++] = word;
  }

  /** Pushes words of a known node. */
  #copy(number: number, from: number, length: number): void {
    if (length === 0) return;
    if (this.#top + length > this.#stack.length) this.#growStack(length);
    this.#nodes.copy(number / 2, from, length, this.#stack, this.#top);
    this.#top += length;
  }

  #growStack(length: number): void {
    const grown = new Uint32Array(2 * (this.#stack.length + length));
    grown.set(this.#stack);
    this.#stack = grown;
  }

  /** The number of the node above `base`, which is taken off. */
  #pop(base: number): number {
    const number = this.#nodes.add(this.#stack, this.#top - base, base) * 2;
    this.#top = base;
    return number;
  }
}

const NOT_PLAIN = 'a state holds something that is no plain data';

const isPlainRecord = (value: object): boolean =>
  Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null;

/** Finds the shape of a record, whatever the order in which its keys were written. */
class ShapeTree {
  readonly #root = emptyNode();
  readonly #byKeys = new Map<string, Shape>();

  of(value: Fields): Shape {
    let node = this.#root;
    for (const key in value)
      node = node.lastKey === key ? (node.last as ShapeNode) : step(node, key);
    node.shape ??= this.#add(Object.keys(value).sort());
    return node.shape;
  }

  /** Shape 0 is the array. */
  #add(keys: readonly string[]): Shape {
    const name = JSON.stringify(keys);
    const shape = this.#byKeys.get(name) ?? { number: this.#byKeys.size + 1, keys };
    this.#byKeys.set(name, shape);
    return shape;
  }
}

interface ShapeNode {
  readonly next: Map<string, ShapeNode>;
  /** The step taken last, which is mostly the one to be taken again. */
  lastKey: string | undefined;
  last: ShapeNode | undefined;
  shape: Shape | undefined;
}

const emptyNode = (): ShapeNode => ({
  next: new Map(),
  lastKey: undefined,
  last: undefined,
  shape: undefined,
});

function step(node: ShapeNode, key: string): ShapeNode {
  let next = node.next.get(key);
  if (next === undefined) {
    next = emptyNode();
    node.next.set(key, next);
  }
  node.lastKey = key;
  node.last = next;
  return next;
}

/** States, numbered from 0 in the order in which they were found. */
export class StateTable {
  readonly interner = new Interner();
  readonly #table = new TupleTable();
  /** The top-level fields that tell states apart. */
  readonly fields: readonly string[];
  readonly #tuple: Uint32Array;

  constructor(fields: readonly string[]) {
    this.fields = fields;
    this.#tuple = new Uint32Array(fields.length);
  }

  get size(): number {
    return this.#table.size;
  }

  /** The number of a state; `parent` is a known state, usually the one before. */
  add(state: object, parent?: object, parentNumber = ABSENT): number {
    const { fields } = this;
    const start = parent === undefined ? 0 : this.#table.startOf(parentNumber);
    for (let index = 0; index < fields.length; index++) {
      const field = fields[index] as string;
      this.#tuple[index] =
        parent === undefined
          ? this.interner.intern((state as Fields)[field])
          : this.interner.intern(
              (state as Fields)[field],
              (parent as Fields)[field],
              this.#table.wordAt(start + index),
            );
    }
    return this.#table.add(this.#tuple, fields.length);
  }

  /** The number of a state that differs from a known one: field and number of its value, in turns. */
  addChanged(parent: number, change: readonly number[]): number {
    const { length } = this.fields;
    this.#table.copy(parent, 0, length, this.#tuple, 0);
    for (let index = 0; index < change.length; index += 2) {
      this.#tuple[change[index] as number] = change[index + 1] as number;
    }
    return this.#table.add(this.#tuple, length);
  }

  /** The number of the value of a field. */
  valueAt(state: number, field: number): number {
    return this.#table.wordAt(this.#table.startOf(state) + field);
  }
}
