/**
 * What the page's script gets: the history as columns (one array per field, texts through one
 * dictionary, times as differences), the faults, and what the servers did. Columns compress about ten
 * times better than entries and decode into typed arrays, so that 100 000 operations stay quick.
 */

export const PAYLOAD_VERSION = 1;

/** Order of `OperationColumns.type`. */
export const operationTypes = ['ok', 'fail', 'info', 'pending'] as const;
export type OperationOutcome = (typeof operationTypes)[number];

/** Text columns hold indices into `Payload.texts`; 0 is the empty text and means *absent*. */
export interface OperationColumns {
  /** History index of the invocation, as difference to the previous row. */
  readonly index: readonly number[];
  /** History index of the completion less that of the invocation; 0 without completion. */
  readonly span: readonly number[];
  /** Nanoseconds of the invocation, as difference to the previous row. */
  readonly start: readonly number[];
  /** Nanoseconds that it took; −1 without completion. */
  readonly duration: readonly number[];
  readonly client: readonly number[];
  readonly type: readonly number[];
  /** 1 where a server answered, whatever it said; what availability counts. */
  readonly answered: readonly number[];
  readonly f: readonly number[];
  readonly key: readonly number[];
  readonly value: readonly number[];
  readonly result: readonly number[];
  readonly error: readonly number[];
  readonly zxid: readonly number[];
  readonly session: readonly number[];
  readonly op: readonly number[];
  /** sid that answered; 0 where unknown. */
  readonly node: readonly number[];
}

export interface PayloadFault {
  readonly id: string;
  readonly kind: string;
  readonly nodes: readonly number[];
  readonly requested: number;
  readonly applied: number | null;
  readonly verified: number | null;
  readonly healed: number | null;
  readonly healVerified: number | null;
  readonly evidence: string;
}

/** What a server was between two moments. `down` is inferred from the gap between incarnations. */
export type ServerRole = 'looking' | 'leading' | 'following' | 'standalone' | 'down';

export interface ServerSpan {
  readonly node: number;
  readonly from: number;
  readonly to: number;
  readonly role: ServerRole;
  readonly epoch: number;
}

export interface ServerMark {
  readonly node: number;
  readonly time: number;
  readonly text: string;
}

export interface PayloadAnomaly {
  readonly checker: string;
  readonly kind: string;
  readonly message: string;
  readonly time: number | null;
  /** Rows of `OperationColumns`. */
  readonly rows: readonly number[];
  readonly nodes: readonly number[];
}

export interface Payload {
  readonly v: number;
  /** Nanoseconds that the axis spans. */
  readonly end: number;
  readonly nodes: number;
  readonly texts: readonly string[];
  readonly operations: OperationColumns;
  readonly faults: readonly PayloadFault[];
  readonly spans: readonly ServerSpan[];
  readonly marks: readonly ServerMark[];
  readonly anomalies: readonly PayloadAnomaly[];
}
