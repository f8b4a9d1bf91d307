/** Rows of one chunk: a power of two. */
const CHUNK_BITS = 12;
const CHUNK = 1 << CHUNK_BITS;

/**
 * Rows of numbers. A number of 64 bits that is a field of an object is an object of its own for the garbage
 * collector; millions of these in a few large arrays are none. They grow without being copied.
 */
export class NumberRows {
  readonly #width: number;
  readonly #chunks: Float64Array[] = [];
  #length = 0;

  constructor(width: number) {
    this.#width = width;
  }

  get length(): number {
    return this.#length;
  }

  /** A row of zeros; returns its index. */
  add(): number {
    const row = this.#length++;
    if ((row & (CHUNK - 1)) === 0) this.#chunks.push(new Float64Array(CHUNK * this.#width));
    return row;
  }

  get(row: number, column: number): number {
    return this.arrayOf(row)[this.placeOf(row) + column] as number;
  }

  set(row: number, column: number, value: number): void {
    this.arrayOf(row)[this.placeOf(row) + column] = value;
  }

  /** Whether two rows begin with the same numbers, so many as `columns` says. */
  isSame(one: number, other: number, columns: number): boolean {
    const [numbers, others] = [this.arrayOf(one), this.arrayOf(other)];
    const [place, otherPlace] = [this.placeOf(one), this.placeOf(other)];
    for (let column = 0; column < columns; column++) {
      if (numbers[place + column] !== others[otherPlace + column]) return false;
    }
    return true;
  }

  /** The array that a row stands in, and its place there: for who reads it many times. */
  arrayOf(row: number): Float64Array {
    return this.#chunks[row >>> CHUNK_BITS] as Float64Array;
  }

  placeOf(row: number): number {
    return (row & (CHUNK - 1)) * this.#width;
  }
}
