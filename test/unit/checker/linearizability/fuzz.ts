/** Random small histories through all engines, each held against the definition. */
import type { Prng } from '../../../../src/base/prng.ts';
import { historyOf } from '../../../../src/checker/history/builder.ts';
import type { History } from '../../../../src/checker/history/columns.ts';
import { partition } from '../../../../src/checker/history/partition.ts';
import {
  type CheckOptions,
  check as checkHistory,
} from '../../../../src/checker/linearizability/decide.ts';
import {
  DEFAULT_REDUCTIONS,
  type Reductions,
} from '../../../../src/checker/linearizability/jit.ts';
import { drawEvents, type Subject } from './objects.ts';
import { isLinearizable } from './oracle.ts';

export type Check = typeof checkHistory;

export interface FuzzOptions {
  readonly histories: number;
  /** The check to hold against the oracle; a mutant, for instance. */
  readonly check?: Check;
}

export interface FuzzResult {
  readonly good: number;
  readonly bad: number;
  /** Histories that no search was needed for. */
  readonly fast: number;
  /** The first history on which somebody was wrong. */
  readonly disagreement: string | undefined;
}

const switches = Object.keys(DEFAULT_REDUCTIONS) as (keyof Reductions)[];

/** What is run on the history with this ordinal: the portfolio, and by turns one of the engines. */
function runsOf(ordinal: number): readonly (CheckOptions & { readonly name: string })[] {
  const isExplained = false;
  // An explanation now and then: it refutes what it explains once more.
  const auto = { name: 'auto', engine: 'auto', isExplained: ordinal % 16 === 0 } as const;
  if (ordinal % 2 === 0) return [auto, { name: 'jit', engine: 'jit', isExplained }];
  if (ordinal % 4 === 1) {
    const engine = ordinal % 16 === 1 ? 'plain' : 'wgl';
    return [auto, { name: engine, engine, isExplained }];
  }
  const reduction = switches[(ordinal >> 2) % switches.length] as keyof Reductions;
  const reductions = { [reduction]: !DEFAULT_REDUCTIONS[reduction] };
  const name = `jit with ${reduction} switched over`;
  return [auto, { name, engine: 'jit', isExplained, reductions }];
}

export function fuzz(
  subject: Subject,
  prng: Prng,
  { histories, check = checkHistory }: FuzzOptions,
): FuzzResult {
  const { model } = subject;
  let good = 0;
  let fast = 0;
  for (let ordinal = 0; ordinal < histories; ordinal++) {
    const events = drawEvents(subject, prng, {
      operations: prng.int(3, 8),
      clients: prng.int(2, 4),
      lies: prng.pick([0, 100, 300]),
    });
    const history = historyOf(events);
    const parts = partition(history, model.partition?.bind(model));
    const isGood = parts.every((part) => isLinearizable(model, part.history));
    if (isGood) good++;
    const expected = isGood ? 'linearizable' : 'non-linearizable';
    for (const { name, ...options } of runsOf(ordinal)) {
      const found = verdictOf(() => check(history, model, options));
      if (found.verdict !== expected) {
        const disagreement =
          `${name} says ${found.verdict} where it is ${expected}, history ${ordinal}:\n` +
          shown(subject, history);
        return { good, bad: ordinal + 1 - good, fast, disagreement };
      }
      if (name === 'auto' && !found.isSearched) fast++;
    }
  }
  return { good, bad: histories - good, fast, disagreement: undefined };
}

/** A failed assertion is a verdict too: a wrong one. */
function verdictOf(run: () => ReturnType<Check>): {
  readonly verdict: string;
  readonly isSearched: boolean;
} {
  try {
    const { verdict, parts } = run();
    return { verdict, isSearched: parts.some(({ engine }) => engine === 'jit') };
  } catch (thrown) {
    return { verdict: thrown instanceof Error ? thrown.message : 'an error', isSearched: true };
  }
}

function shown({ model }: Subject, history: History): string {
  const { count, process, start, end } = history;
  const lines = Array.from({ length: count }, (_, row) => {
    const text = model.describe(history.op(row));
    return `  process ${process[row]} [${start[row]}, ${end[row]}] ${text}`;
  });
  return lines.join('\n');
}
