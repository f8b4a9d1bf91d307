/**
 * Numbers for values, so that a history of a million operations is a handful of integer arrays. Two
 * values have one number when they are equal as JSON; the keys of objects are put in order first.
 */

/** Number of what is absent, such as the answer of an operation that crashed. */
export const ABSENT = 0;
/** Number of `null`. */
export const NULL = 1;

const SMALL_LIMIT = 1 << 23;

export class Values {
  readonly #list: unknown[] = [undefined, null];
  readonly #byPrimitive = new Map<unknown, number>();
  readonly #byText = new Map<string, number>();
  /** Numbers of small natural numbers, which histories are full of. */
  #small = new Int32Array(256);

  get size(): number {
    return this.#list.length;
  }

  at(id: number): unknown {
    return this.#list[id];
  }

  idOf(value: unknown): number {
    if (typeof value === 'number') return this.#idOfNumber(value);
    if (value === undefined) return ABSENT;
    if (value === null) return NULL;
    if (typeof value === 'object') return this.#idOfText(value);
    const known = this.#byPrimitive.get(value);
    if (known !== undefined) return known;
    this.#byPrimitive.set(value, this.#list.length);
    return this.#list.push(value) - 1;
  }

  #idOfNumber(value: number): number {
    const isSmall = value >= 0 && value < SMALL_LIMIT && Number.isInteger(value);
    if (!isSmall) {
      const known = this.#byPrimitive.get(value);
      if (known !== undefined) return known;
      this.#byPrimitive.set(value, this.#list.length);
      return this.#list.push(value) - 1;
    }
    if (value >= this.#small.length) this.#growSmall(value);
    const known = this.#small[value] as number;
    if (known !== 0) return known;
    this.#small[value] = this.#list.length;
    return this.#list.push(value) - 1;
  }

  #growSmall(value: number): void {
    let length = this.#small.length;
    while (length <= value) length *= 2;
    const larger = new Int32Array(length);
    larger.set(this.#small);
    this.#small = larger;
  }

  #idOfText(value: object): number {
    const text = canonicalText(value);
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    this.#byText.set(text, this.#list.length);
    return this.#list.push(value) - 1;
  }
}

/** JSON with the keys of objects in order. */
export function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === 'bigint') return `0x${inner.toString(16)}`;
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    const entries = Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries);
  });
}

/** Numbers for a few names (functions, keys). */
export class Names {
  readonly list: string[] = [];
  readonly #ids = new Map<string, number>();

  idOf(name: string): number {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    this.#ids.set(name, this.list.length);
    return this.list.push(name) - 1;
  }

  /** Undefined where the name never came up. */
  find(name: string): number | undefined {
    return this.#ids.get(name);
  }
}
