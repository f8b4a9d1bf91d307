/**
 * Broken invariants of our own. An assertion stays on in production: it stops the server with its
 * state dumped rather than let it serve from a state that it does not understand. Nothing that a
 * client or a peer sends may reach one.
 */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
  readonly values: Readonly<Record<string, unknown>>;
  constructor(sentence: string, values: Readonly<Record<string, unknown>>) {
    super(`${sentence} ${formatValues(values)}`.trim());
    this.values = values;
  }
}

export function assert(
  condition: boolean,
  sentence: string,
  values: Readonly<Record<string, unknown>> = {},
): asserts condition {
  if (!condition) throw new AssertionError(sentence, values);
}

/** Marks a branch that the types already exclude. */
export function unreachable(value: never, sentence = 'this value is outside its type'): never {
  throw new AssertionError(sentence, { value });
}

function formatValues(values: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(values);
  if (entries.length === 0) return '';
  return `(${entries.map(([key, value]) => `${key}=${formatValue(value)}`).join(', ')})`;
}

function formatValue(value: unknown): string {
  if (typeof value === 'bigint') return `0x${BigInt.asUintN(64, value).toString(16)}`;
  if (typeof value === 'object' && value !== null) {
    return JSON.stringify(value, (_, inner: unknown) =>
      typeof inner === 'bigint' ? `0x${BigInt.asUintN(64, inner).toString(16)}` : inner,
    );
  }
  return String(value);
}
