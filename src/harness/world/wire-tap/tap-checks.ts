/** All checks of what passed on the wires: the outside twins of the checks that believe the servers. */
import type { CheckResult } from '../../../checker/verdict.ts';
import { checkTapBroadcast } from './tap-broadcast.ts';
import { checkTapLeaders } from './tap-leaders.ts';
import { checkTapPromises } from './tap-promises.ts';
import type { TapRecording } from './wire-tap.ts';

/** Nothing where the wires between peers were not tapped, or where there are no peers. */
export function checkWireTap(
  { links, events, dropped }: TapRecording,
  servers: number,
): readonly CheckResult[] {
  if (servers < 2 || !links.includes('quorum')) return [];
  const checks = [
    checkTapLeaders(events, servers),
    ...checkTapBroadcast(events, servers),
    checkTapPromises(events),
  ];
  if (dropped === 0) return checks;
  return checks.map((check) =>
    check.verdict === 'pass'
      ? { ...check, summary: `${check.summary}; the last ${dropped} events were not kept` }
      : check,
  );
}
