/**
 * Recorded histories with known verdicts (porcupine's etcd logs, knossos' registers). They keep their
 * licences and are not part of this repository: UMPIRE_HISTORIES names their directory, else the one
 * beside the repository is used, and without either the tests are skipped with the reason.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { HistoryEntry } from '../../src/checker/history.ts';
import { checkLinearizable } from '../../src/checker/linearizability/check.ts';
import type { Model, Primitive } from '../../src/checker/linearizability/model.ts';
import {
  casRegisterModel,
  mutexModel,
  registerModel,
} from '../../src/checker/linearizability/models.ts';
import { pairOperations } from '../../src/checker/pairing.ts';

interface Entry {
  readonly file: string;
  readonly model: string;
  readonly init: Primitive;
  readonly failedCas: 'observed' | 'no-effect';
  readonly nilReads?: 'any';
  readonly expected: string;
}

const directory =
  process.env.UMPIRE_HISTORIES ?? join(import.meta.dirname, '../../../shared/data/histories');
const index = join(directory, 'index.json');
const isPresent = existsSync(index);
const models = ['register', 'cas-register', 'mutex'];
const entries: readonly Entry[] = isPresent
  ? (JSON.parse(readFileSync(index, 'utf8')) as Entry[]).filter(({ model }) =>
      models.includes(model),
    )
  : [];
if (!isPresent) console.log(`skipped: no ${index}; set UMPIRE_HISTORIES to the histories`);

function modelOf(entry: Entry): Model {
  const { init, failedCas, nilReads = 'value' } = entry;
  if (entry.model === 'mutex') return mutexModel() as unknown as Model;
  if (entry.model === 'register') return registerModel({ init, nilReads });
  return casRegisterModel({ init, failedCas, nilReads });
}

/** A line's place is its index, and its time too: some recordings have times out of order. */
function load(file: string): readonly HistoryEntry[] {
  const lines = readFileSync(join(directory, file), 'utf8').trim().split('\n');
  return lines.map((line, place) => {
    return { ...(JSON.parse(line) as HistoryEntry), index: place, time: place };
  });
}

const unconfirmed: string[] = [];

describe.skipIf(!isPresent)('histories with known verdicts', () => {
  test('are there', () => {
    expect(entries.length).toBeGreaterThan(100);
  });

  test.each(entries)('$file is $expected', (entry) => {
    const operations = pairOperations(load(entry.file));
    const result = checkLinearizable(operations, modelOf(entry));
    expect(result.verdict).toBe(entry.expected);
    for (const part of result.partitions) {
      if (part.verdict !== 'non-linearizable') continue;
      if (part.explanation?.isConfirmed !== true) unconfirmed.push(entry.file);
      expect(part.explanation?.isIrreducible).toBe(true);
      expect(part.explanation?.core.length).toBeGreaterThan(0);
    }
  });

  test('that fail do so in a search without reductions too, but for a few too large for it', () => {
    expect(unconfirmed.length).toBeLessThanOrEqual(3);
  });

  test('get the same verdict without reductions', () => {
    const etcd = entries.filter(({ file }) => file.includes('etcd_0'));
    for (const entry of etcd) {
      const operations = pairOperations(load(entry.file));
      const options = { engine: 'plain', isExplained: false } as const;
      expect(checkLinearizable(operations, modelOf(entry), options).verdict).toBe(entry.expected);
    }
  });
});
