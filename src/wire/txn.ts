/**
 * Transactions: what the leader decides, the log stores and PROPOSAL and INFORM carry, always as
 * the same byte string `TxnHeader · record · optional TxnDigest`. Upstream: SerializeUtils,
 * zookeeper.jute (txn).
 */

import { Acl, OpCode } from './client.ts';
import {
  bool,
  buffer,
  type Codec,
  type Infer,
  int,
  JuteReader,
  JuteWriter,
  long,
  record,
  ustring,
  vector,
} from './jute.ts';

export const TxnHeader = record('TxnHeader', {
  clientId: long,
  cxid: int,
  zxid: long,
  time: long,
  type: int,
});
export type TxnHeader = Infer<typeof TxnHeader>;

/** Digest of the whole tree after the transaction; error transactions have none. */
export const TxnDigest = record('TxnDigest', { version: int, treeDigest: long });
export type TxnDigest = Infer<typeof TxnDigest>;
export const DIGEST_VERSION = 2;

export const CreateSessionTxn = record('CreateSessionTxn', { timeoutMs: int });
export const CloseSessionTxn = record('CloseSessionTxn', { paths: vector(ustring) });
export const ErrorTxn = record('ErrorTxn', { err: int });
export const CreateTxn = record('CreateTxn', {
  path: ustring,
  data: buffer,
  acl: vector(Acl),
  isEphemeral: bool,
  parentCversion: int,
});
export const CreateContainerTxn = record('CreateContainerTxn', {
  path: ustring,
  data: buffer,
  acl: vector(Acl),
  parentCversion: int,
});
export const CreateTtlTxn = record('CreateTTLTxn', {
  path: ustring,
  data: buffer,
  acl: vector(Acl),
  parentCversion: int,
  ttlMs: long,
});
export const DeleteTxn = record('DeleteTxn', { path: ustring });
export const SetDataTxn = record('SetDataTxn', { path: ustring, data: buffer, version: int });
export const SetAclTxn = record('SetACLTxn', { path: ustring, acl: vector(Acl), version: int });
export const CheckTxn = record('CheckVersionTxn', { path: ustring, version: int });

export type SubTxn =
  | { readonly type: 1 | 15; readonly body: Infer<typeof CreateTxn> }
  | { readonly type: 19; readonly body: Infer<typeof CreateContainerTxn> }
  | { readonly type: 21; readonly body: Infer<typeof CreateTtlTxn> }
  | { readonly type: 2 | 20; readonly body: Infer<typeof DeleteTxn> }
  | { readonly type: 5 | 16; readonly body: Infer<typeof SetDataTxn> }
  | { readonly type: 7; readonly body: Infer<typeof SetAclTxn> }
  | { readonly type: 13; readonly body: Infer<typeof CheckTxn> }
  | { readonly type: -1; readonly body: Infer<typeof ErrorTxn> };

export type TxnBody =
  | SubTxn
  | { readonly type: -10; readonly body: Infer<typeof CreateSessionTxn> }
  /** Null where the writer had CloseSessionTxn disabled or predates it. */
  | { readonly type: -11; readonly body: Infer<typeof CloseSessionTxn> | null }
  | { readonly type: 14; readonly body: readonly SubTxn[] };

export interface Txn {
  readonly header: TxnHeader;
  readonly txn: TxnBody;
  readonly digest?: TxnDigest;
}

const codecs = new Map<number, Codec<unknown>>(
  [
    [OpCode.createSession, CreateSessionTxn],
    [OpCode.error, ErrorTxn],
    [OpCode.create, CreateTxn],
    [OpCode.create2, CreateTxn],
    [OpCode.createContainer, CreateContainerTxn],
    [OpCode.createTTL, CreateTtlTxn],
    [OpCode.delete, DeleteTxn],
    [OpCode.deleteContainer, DeleteTxn],
    [OpCode.setData, SetDataTxn],
    [OpCode.reconfig, SetDataTxn],
    [OpCode.setACL, SetAclTxn],
    [OpCode.check, CheckTxn],
  ].map(([type, codec]) => [type as number, codec as Codec<unknown>] as const),
);

export function encodeTxn(txn: Txn): Uint8Array {
  const writer = new JuteWriter(256);
  TxnHeader.write(writer, txn.header);
  writeBody(writer, txn.txn);
  if (txn.digest !== undefined) TxnDigest.write(writer, txn.digest);
  return writer.finish();
}

function writeBody(writer: JuteWriter, txn: TxnBody): void {
  if (txn.type === OpCode.multi) {
    writer.int(txn.body.length);
    for (const sub of txn.body) {
      const inner = new JuteWriter();
      writeBody(inner, sub);
      writer.int(sub.type);
      writer.buffer(inner.finish());
    }
    return;
  }
  if (txn.type === OpCode.closeSession) {
    if (txn.body !== null) CloseSessionTxn.write(writer, txn.body);
    return;
  }
  codecs.get(txn.type)?.write(writer, txn.body);
}

/** Throws MalformedError for an unknown type: such a transaction must never be logged. */
export function decodeTxn(bytes: Uint8Array): Txn {
  // The transaction bounds its fields: what was accepted once, under whatever limit, is read back.
  const reader = new JuteReader(bytes, 0, bytes.length);
  const header = TxnHeader.read(reader);
  const txn = readBody(reader, header.type);
  return reader.remaining >= 12 ? { header, txn, digest: TxnDigest.read(reader) } : { header, txn };
}

function readBody(reader: JuteReader, type: number): TxnBody {
  if (type === OpCode.multi) {
    const count = reader.count();
    const body: SubTxn[] = [];
    for (let index = 0; index < count; index++) {
      const subType = reader.int();
      const bytes = reader.buffer() ?? reader.fail('a sub-transaction has no bytes');
      if (subType === OpCode.multi || subType < -1)
        reader.fail(`type ${subType} is not allowed in a multi`);
      body.push(readBody(new JuteReader(bytes, 0, bytes.length), subType) as SubTxn);
    }
    return { type, body };
  }
  if (type === OpCode.closeSession) {
    // Twelve bytes may be a bare digest or the body of one short path; a digest begins with its
    // version, and no body of two paths is that short.
    const isBareDigest = reader.remaining === 12 && reader.peekInt() === DIGEST_VERSION;
    const hasBody = reader.remaining >= 4 && !isBareDigest;
    return { type, body: hasBody ? CloseSessionTxn.read(reader) : null };
  }
  const codec = codecs.get(type) ?? reader.fail(`transaction type ${type} is unknown`);
  return { type, body: codec.read(reader) } as TxnBody;
}
