/**
 * Turns write requests into transactions. Runs only where writes are ordered (leader, standalone),
 * one request at a time, in the order of the zxids. A request that fails its checks becomes an
 * error transaction that takes its zxid like any other, so that every server answers and counts
 * alike.
 * Upstream: PrepRequestProcessor.
 */
import type { Zxid } from '../../../base/zxid.ts';
import { OpCode } from '../../../wire/client.ts';
import { ErrorCode } from '../../../wire/error-code.ts';
import { JUTE_MAX_BUFFER } from '../../../wire/jute.ts';
import {
  CreateSessionTxn,
  DIGEST_VERSION,
  type SubTxn,
  type Txn,
  type TxnBody,
} from '../../../wire/txn.ts';
import type { Database } from '../database.ts';
import { type Decision, decide, recordDeletion, type Turn } from './decide.ts';
import { type Operation, readMulti, readOperation, tryDecode } from './operation.ts';
import { OutstandingChanges } from './outstanding-changes.ts';
import type { Origin, Request } from './request.ts';

export type SessionCheck = (sessionId: bigint, origin: Origin) => 'ok' | 'expired' | 'moved';

export type Prepared =
  | { readonly txn: Txn }
  /** The session has moved to another server: its old connection is closed, no zxid is taken. */
  | { readonly moved: true }
  /** The body doesn't parse: marshalling error, no zxid is taken. */
  | { readonly malformed: true };

/**
 * Bound of the paths that a closeSession transaction lists, so that it can always be read back.
 * What is not listed goes all the same: applying removes whatever the session still owns.
 */
const CLOSE_SESSION_LIST_BYTES = JUTE_MAX_BUFFER - 1024;

export class Prep {
  readonly #changes: OutstandingChanges;
  readonly #checkSession: SessionCheck;
  /** Sessions whose closing is decided but not applied, with its zxid. */
  readonly #closing = new Map<bigint, bigint>();

  constructor(database: Database, checkSession: SessionCheck) {
    this.#changes = new OutstandingChanges(database);
    this.#checkSession = checkSession;
  }

  /** Pending changes of nodes that are decided and not applied. */
  get outstandingCount(): number {
    return this.#changes.count;
  }

  /** `zxid` is taken if, and only if, a transaction comes back. */
  prepare(request: Request, zxid: Zxid, wallMs: number): Prepared {
    this.#changes.mark();
    const turn: Turn = {
      changes: this.#changes,
      zxid,
      timeMs: BigInt(wallMs),
      sessionId: request.sessionId,
      authinfo: request.authinfo,
      checkSession: () => this.#sessionError(request),
    };
    const body = this.#decide(turn, request);
    if (body === undefined) return { malformed: true };
    if (body === ErrorCode.SessionMoved) return { moved: true };
    const txn: TxnBody = typeof body === 'number' ? errorPart(body) : body;
    if (txn.type === OpCode.closeSession) this.#closing.set(request.sessionId, zxid);
    return { txn: this.#complete(turn, request, txn) };
  }

  #complete({ zxid, timeMs }: Turn, { sessionId, cxid }: Request, txn: TxnBody): Txn {
    const header = { clientId: sessionId, cxid, zxid, time: timeMs, type: txn.type };
    if (txn.type === OpCode.error) return { header, txn };
    const digest = { version: DIGEST_VERSION, treeDigest: this.#changes.digest };
    return { header, txn, digest };
  }

  /** A transaction, an error code, or undefined where the body doesn't parse. */
  #decide(turn: Turn, request: Request): TxnBody | number | undefined {
    const { type, body, origin } = request;
    switch (type) {
      case OpCode.createSession: {
        const session = tryDecode(CreateSessionTxn, body);
        return session === undefined ? undefined : { type, body: session };
      }
      case OpCode.closeSession:
        return { type, body: { paths: this.#closeSession(turn) } };
      case OpCode.reconfig:
        return ErrorCode.ReconfigDisabled;
      case OpCode.multi: {
        const operations = readMulti(body);
        return operations === undefined ? undefined : this.#decideMulti(turn, operations);
      }
      case OpCode.check:
        return ErrorCode.Unimplemented;
      case OpCode.deleteContainer:
        if (origin.kind !== 'internal') return ErrorCode.Unimplemented;
        break;
      default:
    }
    const operation = readOperation(type, body);
    return operation === undefined ? undefined : decide(turn, operation);
  }

  #sessionError({ sessionId, origin }: Request): number {
    if (origin.kind === 'internal') return ErrorCode.Ok;
    if (this.#closing.has(sessionId)) return ErrorCode.SessionExpired;
    switch (this.#checkSession(sessionId, origin)) {
      case 'ok':
        return ErrorCode.Ok;
      case 'expired':
        return ErrorCode.SessionExpired;
      case 'moved':
        return ErrorCode.SessionMoved;
    }
  }

  /**
   * All or nothing. The parts share zxid and time, and each sees what those before it did. When
   * one fails, everything that was recorded is taken back, the parents' counters too; the parts
   * before it stay in the transaction as they are, the error parts tell every server to apply
   * none.
   */
  #decideMulti(turn: Turn, operations: readonly Operation[]): TxnBody | number {
    const parts: SubTxn[] = [];
    let isFailed = false;
    for (const operation of operations) {
      const decision: Decision = isFailed
        ? ErrorCode.RuntimeInconsistency
        : decide(turn, operation);
      if (typeof decision !== 'number') {
        parts.push(decision);
        continue;
      }
      if (!isFailed) this.#changes.rollback();
      if (decision === ErrorCode.SessionMoved) return decision;
      isFailed = true;
      parts.push(errorPart(decision));
    }
    return { type: OpCode.multi, body: parts };
  }

  /**
   * Deletes the ephemerals of the future tree: those applied or still pending, without those going
   * anyway.
   */
  #closeSession(turn: Turn): string[] {
    const listed: string[] = [];
    let sizeBytes = 0;
    for (const path of this.#changes.ephemeralsOf(turn.sessionId)) {
      recordDeletion(turn, path);
      // A UTF-16 unit of a path takes at most three bytes.
      sizeBytes += 4 + path.length * 3;
      if (sizeBytes <= CLOSE_SESSION_LIST_BYTES) listed.push(path);
    }
    return listed;
  }

  /** The database holds the transactions up to `zxid`. */
  applied(zxid: Zxid): void {
    this.#changes.applied(zxid);
    for (const [sessionId, closedAt] of this.#closing) {
      if (closedAt <= zxid) this.#closing.delete(sessionId);
    }
  }

  /** Forgets what is pending; the database is all there is. */
  reset(): void {
    this.#changes.reset();
    this.#closing.clear();
  }
}

function errorPart(err: number): SubTxn {
  return { type: OpCode.error, body: { err } };
}
