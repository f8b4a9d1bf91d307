/**
 * The client protocol. Every message is `int length` and that many bytes.
 *
 *   → ConnectRequest                      ← ConnectResponse           (first message, no header)
 *   → RequestHeader · request record      ← ReplyHeader · reply record (body only where err = 0)
 *                                         ← ReplyHeader(xid -1) · WatcherEvent
 *
 * Upstream: zookeeper.jute (packages data and proto), ZooDefs.OpCode, ClientCnxn.
 */
import {
  bool,
  buffer,
  type Codec,
  type Infer,
  int,
  JuteReader,
  JuteWriter,
  long,
  nullableUstring,
  nullableVector,
  record,
  ustring,
  vector,
} from './jute.ts';

export const OpCode = {
  notification: 0,
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getACL: 6,
  setACL: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  checkWatches: 17,
  removeWatches: 18,
  createContainer: 19,
  deleteContainer: 20,
  createTTL: 21,
  multiRead: 22,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  getEphemerals: 103,
  getAllChildrenNumber: 104,
  setWatches2: 105,
  addWatch: 106,
  whoAmI: 107,
  createSession: -10,
  closeSession: -11,
  error: -1,
} as const;
export type OpName = keyof typeof OpCode;

const opNames = new Map<number, OpName>(
  Object.entries(OpCode).map(([name, code]) => [code, name as OpName] as const),
);
export function opName(code: number): string {
  return opNames.get(code) ?? `op${code}`;
}

/** Xids with a meaning of their own; the client numbers ordinary requests from 1. */
export const Xid = { notification: -1, ping: -2, auth: -4, setWatches: -8 } as const;

export const Id = record('Id', { scheme: ustring, id: ustring });
export type Id = Infer<typeof Id>;
/** An id as a client may send it: its null fields are InvalidACL, not malformed bytes. */
export const Acl = record('ACL', {
  perms: int,
  id: record('Id', { scheme: nullableUstring, id: nullableUstring }),
});
export type Acl = Infer<typeof Acl>;

export const Permission = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const;
export const OPEN_ACL: readonly Acl[] = [
  { perms: Permission.all, id: { scheme: 'world', id: 'anyone' } },
];

export const Stat = record('Stat', {
  czxid: long,
  mzxid: long,
  ctime: long,
  mtime: long,
  version: int,
  cversion: int,
  aversion: int,
  ephemeralOwner: long,
  dataLength: int,
  numChildren: int,
  pzxid: long,
});
export type Stat = Infer<typeof Stat>;

export const ConnectRequest: Codec<ConnectRequest> = connectCodec('ConnectRequest', {
  protocolVersion: int,
  lastZxidSeen: long,
  timeoutMs: int,
  sessionId: long,
  password: buffer,
});
export interface ConnectRequest {
  readonly protocolVersion: number;
  readonly lastZxidSeen: bigint;
  readonly timeoutMs: number;
  readonly sessionId: bigint;
  readonly password: Uint8Array | null;
  /** Absent in requests of clients before 3.4; such a client gets no flag back. */
  readonly readOnly?: boolean;
}
export const ConnectResponse: Codec<ConnectResponse> = connectCodec('ConnectResponse', {
  protocolVersion: int,
  timeoutMs: int,
  sessionId: long,
  password: buffer,
});
export interface ConnectResponse {
  readonly protocolVersion: number;
  /** 0 or less: the session is expired or was refused. */
  readonly timeoutMs: number;
  readonly sessionId: bigint;
  readonly password: Uint8Array | null;
  readonly readOnly?: boolean;
}

/** A record with an optional trailing flag, present where bytes remain. */
function connectCodec<T extends { readonly readOnly?: boolean }>(
  name: string,
  fields: Parameters<typeof record>[1],
): Codec<T> {
  const base = record(name, fields) as unknown as Codec<T>;
  return {
    read: (reader) => {
      const value = base.read(reader);
      return reader.remaining > 0 ? { ...value, readOnly: reader.bool() } : value;
    },
    write: (writer, value) => {
      base.write(writer, value);
      if (value.readOnly !== undefined) writer.bool(value.readOnly);
    },
    shape: base.shape,
  };
}

export const RequestHeader = record('RequestHeader', { xid: int, type: int });
export type RequestHeader = Infer<typeof RequestHeader>;
export const ReplyHeader = record('ReplyHeader', { xid: int, zxid: long, err: int });
export type ReplyHeader = Infer<typeof ReplyHeader>;

