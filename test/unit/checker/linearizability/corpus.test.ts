/**
 * The corpus: every history gets its verdict from every engine that applies, and every certificate is
 * checked without the engine that found it.
 */
import { describe, expect, test } from 'vitest';
import { relax } from '../../../../src/checker/history/columns.ts';
import { check } from '../../../../src/checker/linearizability/decide.ts';
import { validateLinearization } from '../../../../src/checker/linearizability/validate-linearization.ts';
import { modelByName } from '../../../../src/checker/models/registry.ts';
import { readCorpus } from '../../../corpus/corpus.ts';
import { scripted } from './script.ts';

const corpus = readCorpus();
const budget = { maxSteps: 50_000 };

describe('the corpus', () => {
  test('is large, and of both kinds', () => {
    expect(corpus.length).toBeGreaterThanOrEqual(200);
    const good = corpus.filter(({ expected }) => expected === 'linearizable').length;
    expect(Math.min(good, corpus.length - good)).toBeGreaterThanOrEqual(80);
    expect(new Set(corpus.map(({ name }) => name)).size).toBe(corpus.length);
  });

  test.each(corpus)('$name ($model, $origin) is $expected', (entry) => {
    const model = modelByName(entry.model, entry.options);
    const history = scripted(entry.events);
    const auto = check(history, model, { budget });
    expect(auto.verdict).toBe(entry.expected);
    for (const engine of ['fast', 'jit', 'wgl'] as const) {
      const { verdict } = check(history, model, { engine, budget, isExplained: false });
      // Not every fast path applies, and not every search ends.
      if (verdict !== 'unknown') expect(verdict, engine).toBe(entry.expected);
    }
    if (entry.order !== undefined) {
      expect(validateLinearization(model, history, entry.order)).toBeUndefined();
      return;
    }
    // Everything but the core is "maybe", and still there is no order.
    const core = new Set(entry.core);
    const left = entry.witness === undefined ? history : scripted(entry.witness);
    const relaxed = relax(left, (row) => !core.has(row));
    const again = check(relaxed, model, { engine: 'wgl', budget, isExplained: false });
    expect(again.verdict).toBe('non-linearizable');
  });
});
