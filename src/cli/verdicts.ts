/** Many verdicts → one, and its exit code: the most informative wins. */
import { ExitCode, type Verdict } from '../harness/index.ts';

/** From the most to the least informative. */
const order: readonly Verdict[] = [
  'violation',
  'harness-error',
  'not-exercised',
  'unknown',
  'pass',
];

export function worstVerdict(verdicts: Iterable<Verdict>): Verdict {
  let worst = order.length - 1;
  for (const verdict of verdicts) worst = Math.min(worst, order.indexOf(verdict));
  return order[worst] as Verdict;
}

/** `isNondeterministic`: one seed gave two traces. 1, 5, 4, 3, 2 is the order of what is told. */
export function exitCodeOf(verdict: Verdict, isNondeterministic = false): number {
  const code = ExitCode[verdict];
  const isOutranked = verdict === 'violation' || verdict === 'harness-error';
  return isNondeterministic && !isOutranked ? ExitCode.nondeterministic : code;
}
