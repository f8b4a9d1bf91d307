/** Values of options: each either makes sense or is a UsageError that says what would. */
import { randomBytes } from 'node:crypto';
import { UsageError } from './errors.ts';

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `500ms`, `30s`, `2m`, `1.5h` → milliseconds. */
export function parseDuration(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text.trim());
  const ms = match === null ? 0 : Math.round(Number(match[1]) * (unitMs[match[2] as string] ?? 0));
  if (ms > 0 && Number.isSafeInteger(ms)) return ms;
  throw new UsageError({
    code: 'bad-duration',
    what: `${option} ${JSON.stringify(text)} is no duration.`,
    next: 'Write a number with a unit: 500ms, 30s, 2m or 1h.',
  });
}

export function parseCount(text: string, option: string, least: number, most: number): number {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (count >= least && count <= most) return count;
  throw new UsageError({
    code: 'bad-number',
    what: `${option} ${JSON.stringify(text)} does not fit.`,
    next: `Write a whole number from ${least} to ${most}.`,
  });
}

/** Hex digits, with a part behind a dash where a portfolio made it: the text is what is drawn from. */
export function parseSeed(text: string): string {
  const digits = text.toLowerCase().replace(/^0x/, '');
  if (/^[0-9a-f]{1,16}(-[0-9a-f]{1,8})?$/.test(digits)) return digits;
  throw new UsageError({
    code: 'bad-seed',
    what: `--seed ${JSON.stringify(text)} is no seed.`,
    next: 'Write 1 to 16 hex digits, for example 5eed.',
  });
}

export function randomSeed(): string {
  return randomBytes(8).toString('hex');
}

/** Names separated by commas, checked against what exists, with the nearest one suggested. */
export function parseNames(text: string, option: string, known: readonly string[]): string[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length === 0) throw unknownName('', option, known);
  for (const name of names) if (!known.includes(name)) throw unknownName(name, option, known);
  return [...new Set(names)];
}

export function unknownName(name: string, option: string, known: readonly string[]): UsageError {
  const near = nearest(name, known);
  return new UsageError({
    code: 'unknown-name',
    what: `${option} ${JSON.stringify(name)} is not known.`,
    why: `There are: ${known.join(', ')}.`,
    next: near === undefined ? 'See: npm run list' : `Did you mean ${near}?`,
  });
}

export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(name, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

/** Insertions, deletions and substitutions from one word to the other. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(change, (previous[j] as number) + 1, (current[j - 1] as number) + 1));
    }
    previous = current;
  }
  return previous[b.length] as number;
}
