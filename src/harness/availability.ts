/**
 * Two judgements that need no model: a server must not end by itself, and an ensemble whose faults are all
 * healed must serve again within its bound.
 */
import type { Anomaly, CheckResult } from '../checker/verdict.ts';
import type { Recording } from './interpreter.ts';

const MAX_REASON_CHARACTERS = 1500;

export function checkServersLived(recording: Recording): CheckResult {
  const anomalies = recording.exits.map((exit): Anomaly => {
    const seconds = (exit.time / 1e9).toFixed(3);
    const how = exit.isCrash ? 'crashed' : `ended by itself with code ${exit.code}`;
    return {
      kind: exit.isCrash ? 'server-crashed' : 'server-ended',
      message: `server ${exit.node} ${how} at ${seconds} s: ${exit.reason.slice(0, MAX_REASON_CHARACTERS)}`,
      entries: [],
      time: exit.time,
      nodes: [exit.node],
    };
  });
  const looked = recording.events.size;
  return {
    checker: 'servers-lived',
    verdict: anomalies.length > 0 ? 'violation' : looked === 0 ? 'not-exercised' : 'pass',
    looked,
    items: 'servers',
    summary:
      anomalies.length === 0
        ? 'no server ended without being killed'
        : `${anomalies.length} times a server ended without being killed`,
    anomalies,
  };
}

export function checkAvailability(recording: Recording): CheckResult {
  const anomalies = recording.unavailable.map(
    (item): Anomaly => ({
      kind: `unavailable-${item.phase}`,
      message: `${item.message}, at ${(item.time / 1e9).toFixed(3)} s`,
      entries: [],
      time: item.time,
    }),
  );
  return {
    checker: 'availability',
    verdict: anomalies.length > 0 ? 'violation' : 'pass',
    looked: 2,
    items: 'waits for a whole serving ensemble',
    summary:
      anomalies.length === 0
        ? 'the ensemble served after its start and after everything was healed'
        : (anomalies[0]?.message ?? ''),
    anomalies,
  };
}
