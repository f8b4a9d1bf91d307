/** What the checks of servers look at: clients' history, servers' events, servers' disks. */
import type { ProtocolEvent } from '../../base/protocol-event.ts';
import type { HistoryEntry } from '../history.ts';
import type { ServerDisk } from '../server-evidence.ts';

/** What the checks of servers look at; the harness's evidence has this shape. */
export interface ServerEvidence {
  readonly history: readonly HistoryEntry[];
  /** White-box: by node, in the node's own order. */
  readonly events: ReadonlyMap<number, readonly ProtocolEvent[]>;
  /** Outside twin: what stood on each server's disk after the run. */
  readonly disks: ReadonlyMap<number, ServerDisk>;
}

/** Servers of the ensemble, as far as any evidence names them. */
export function serverCount({ events, disks }: ServerEvidence): number {
  return new Set([...events.keys(), ...disks.keys()]).size;
}
