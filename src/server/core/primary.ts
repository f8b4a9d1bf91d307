/**
 * What only the server that orders writes does (the leader, or a standalone server): it turns requests
 * into transactions against pending changes, numbers them, and decides which sessions are alive.
 * Upstream: PrepRequestProcessor, LeaderSessionTracker, ZooKeeperServer.expire.
 */
import { COUNTER_MAX, counterOf, formatHex, nextZxid, type Zxid } from '../../base/zxid.ts';
import { OpCode } from '../../wire/client.ts';
import { ErrorCode } from '../../wire/error-code.ts';
import { encodeTxn, type Txn } from '../../wire/txn.ts';
import type { CoreContext } from './context.ts';
import { Prep } from './pipeline/prep.ts';
import type { Request } from './pipeline/request.ts';
import type { DecidedTxn, Replica } from './replica.ts';
import { SessionTracker } from './session/session-tracker.ts';
import { ownerKind } from './tree/znode.ts';

/** Sessions expired in one step; the rest follow in the next, so that a mass expiry blocks nobody. */
const EXPIRY_BATCH = 64;

export class Primary {
  readonly tracker: SessionTracker;
  readonly #context: CoreContext;
  readonly #prep: Prep;
  readonly #submit: (request: Request) => void;
  #lastZxid: Zxid;
  #isActive = true;

  /** `lastZxid` is the one before the first that will be given out. */
  constructor(
    context: CoreContext,
    replica: Replica,
    lastZxid: Zxid,
    submit: (request: Request) => void,
  ) {
    this.#context = context;
    this.#lastZxid = lastZxid;
    this.#submit = submit;
    this.tracker = new SessionTracker(context.config.tickTimeMs);
    // Every known session starts with a full timeout: while there was no leader nobody could touch it.
    for (const [sessionId, timeoutMs] of replica.database.sessions) {
      this.tracker.add(sessionId, timeoutMs, context.now());
    }
    // Ephemerals whose session nobody knows (an old fuzzy snapshot) go the ordinary way: by expiry, as a
    // transaction that every server applies.
    for (const owner of replica.database.tree.ephemeralOwners()) {
      if (ownerKind(owner) !== 'session' || replica.database.sessions.has(owner)) continue;
      this.tracker.add(owner, context.config.minSessionTimeoutMs, context.now());
    }
    this.#prep = new Prep(replica.database, (sessionId, origin) =>
      this.tracker.checkSession(sessionId, ownerOf(origin)),
    );
    this.#scheduleExpiry();
  }

  get lastZxid(): Zxid {
    return this.#lastZxid;
  }
  /** The next zxid would overflow the counter: a new epoch is needed. */
  get isExhausted(): boolean {
    return counterOf(this.#lastZxid) >= COUNTER_MAX - 1;
  }

  /**
   * Decides a write. A request that fails its checks becomes an error transaction, which takes a zxid like
   * any other; one that does not even parse takes none (`malformed`).
   */
  decide(request: Request): DecidedTxn | 'malformed' {
    const { now, wallMs } = { now: this.#context.now(), wallMs: this.#context.wallMs() };
    if (request.type === OpCode.createSession && request.body.length >= 4) {
      const view = new DataView(request.body.buffer, request.body.byteOffset);
      this.tracker.add(request.sessionId, view.getInt32(0), now);
      this.tracker.setOwner(request.sessionId, ownerOf(request.origin));
      this.#scheduleExpiry();
    }
    const zxid = nextZxid(this.#lastZxid);
    const prepared = this.#prep.prepare(request, zxid, wallMs);
    if ('malformed' in prepared) return 'malformed';
    const txn = 'moved' in prepared ? movedTxn(request, zxid, wallMs) : prepared.txn;
    this.#lastZxid = zxid;
    if (txn.header.type === OpCode.closeSession) this.tracker.setClosing(request.sessionId);
    return { zxid, txn, bytes: encodeTxn(txn) };
  }

  /** A request of a learner that does not parse: its origin waits for an answer, so it takes a zxid. */
  decideMalformed(request: Request): DecidedTxn {
    const zxid = nextZxid(this.#lastZxid);
    this.#lastZxid = zxid;
    const txn = errorTxn(request, zxid, this.#context.wallMs(), ErrorCode.MarshallingError);
    return { zxid, txn, bytes: encodeTxn(txn) };
  }

  applied(decided: DecidedTxn): void {
    this.#prep.applied(decided.zxid);
    if (decided.txn.header.type === OpCode.closeSession) {
      this.tracker.remove(decided.txn.header.clientId);
    }
  }

  touch(sessionId: bigint, timeoutMs: number): boolean {
    return this.tracker.touch(sessionId, timeoutMs, this.#context.now());
  }

  checkSession(request: Request): 'ok' | 'expired' | 'moved' {
    return this.tracker.checkSession(request.sessionId, ownerOf(request.origin));
  }

  /** A session comes back, here or through `learner` (a sid): it must still live, and its owner changes. */
  revalidate(sessionId: bigint, timeoutMs: number, learner?: number): boolean {
    const isValid = this.touch(sessionId, timeoutMs);
    if (isValid)
      this.tracker.setOwner(sessionId, learner === undefined ? 'local' : `learner/${learner}`);
    this.#context.trace('SessionRevalidated', {
      session: formatHex(sessionId),
      valid: isValid,
      via: learner ?? this.#context.config.sid,
    });
    return isValid;
  }

  #scheduleExpiry(): void {
    if (!this.#isActive) return;
    const deadline = this.tracker.nextDeadline();
    if (deadline === undefined) return;
    this.#context.setTimer('session/expiry', deadline - this.#context.now(), () => this.#expire());
  }

  #expire(): void {
    if (!this.#isActive) return;
    for (const sessionId of this.tracker.expired(this.#context.now(), EXPIRY_BATCH)) {
      this.#context.log('info', 'session expired', { session: formatHex(sessionId) });
      this.#context.trace('SessionExpired', { session: formatHex(sessionId) });
      this.#submit({
        origin: { kind: 'internal' },
        sessionId,
        cxid: 0,
        type: OpCode.closeSession,
        body: new Uint8Array(0),
        authinfo: [],
      });
    }
    this.#scheduleExpiry();
  }

  stop(): void {
    this.#isActive = false;
    this.#context.cancelTimer('session/expiry');
  }
}

/** The path by which a session last came; writes that come by another are "moved". */
function ownerOf(origin: Request['origin']): string {
  return origin.kind === 'learner' ? `learner/${origin.sid}` : origin.kind;
}

function movedTxn(request: Request, zxid: Zxid, wallMs: number): Txn {
  return errorTxn(request, zxid, wallMs, ErrorCode.SessionMoved);
}

function errorTxn(request: Request, zxid: Zxid, wallMs: number, err: number): Txn {
  return {
    header: {
      clientId: request.sessionId,
      cxid: request.cxid,
      zxid,
      time: BigInt(wallMs),
      type: OpCode.error,
    },
    txn: { type: OpCode.error, body: { err } },
  };
}
