/**
 * From outside: what a server has acknowledged it still has when it meets its next leader, whatever happened
 * to it in between. Only a leader may take it back, by TRUNC or by a snapshot.
 */
import { parseHex } from '../../../base/zxid.ts';
import { Findings, formatTime } from '../../../checker/report.ts';
import type { CheckResult } from '../../../checker/verdict.ts';
import type { TapEvent } from './tap-event.ts';

export function checkTapPromises(events: readonly TapEvent[]): CheckResult {
  const findings = new Findings();
  const acknowledged = new Map<number, bigint>();
  for (const event of events) {
    if (event.link !== 'quorum' || typeof event.from !== 'number') continue;
    const { from, to } = event;
    switch (event.message) {
      case 'ACK': {
        const zxid = parseHex(event.zxid) ?? 0n;
        const before = acknowledged.get(from) ?? 0n;
        // The counter 0 acknowledges NEWLEADER, which is no transaction.
        if ((zxid & 0xffffffffn) !== 0n && zxid > before) acknowledged.set(from, zxid);
        break;
      }
      // Whatever becomes of it, this learner is no longer held to what it had.
      case 'TRUNC':
      case 'SNAP':
        acknowledged.delete(Number(to));
        break;
      case 'ACKEPOCH':
        findings.looked++;
        compare(findings, event, from, acknowledged.get(from) ?? 0n);
        break;
      default:
    }
  }
  return findings.result(
    'tap-promises',
    'learners that met a leader',
    'Whoever met a leader still had what it had acknowledged on the wire',
  );
}

function compare(
  findings: Findings,
  event: TapEvent & { message: 'ACKEPOCH' },
  sid: number,
  acknowledged: bigint,
): void {
  if ((parseHex(event.zxid) ?? 0n) >= acknowledged) return;
  findings.add({
    kind: 'acknowledgement-forgotten',
    message:
      `server ${sid} told leader ${event.to} at ${formatTime(event.time)} that its log ends at ` +
      `${event.zxid}, after it had acknowledged 0x${acknowledged.toString(16)}`,
    entries: [],
    time: event.time,
    nodes: [sid],
    zxid: event.zxid,
  });
}
