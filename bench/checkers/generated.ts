/** Generated histories, each to be decided within ten seconds of processor time or left open with a reason. */
import type { HistoryVerdict } from '../../src/checker/index.ts';
import { causeOf, checkWithin, engineOf, entriesOf, load } from './data.ts';
import { cpuMs, type Goal, quantile } from './measure.ts';

const LIMIT_MS = 10_000;
const RUNS = 3;
/** What takes longer is not repeated. */
const LONG_MS = 1_000;

export function benchGenerated(manifest: string, print: (line: string) => void): Goal[] {
  const entries = entriesOf(manifest);
  const costs: number[] = [];
  let unknown = 0;
  let wrong = 0;
  for (const entry of entries) {
    const one = load(manifest, { failedCas: 'observed', ...entry });
    const run = (): readonly [HistoryVerdict, number] => {
      const begun = process.cpuUsage();
      const found = checkWithin(LIMIT_MS, one, { isExplained: false });
      return [found, cpuMs(begun)];
    };
    const [found, first] = run();
    let least = first;
    for (let turn = 1; turn < RUNS && least < LONG_MS; turn++) least = Math.min(least, run()[1]);
    costs.push(least);
    const { verdict } = found;
    if (verdict === 'unknown') unknown++;
    else if (entry.expected !== 'undecided' && verdict !== entry.expected) wrong++;
    print(
      `${entry.file.padEnd(44)}${least.toFixed(2).padStart(13)} ms  ` +
        `${engineOf(found).padEnd(12)} ${verdict} ${causeOf(found)}`,
    );
  }
  print(
    `${entries.length} generated histories: ${unknown} unknown, ${wrong} wrong, median ` +
      `${quantile(costs, 0.5).toFixed(1)} ms, p90 ${quantile(costs, 0.9).toFixed(1)}, most ` +
      `${quantile(costs, 1).toFixed(0)}`,
  );
  const share = (100 * unknown) / entries.length;
  return [
    {
      what: 'generated histories that stay unknown',
      value: share,
      bound: 5,
      is: 'most',
      unit: ' %',
    },
    { what: 'generated histories judged wrongly', value: wrong, bound: 0, is: 'most', unit: '' },
  ];
}
