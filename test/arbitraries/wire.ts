/**
 * Arbitraries for what is more than one record: transactions, multis, packets, election messages.
 */
import fc from 'fast-check';
import {
  CheckVersionRequest,
  ConnectRequest,
  ConnectResponse,
  CreateRequest,
  CreateTtlRequest,
  DeleteRequest,
  Id,
  type MultiOperation,
  type MultiResult,
  SetDataRequest,
  Stat,
} from '../../src/wire/client.ts';
import type { Notification } from '../../src/wire/election.ts';
import type { Codec } from '../../src/wire/jute.ts';
import {
  CheckTxn,
  CloseSessionTxn,
  CreateContainerTxn,
  CreateSessionTxn,
  CreateTtlTxn,
  CreateTxn,
  DeleteTxn,
  ErrorTxn,
  SetAclTxn,
  SetDataTxn,
  type SubTxn,
  type Txn,
  type TxnBody,
  TxnHeader,
} from '../../src/wire/txn.ts';
import { anyBytes, anyInt, anyLong, anyText, valueOf } from './shape.ts';

function withReadOnly<T extends { readonly readOnly?: boolean }>(codec: Codec<T>): fc.Arbitrary<T> {
  return fc
    .tuple(valueOf(codec), fc.option(fc.boolean(), { nil: undefined }))
    .map(([value, readOnly]) => (readOnly === undefined ? value : { ...value, readOnly }));
}
export const anyConnectRequest = withReadOnly(ConnectRequest);
export const anyConnectResponse = withReadOnly(ConnectResponse);

const typed = <T, V extends number>(types: readonly V[], codec: Codec<T>) =>
  fc.record({ type: fc.constantFrom(...types), body: valueOf(codec) }, { noNullPrototype: true });

export const anySubTxn: fc.Arbitrary<SubTxn> = fc.oneof(
  typed([1, 15] as const, CreateTxn),
  typed([19] as const, CreateContainerTxn),
  typed([21] as const, CreateTtlTxn),
  typed([2, 20] as const, DeleteTxn),
  typed([5, 16] as const, SetDataTxn),
  typed([7] as const, SetAclTxn),
  typed([13] as const, CheckTxn),
  typed([-1] as const, ErrorTxn),
);

/** Paths of a closed session are never empty. */
const anyClosed = valueOf(CloseSessionTxn).map(({ paths }) => ({
  paths: paths.map((path) => `/${path}`),
}));
export const anyTxnBody: fc.Arbitrary<TxnBody> = fc.oneof(
  anySubTxn,
  typed([-10] as const, CreateSessionTxn),
  fc.record(
    { type: fc.constant(-11 as const), body: fc.option(anyClosed, { nil: null }) },
    { noNullPrototype: true },
  ),
  fc.record(
    { type: fc.constant(14 as const), body: fc.array(anySubTxn, { maxLength: 4 }) },
    { noNullPrototype: true },
  ),
);
const anyDigest = fc.record(
  { version: fc.constant(2), treeDigest: anyLong },
  { noNullPrototype: true },
);
export const anyTxn: fc.Arbitrary<Txn> = fc
  .tuple(valueOf(TxnHeader), anyTxnBody, fc.option(anyDigest, { nil: undefined }))
  .map(([header, txn, digest]) => ({
    header: { ...header, type: txn.type },
    txn,
    ...(digest === undefined ? {} : { digest }),
  }));

const operation = <T, V extends number>(types: readonly V[], codec: Codec<T>) =>
  fc.record(
    { type: fc.constantFrom(...types), request: valueOf(codec) },
    { noNullPrototype: true },
  );
export const anyMultiRequest: fc.Arbitrary<MultiOperation[]> = fc.array(
  fc.oneof(
    operation([1, 15, 19] as const, CreateRequest),
    operation([21] as const, CreateTtlRequest),
    operation([2] as const, DeleteRequest),
    operation([5] as const, SetDataRequest),
    operation([13] as const, CheckVersionRequest),
  ),
  { maxLength: 5 },
);

const result = <T extends MultiResult>(
  fields: {
    [K in keyof T]: fc.Arbitrary<T[K]>;
  },
) => fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<T>;
const stat = valueOf(Stat);
export const anyMultiResponse: fc.Arbitrary<MultiResult[]> = fc.array(
  fc.oneof(
    result({ type: fc.constant(1 as const), path: anyText }),
    result({ type: fc.constant(15 as const), path: anyText, stat }),
    result({ type: fc.constantFrom(2 as const, 13 as const) }) as fc.Arbitrary<MultiResult>,
    result({ type: fc.constant(5 as const), stat }),
    result({ type: fc.constant(-1 as const), err: anyInt }),
  ),
  { maxLength: 5 },
);

export const anyPacket = fc.record(
  {
    type: anyInt,
    zxid: anyLong,
    data: fc.option(anyBytes, { nil: null }),
    authinfo: fc.option(fc.array(valueOf(Id), { maxLength: 3 }), { nil: null }),
  },
  { noNullPrototype: true },
);

export const anyNotification: fc.Arbitrary<Notification> = fc.record(
  {
    state: fc.constantFrom('looking', 'following', 'leading', 'observing'),
    leader: anyLong,
    zxid: anyLong,
    electionEpoch: anyLong,
    peerEpoch: anyLong,
    version: fc.constant(2),
    config: anyText,
  },
  { noNullPrototype: true },
);

export const anyForwarded = fc.record(
  { sessionId: anyLong, cxid: anyInt, type: anyInt, body: anyBytes },
  { noNullPrototype: true },
);