export const CreateMode = {
  persistent: 0,
  ephemeral: 1,
  persistentSequential: 2,
  ephemeralSequential: 3,
  container: 4,
  persistentTtl: 5,
  persistentSequentialTtl: 6,
} as const;

export const CreateRequest = record('CreateRequest', {
  path: nullableUstring,
  data: buffer,
  acl: nullableVector(Acl),
  flags: int,
});
export type CreateRequest = Infer<typeof CreateRequest>;
export const CreateTtlRequest = record('CreateTTLRequest', {
  path: nullableUstring,
  data: buffer,
  acl: nullableVector(Acl),
  flags: int,
  ttlMs: long,
});
export const DeleteRequest = record('DeleteRequest', { path: nullableUstring, version: int });
export const PathWatchRequest = record('PathWatchRequest', { path: nullableUstring, watch: bool });
export const SetDataRequest = record('SetDataRequest', {
  path: nullableUstring,
  data: buffer,
  version: int,
});
export const GetAclRequest = record('GetACLRequest', { path: nullableUstring });
export const SetAclRequest = record('SetACLRequest', {
  path: nullableUstring,
  acl: nullableVector(Acl),
  version: int,
});
export const PathRequest = record('PathRequest', { path: nullableUstring });
export const CheckVersionRequest = record('CheckVersionRequest', {
  path: nullableUstring,
  version: int,
});
export const SetWatchesRequest = record('SetWatches', {
  relativeZxid: long,
  dataWatches: vector(ustring),
  existWatches: vector(ustring),
  childWatches: vector(ustring),
});
export const SetWatches2Request = record('SetWatches2', {
  relativeZxid: long,
  dataWatches: vector(ustring),
  existWatches: vector(ustring),
  childWatches: vector(ustring),
  persistentWatches: vector(ustring),
  persistentRecursiveWatches: vector(ustring),
});
export const WatchTypeRequest = record('CheckWatchesRequest', { path: nullableUstring, type: int });
export const AddWatchRequest = record('AddWatchRequest', { path: nullableUstring, mode: int });
export const ReconfigRequest = record('ReconfigRequest', {
  joiningServers: nullableUstring,
  leavingServers: nullableUstring,
  newMembers: nullableUstring,
  curConfigId: long,
});
export const AuthPacket = record('AuthPacket', { type: int, scheme: ustring, auth: buffer });

export const PathResponse = record('PathResponse', { path: ustring });
export const Create2Response = record('Create2Response', { path: ustring, stat: Stat });
export const StatResponse = record('StatResponse', { stat: Stat });
export const GetDataResponse = record('GetDataResponse', { data: buffer, stat: Stat });
export const GetAclResponse = record('GetACLResponse', { acl: vector(Acl), stat: Stat });
export const GetChildrenResponse = record('GetChildrenResponse', { children: vector(ustring) });
export const GetChildren2Response = record('GetChildren2Response', {
  children: vector(ustring),
  stat: Stat,
});
export const ErrorResponse = record('ErrorResponse', { err: int });
export const WatcherEvent = record('WatcherEvent', { type: int, state: int, path: ustring });
export type WatcherEvent = Infer<typeof WatcherEvent>;

export const WatchEventType = {
  none: -1,
  nodeCreated: 1,
  nodeDeleted: 2,
  nodeDataChanged: 3,
  nodeChildrenChanged: 4,
} as const;
export const KeeperState = { disconnected: 0, syncConnected: 3, expired: -112 } as const;

/**
 * One operation of a multi. Wire form: MultiHeader{int type, bool done, int err} · record, ended by
 * MultiHeader{-1, true, -1}. Only creates, delete, setData and check are allowed.
 */
export type MultiOperation =
  | { readonly type: 1 | 15 | 19; readonly request: CreateRequest }
  | { readonly type: 21; readonly request: Infer<typeof CreateTtlRequest> }
  | { readonly type: 2; readonly request: Infer<typeof DeleteRequest> }
  | { readonly type: 5; readonly request: Infer<typeof SetDataRequest> }
  | { readonly type: 13; readonly request: Infer<typeof CheckVersionRequest> };

