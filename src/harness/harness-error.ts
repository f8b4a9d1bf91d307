/** A fault of the surroundings: what happened and what to do next, under a code that does not change. */
export class HarnessError extends Error {
  override readonly name = 'HarnessError';
  readonly code: string;
  readonly advice: string;
  constructor(code: string, message: string, advice: string) {
    super(message);
    this.code = code;
    this.advice = advice;
  }
}
