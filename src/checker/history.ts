/**
 * A history: what clients asked, what they were told, and what the nemesis did, in the order in which the
 * harness saw it. An operation is an invocation and a completion of one process; `info` means that it may
 * or may not have happened, and its process number is not used again.
 */
export type OperationType = 'invoke' | 'ok' | 'fail' | 'info';

export interface HistoryEntry {
  readonly index: number;
  /** A logical thread; a client gets a new number after `info`. */
  readonly process: number | 'nemesis';
  readonly type: OperationType;
  readonly f: string;
  readonly key?: string;
  readonly value?: unknown;
  /** Nanoseconds on the harness's monotonic clock since the start of the run; a safe integer. */
  readonly time: number;
  /** ErrorName of the protocol table, or `timeout`. */
  readonly error?: string;
  /** sid of the server that answered. */
  readonly node?: number;
  /** Hex. */
  readonly session?: string;
  /** Hex; zxid of the reply header. */
  readonly zxid?: string;
  /** Id of the plan's client. */
  readonly client?: number;
  /** Id of the plan's operation or fault. */
  readonly op?: string;
}

/** An invocation paired with its completion; times are history indices. */
export interface Operation {
  readonly process: number;
  readonly f: string;
  readonly key: string | undefined;
  readonly invoke: HistoryEntry;
  /** Absent: never completed, same as `info`. */
  readonly completion: HistoryEntry | undefined;
}
