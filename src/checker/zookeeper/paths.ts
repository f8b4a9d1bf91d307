/** Numbers for paths: a table of millions of operations is then an array, not a map of texts. */

/** Instead of a number: a request that names no one path. */
export const NO_PATH = -1;

export class Paths {
  readonly #numbers = new Map<string, number>();
  readonly #paths: string[] = [];

  at(number: number): string {
    return this.#paths[number] as string;
  }

  /** Its number, a new one where it has none. */
  numberOf(path: string): number {
    let number = this.#numbers.get(path);
    if (number === undefined) {
      number = this.#paths.push(path) - 1;
      this.#numbers.set(path, number);
    }
    return number;
  }

  /** Undefined where nobody named it. */
  find(path: string): number | undefined {
    return this.#numbers.get(path);
  }
}