const multiRequests = new Map<number, Codec<unknown>>([
  [OpCode.create, CreateRequest as Codec<unknown>],
  [OpCode.create2, CreateRequest as Codec<unknown>],
  [OpCode.createContainer, CreateRequest as Codec<unknown>],
  [OpCode.createTTL, CreateTtlRequest as Codec<unknown>],
  [OpCode.delete, DeleteRequest as Codec<unknown>],
  [OpCode.setData, SetDataRequest as Codec<unknown>],
  [OpCode.check, CheckVersionRequest as Codec<unknown>],
]);

export const MultiRequest: Codec<readonly MultiOperation[]> = {
  read: (reader) => {
    const operations: MultiOperation[] = [];
    for (;;) {
      const type = reader.int();
      const done = reader.bool();
      reader.int();
      if (done) return operations;
      const codec =
        multiRequests.get(type) ?? reader.fail(`operation ${type} is not allowed in a multi`);
      operations.push({ type, request: codec.read(reader) } as MultiOperation);
    }
  },
  write: (writer, operations) => {
    for (const { type, request } of operations) {
      writeMultiHeader(writer, type, -1);
      multiRequests.get(type)?.write(writer, request);
    }
    writeMultiEnd(writer);
  },
  shape: { kind: 'record', name: 'MultiRequest', fields: [] },
};

export type MultiResult =
  | { readonly type: 1; readonly path: string }
  | { readonly type: 15; readonly path: string; readonly stat: Stat }
  | { readonly type: 2 }
  | { readonly type: 5; readonly stat: Stat }
  | { readonly type: 13 }
  | { readonly type: -1; readonly err: number };

export const MultiResponse: Codec<readonly MultiResult[]> = {
  read: (reader) => {
    const results: MultiResult[] = [];
    for (;;) {
      const type = reader.int();
      const done = reader.bool();
      reader.int();
      if (done) return results;
      switch (type) {
        case OpCode.create:
          results.push({ type, ...PathResponse.read(reader) });
          break;
        case OpCode.create2:
          results.push({ type, ...Create2Response.read(reader) });
          break;
        case OpCode.setData:
          results.push({ type, ...StatResponse.read(reader) });
          break;
        case OpCode.delete:
        case OpCode.check:
          results.push({ type });
          break;
        case OpCode.error:
          results.push({ type, ...ErrorResponse.read(reader) });
          break;
        default:
          reader.fail(`result type ${type} is unknown`);
      }
    }
  },
  write: (writer, results) => {
    for (const result of results) {
      writeMultiHeader(writer, result.type, result.type === -1 ? result.err : 0);
      switch (result.type) {
        case OpCode.create:
          writer.ustring(result.path);
          break;
        case OpCode.create2:
          Create2Response.write(writer, result);
          break;
        case OpCode.setData:
          StatResponse.write(writer, result);
          break;
        case OpCode.error:
          writer.int(result.err);
          break;
        default:
      }
    }
    writeMultiEnd(writer);
  },
  shape: { kind: 'record', name: 'MultiResponse', fields: [] },
};

function writeMultiHeader(writer: JuteWriter, type: number, err: number): void {
  writer.int(type);
  writer.bool(false);
  writer.int(err);
}
function writeMultiEnd(writer: JuteWriter): void {
  writer.int(-1);
  writer.bool(true);
  writer.int(-1);
}

/** `int length · payload`, the frame of the client and election ports. */
export function encodeFrame(write: (writer: JuteWriter) => void): Uint8Array {
  const writer = new JuteWriter();
  writer.int(0);
  write(writer);
  writer.patchInt(0, writer.sizeBytes - 4);
  return writer.finish();
}

export function encodeRequest<T>(header: RequestHeader, codec?: Codec<T>, body?: T): Uint8Array {
  return encodeFrame((writer) => {
    RequestHeader.write(writer, header);
    if (codec !== undefined) codec.write(writer, body as T);
  });
}

export function encodeReply<T>(header: ReplyHeader, codec?: Codec<T>, body?: T): Uint8Array {
  return encodeFrame((writer) => {
    ReplyHeader.write(writer, header);
    if (codec !== undefined && header.err === 0) codec.write(writer, body as T);
  });
}

export function readReply(frame: Uint8Array): {
  readonly header: ReplyHeader;
  readonly body: JuteReader;
} {
  const reader = new JuteReader(frame);
  return { header: ReplyHeader.read(reader), body: reader };
}
