/**
 * What a check may cost. Steps are counted in the loops of the engines; the caller's clock and its wish
 * to stop are asked every 4 096 steps and around every step of the model, which is foreign code and may
 * be slow. A spent budget unwinds the engine; what it knew by then is told as `unknown`.
 */

export interface Budget {
  /** Steps of all searches together. */
  readonly maxSteps: number;
  /** Bytes of one search's memo. */
  readonly maxBytes: number;
  /** The caller's clock: true when time is up. */
  readonly isPastDeadline?: (() => boolean) | undefined;
  /** An AbortSignal, or anything like it. */
  readonly signal?: { readonly aborted: boolean } | undefined;
}

export const DEFAULT_BUDGET: Budget = {
  maxSteps: 50_000_000,
  maxBytes: 512 * 1024 * 1024,
};

export type UnknownCause = 'steps' | 'bytes' | 'deadline' | 'aborted' | 'model-error';

/** Ends a search from within; never leaves the engines. */
export class SearchStopped extends Error {
  override readonly name = 'SearchStopped';
  override readonly cause: UnknownCause;
  constructor(cause: UnknownCause, message: string = cause) {
    super(message);
    this.cause = cause;
  }
}

const STEPS_BETWEEN_LOOKS = 4096;

export class Meter {
  steps = 0;
  readonly #budget: Budget;
  #nextLook = 0;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** One step of a loop that holds `sizeBytes` of memory. */
  tick(sizeBytes: number): void {
    if (++this.steps < this.#nextLook && this.steps < this.#budget.maxSteps) return;
    this.#nextLook = this.steps + STEPS_BETWEEN_LOOKS;
    if (this.steps >= this.#budget.maxSteps) throw new SearchStopped('steps');
    if (sizeBytes > this.#budget.maxBytes) throw new SearchStopped('bytes');
    this.look();
  }

  get maxBytes(): number {
    return this.#budget.maxBytes;
  }

  /** Asks the clock and the signal. */
  look(): void {
    if (this.#budget.signal?.aborted === true) throw new SearchStopped('aborted');
    if (this.#budget.isPastDeadline?.() === true) throw new SearchStopped('deadline');
  }
}
