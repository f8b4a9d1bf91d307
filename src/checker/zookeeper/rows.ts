/** Rows of one chunk: a power of two. */
const CHUNK_BITS = 12;
const CHUNK = 1 << CHUNK_BITS;

/** Views of the same memory: the numbers of each row stand before its integers. */
interface Chunk {
  readonly numbers: Float64Array;
  readonly integers: Int32Array;
}

/**
 * Rows of numbers and of integers of 32 bits, side by side. A number of 64 bits that is a field of an object
 * is an object of its own for the garbage collector; millions of these in a few large arrays are none. They
 * grow without being copied. Where there are millions, memory is what takes the time: a row should be 64
 * bytes at most.
 */
export class Rows {
  readonly #numbers: number;
  /** Of a row, in numbers. */
  readonly #width: number;
  readonly #chunks: Chunk[] = [];
  #length = 0;

  constructor({ numbers, integers }: { readonly numbers: number; readonly integers: number }) {
    this.#numbers = numbers;
    this.#width = numbers + Math.ceil(integers / 2);
  }

  get length(): number {
    return this.#length;
  }

  /** A row of zeros; returns its index. */
  add(): number {
    const row = this.#length++;
    if ((row & (CHUNK - 1)) === 0) {
      const numbers = new Float64Array(CHUNK * this.#width);
      this.#chunks.push({ numbers, integers: new Int32Array(numbers.buffer) });
    }
    return row;
  }

  number(row: number, column: number): number {
    return this.numbersOf(row)[this.numbersAt(row) + column] as number;
  }

  integer(row: number, column: number): number {
    return this.integersOf(row)[this.integersAt(row) + column] as number;
  }

  /** The array that the numbers of a row stand in, and where: for who reads several. */
  numbersOf(row: number): Float64Array {
    return (this.#chunks[row >>> CHUNK_BITS] as Chunk).numbers;
  }

  numbersAt(row: number): number {
    return (row & (CHUNK - 1)) * this.#width;
  }

  /** The same for its integers. */
  integersOf(row: number): Int32Array {
    return (this.#chunks[row >>> CHUNK_BITS] as Chunk).integers;
  }

  integersAt(row: number): number {
    return (this.numbersAt(row) + this.#numbers) * 2;
  }
}
