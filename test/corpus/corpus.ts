/**
 * Histories with known verdicts and certificates, one a line: a name, where it comes from, the model with its
 * options, the events in short (see script.ts), the verdict, and what proves it. A linearizable history
 * carries an order of its operations; another carries a core: with every other operation relaxed to
 * "maybe", no order exists. Where a fast path left other values of the object out, the history that
 * remains is carried as well, and the core is one of that.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CorpusEntry {
  readonly name: string;
  readonly origin: 'hand' | 'drawn' | 'canary';
  readonly model: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly events: string;
  readonly expected: 'linearizable' | 'non-linearizable';
  readonly order?: readonly number[];
  readonly core?: readonly number[];
  /** What is left of the history without other values. */
  readonly witness?: string;
}

export const corpusFile = join(import.meta.dirname, 'histories.ndjson');

export function readCorpus(): readonly CorpusEntry[] {
  const lines = readFileSync(corpusFile, 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as CorpusEntry);
}
