/** Everything that the checkers of a run may look at. */
import type { ProtocolEvent } from '../base/protocol-event.ts';
import type { HistoryEntry } from '../checker/history.ts';
import type { LoggedTxn, ServerDisk } from '../checker/server-evidence.ts';
import type { JournalRecord } from '../checker/zookeeper/journal.ts';
import type { Plan } from './plan.ts';

export type { LoggedTxn, ServerDisk };

/** `time`: nanoseconds on the harness's clock at which the event was seen. */
export type TimedEvent = ProtocolEvent & { readonly time?: number };

export interface Evidence {
  readonly plan: Plan;
  readonly history: readonly HistoryEntry[];
  /** Everything that passed between clients and servers. */
  readonly sessions?: readonly JournalRecord[];
  /** White-box: protocol events by node, in the node's own order. */
  readonly events: ReadonlyMap<number, readonly TimedEvent[]>;
  /** Outside twin: what stood on each server's disk after the run. */
  readonly disks: ReadonlyMap<number, ServerDisk>;
}
