/**
 * The errors of the protocol: one table with code, name, and whether the answer is *definite*, that
 * is, whether the operation certainly did not happen. The harness's ok/fail/info mapping is this
 * column and nothing else. Upstream: KeeperException.Code.
 */
const rows = [
  // name, code, definite
  ['Ok', 0, true],
  ['SystemError', -1, false],
  ['RuntimeInconsistency', -2, true],
  ['DataInconsistency', -3, false],
  // ConnectionLoss and the two timeouts are client-side: the request may be anywhere.
  ['ConnectionLoss', -4, false],
  ['MarshallingError', -5, true],
  ['Unimplemented', -6, true],
  ['OperationTimeout', -7, false],
  ['BadArguments', -8, true],
  ['UnknownSession', -12, true],
  ['NewConfigNoQuorum', -13, true],
  ['ReconfigInProgress', -14, true],
  ['NoNode', -101, true],
  ['NoAuth', -102, true],
  ['BadVersion', -103, true],
  ['NoChildrenForEphemerals', -108, true],
  ['NodeExists', -110, true],
  ['NotEmpty', -111, true],
  // A session may be found expired while an earlier request of it is still in flight.
  ['SessionExpired', -112, false],
  ['InvalidCallback', -113, true],
  ['InvalidAcl', -114, true],
  ['AuthFailed', -115, true],
  ['SessionMoved', -118, true],
  ['NotReadOnly', -119, true],
  ['EphemeralOnLocalSession', -120, true],
  ['NoWatcher', -121, true],
  ['RequestTimeout', -122, false],
  ['ReconfigDisabled', -123, true],
  ['SessionClosedRequireSaslAuth', -124, true],
  ['QuotaExceeded', -125, true],
  ['ThrottledOp', -127, true],
] as const;

export type ErrorName = (typeof rows)[number][0];

export interface ErrorRow {
  readonly name: ErrorName;
  readonly code: number;
  readonly definite: boolean;
}

export const errorTable: readonly ErrorRow[] = rows.map(([name, code, definite]) => ({
  name,
  code,
  definite,
}));

export const ErrorCode = Object.fromEntries(rows.map(([name, code]) => [name, code])) as {
  readonly [K in ErrorName]: Extract<(typeof rows)[number], readonly [K, number, boolean]>[1];
};

const byCode = new Map<number, ErrorRow>(errorTable.map((row) => [row.code, row]));

/** The row of a code; a code that nobody knows is never definite. */
export function errorRow(code: number): ErrorRow | undefined {
  return byCode.get(code);
}

export function errorName(code: number): string {
  return byCode.get(code)?.name ?? `Unknown(${code})`;
}

export function isDefinite(code: number): boolean {
  return byCode.get(code)?.definite ?? false;
}
