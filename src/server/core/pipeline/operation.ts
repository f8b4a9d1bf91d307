/**
 * Bodies of write requests as values. A body that doesn't decode, or lacks a path, has no
 * operation: it is answered with a marshalling error, takes no zxid and disturbs nobody. Upstream
 * gives it a zxid.
 */
import {
  type Acl,
  CheckVersionRequest,
  CreateMode,
  CreateRequest,
  CreateTtlRequest,
  DeleteRequest,
  MultiRequest,
  OpCode,
  PathRequest,
  SetAclRequest,
  SetDataRequest,
} from '../../../wire/client.ts';
import { type Codec, decode, MalformedError } from '../../../wire/jute.ts';

export interface CreateOperation {
  readonly type: 1 | 15 | 19 | 21;
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly acl: readonly Acl[] | null;
  readonly flags: number;
}

export type Operation =
  | CreateOperation
  | { readonly type: 2 | 13; readonly path: string; readonly version: number }
  | {
      readonly type: 5;
      readonly path: string;
      readonly data: Uint8Array | null;
      readonly version: number;
    }
  | {
      readonly type: 7;
      readonly path: string;
      readonly acl: readonly Acl[] | null;
      readonly version: number;
    }
  | { readonly type: 20; readonly path: string };

const codecs = new Map<number, Codec<{ readonly path: string | null }>>([
  [OpCode.create, CreateRequest],
  [OpCode.create2, CreateRequest],
  [OpCode.createContainer, CreateRequest],
  [OpCode.createTTL, CreateTtlRequest],
  [OpCode.delete, DeleteRequest],
  [OpCode.setData, SetDataRequest],
  [OpCode.setACL, SetAclRequest],
  [OpCode.deleteContainer, PathRequest],
  [OpCode.check, CheckVersionRequest],
]);

export function readOperation(type: number, body: Uint8Array): Operation | undefined {
  const codec = codecs.get(type);
  if (codec === undefined) return undefined;
  const request = tryDecode(codec, body);
  return request === undefined || request.path === null
    ? undefined
    : ({ type, ...request } as Operation);
}

/** Inside a multi an unknown create flag makes the whole request unreadable, as upstream. */
export function readMulti(body: Uint8Array): readonly Operation[] | undefined {
  const parts = tryDecode(MultiRequest, body);
  if (parts === undefined) return undefined;
  const operations: Operation[] = [];
  for (const { type, request } of parts) {
    if (request.path === null) return undefined;
    if ('flags' in request && !isCreateFlag(request.flags)) return undefined;
    operations.push({ type, ...request } as Operation);
  }
  return operations;
}

export function isCreateFlag(flags: number): boolean {
  return flags >= CreateMode.persistent && flags <= CreateMode.persistentSequentialTtl;
}

/** Undefined where the bytes don't decode. */
export function tryDecode<T>(codec: Codec<T>, body: Uint8Array): T | undefined {
  try {
    return decode(codec, body);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
