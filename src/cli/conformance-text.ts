/** What `run` says of conformance: how much was explained, and at what cost. */
import type { RunResult } from '../harness/index.ts';

const CHECKER = 'conformance';

/** One line about many runs; none where no ensemble told anything. */
export function conformanceSummary(results: readonly RunResult[]): readonly string[] {
  const followed = results.flatMap((result) => {
    const check = result.checks.find(({ checker }) => checker === CHECKER);
    return check === undefined ? [] : [{ check, result }];
  });
  if (followed.length === 0) return [];
  const events = followed.reduce((sum, { check }) => sum + check.looked, 0);
  const spentMs = followed.reduce((sum, { result }) => sum + (result.checkMs?.[CHECKER] ?? 0), 0);
  const totalMs = followed.reduce((sum, { result }) => sum + result.durationMs, 0);
  const share = totalMs === 0 ? '' : `, ${((100 * spentMs) / totalMs).toFixed(1)} % of their time`;
  const explained = followed.filter(({ check }) => check.verdict === 'pass').length;
  const mark = explained === followed.length ? '✓' : '✕';
  return [
    `${mark} conformance: ${explained} of ${followed.length} runs are behaviours of the model of ZAB, ` +
      `${events} events${share}`,
  ];
}
