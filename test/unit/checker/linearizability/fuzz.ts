/** Random small histories through all engines, each held against the definition. */
import type { Prng } from '../../../../src/base/prng.ts';
import { type HistoryEvent, historyOf } from '../../../../src/checker/history/builder.ts';
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
import { Monitor } from '../../../../src/checker/linearizability/monitor.ts';
import { drawEvents, type Subject } from './objects.ts';
import { isLinearizable } from './oracle.ts';

/** What is held against the oracle; a mutant, for instance. */
export interface Judges {
  readonly check: typeof checkHistory;
  readonly Monitor: typeof Monitor;
}

export interface FuzzOptions {
  readonly histories: number;
  readonly judges?: Judges;
}

export interface FuzzResult {
  readonly good: number;
  readonly bad: number;
  /** Histories that no search was needed for. */
  readonly fast: number;
  /** How often each engine was asked. */
  readonly runs: ReadonlyMap<string, number>;
  /** The first history on which somebody was wrong. */
  readonly disagreement: string | undefined;
}

const switches = Object.keys(DEFAULT_REDUCTIONS) as (keyof Reductions)[];
const noReductions = Object.fromEntries(switches.map((name) => [name, false]));
const ROUND = 16;

interface Asked {
  readonly name: string;
  readonly options?: CheckOptions;
}

/** What is run on the history with this ordinal beside the portfolio, if anything. */
function engineOf(ordinal: number): Asked | undefined {
  const isExplained = false;
  const turn = ordinal % ROUND;
  if (turn % 4 === 0) return { name: 'jit', options: { engine: 'jit', isExplained } };
  if (turn % 2 === 0) return undefined;
  if (turn === 1) return { name: 'plain', options: { engine: 'plain', isExplained } };
  if (turn === 5 || turn === 9) return { name: 'wgl', options: { engine: 'wgl', isExplained } };
  if (turn === 13) return { name: 'monitor' };
  const reduction = switches[(ordinal >> 2) % (switches.length + 1)];
  if (reduction === undefined) {
    const options = { engine: 'jit', isExplained, reductions: noReductions } as const;
    return { name: 'jit without reductions', options };
  }
  const isOn = !DEFAULT_REDUCTIONS[reduction];
  const options = { engine: 'jit', isExplained, reductions: { [reduction]: isOn } } as const;
  return { name: `jit ${isOn ? 'with' : 'without'} ${reduction}`, options };
}

export function fuzz(
  subject: Subject,
  prng: Prng,
  { histories, judges = { check: checkHistory, Monitor } }: FuzzOptions,
): FuzzResult {
  const { model } = subject;
  const runs = new Map<string, number>();
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
    // An explanation now and then: it refutes what it explains once more.
    const isExplained = ordinal % ROUND === 0;
    const auto = verdictOf(() => judges.check(history, model, { isExplained }));
    if (!auto.isSearched) fast++;
    const asked = engineOf(ordinal);
    const name = auto.isSearched ? 'jit' : 'fast';
    runs.set(name, (runs.get(name) ?? 0) + 1);
    const verdicts = [{ name: 'auto', ...auto }];
    // The portfolio may have asked it just now.
    if (asked !== undefined && asked.name !== name) {
      runs.set(asked.name, (runs.get(asked.name) ?? 0) + 1);
      const other = verdictOf(() => ask(judges, subject, asked, { events, history }));
      verdicts.push({ name: asked.name, ...other });
    }
    const wrong = verdicts.find(({ verdict }) => verdict !== expected);
    if (wrong === undefined) continue;
    const disagreement =
      `${wrong.name} says ${wrong.verdict} where it is ${expected}, history ${ordinal}:\n` +
      shown(subject, history);
    return { good, bad: ordinal + 1 - good, fast, runs, disagreement };
  }
  return { good, bad: histories - good, fast, runs, disagreement: undefined };
}

interface Drawn {
  readonly events: readonly HistoryEvent[];
  readonly history: History;
}

function ask(
  judges: Judges,
  { model }: Subject,
  { options }: Asked,
  { events, history }: Drawn,
): Found {
  if (options !== undefined) return judges.check(history, model, options);
  const monitor = new judges.Monitor(model);
  for (const event of events) monitor.push(event);
  return { verdict: monitor.end().verdict, parts: [] };
}

type Found = Pick<ReturnType<typeof checkHistory>, 'verdict'> & {
  readonly parts: readonly { readonly engine: string }[];
};

/** A failed assertion is a verdict too: a wrong one. */
function verdictOf(run: () => Found): { readonly verdict: string; readonly isSearched: boolean } {
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
