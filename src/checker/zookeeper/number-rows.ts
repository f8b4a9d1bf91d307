/**
 * Rows of numbers in one large array. A number of 64 bits that is a field of an object is an object of its
 * own for the garbage collector; millions of these in an array are none.
 */
export class NumberRows {
  readonly #width: number;
  #numbers: Float64Array<ArrayBuffer>;
  #end = 0;

  constructor(width: number) {
    this.#width = width;
    this.#numbers = new Float64Array(1024 * width);
  }

  /** A row of zeros; returns the place of its first number. */
  add(): number {
    const row = this.#end;
    this.#end += this.#width;
    if (this.#end > this.#numbers.length) {
      const larger = new Float64Array(2 * this.#numbers.length);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    return row;
  }

  get(place: number): number {
    return this.#numbers[place] as number;
  }

  set(place: number, value: number): void {
    this.#numbers[place] = value;
  }
}
