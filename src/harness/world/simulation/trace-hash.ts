/**
 * A rolling 64-bit hash (two independent 32-bit lanes) over everything that happens in a simulated world,
 * in order. Two runs of one plan must agree on it; where they differ, something depended on what the
 * plan does not hold. Values are walked structurally, with a tag per kind, so that `'1'` and `1` differ.
 */
import { hash32 } from '../../../base/prng.ts';

const text = new TextEncoder();
const numberBytes = new Float64Array(1);
const numberWords = new Uint32Array(numberBytes.buffer);
/** Depth of evidence in one event; a deeper value is a mistake of the one who traced it. */
const MAX_DEPTH = 12;
/** Timer names may hold session ids, so their number has no bound of its own. */
const MAX_NAMES = 10_000;

export class TraceHash {
  #a = 0x811c9dc5 | 0;
  #b = 0x9747b28c | 0;
  #count = 0;
  readonly #names = new Map<string, number>();

  /** How many words were mixed in; a run that hashed nothing proves nothing. */
  get count(): number {
    return this.#count;
  }

  /** Mixes in one 32-bit integer. */
  int(value: number): void {
    this.#count++;
    this.#a = Math.imul(this.#a ^ value, 0x01000193) ^ (this.#a >>> 15);
    this.#b = Math.imul(((this.#b << 13) | (this.#b >>> 19)) ^ value, 0x5bd1e995) + 0x6b43a9b5;
  }

  /** Any number, by its IEEE bits. */
  number(value: number): void {
    if (value === (value | 0)) {
      this.int(value);
      return;
    }
    numberBytes[0] = value;
    this.int(numberWords[0] as number);
    this.int(numberWords[1] as number);
  }

  /** A name that comes up again and again: mixed in as one word, computed once. */
  name(value: string): void {
    let word = this.#names.get(value);
    if (word === undefined) {
      word = hash32(value);
      if (this.#names.size < MAX_NAMES) this.#names.set(value, word);
    }
    this.int(word);
  }

  string(value: string): void {
    this.int(value.length);
    for (let index = 0; index < value.length; index++) this.int(value.charCodeAt(index));
  }

  bytes(value: Uint8Array): void {
    this.int(value.length);
    let index = 0;
    for (; index + 4 <= value.length; index += 4) {
      this.int(
        (value[index] as number) |
          ((value[index + 1] as number) << 8) |
          ((value[index + 2] as number) << 16) |
          ((value[index + 3] as number) << 24) |
          0,
      );
    }
    for (; index < value.length; index++) this.int(value[index] as number);
  }

  value(value: unknown, depth = 0): void {
    switch (typeof value) {
      case 'number':
        this.int(1);
        this.number(value);
        return;
      case 'string':
        this.int(2);
        this.string(value);
        return;
      case 'boolean':
        this.int(value ? 3 : 4);
        return;
      case 'bigint':
        this.int(5);
        this.int(Number(BigInt.asIntN(32, value)));
        this.int(Number(BigInt.asIntN(32, value >> 32n)));
        return;
      case 'object':
        this.#object(value, depth);
        return;
      default:
        this.int(6);
    }
  }

  #object(value: object | null, depth: number): void {
    if (value === null || depth > MAX_DEPTH) {
      this.int(7);
    } else if (value instanceof Uint8Array) {
      this.int(8);
      this.bytes(value);
    } else if (Array.isArray(value)) {
      this.int(9);
      this.int(value.length);
      for (const item of value as readonly unknown[]) this.value(item, depth + 1);
    } else if (value instanceof Error) {
      this.int(10);
      this.bytes(text.encode(value.message));
    } else {
      this.int(11);
      for (const key in value) {
        this.name(key);
        this.value((value as Record<string, unknown>)[key], depth + 1);
      }
      this.int(12);
    }
  }

  /** 16 hex digits of the state so far. */
  hex(): string {
    const lane = (value: number): string => (finish(value) >>> 0).toString(16).padStart(8, '0');
    return lane(this.#a) + lane(this.#b ^ this.#count);
  }
}

function finish(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
