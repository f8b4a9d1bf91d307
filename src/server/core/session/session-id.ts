/**
 * Session ids and their passwords.
 *
 *   id = server id (8 bits) · milliseconds (40) · 16 bits; each new session takes the next number
 *
 * A server may give out an id only once, whatever a restart does to its clocks: another client
 * that still holds the old one, with a password that is the same function of it, would own the new
 * session. So a source starts at its clock or above every id that the database has shown,
 * whichever is higher.
 * Upstream: SessionTrackerImpl.initializeNextSessionId, ZooKeeperServer.generatePasswd.
 */
import { type SessionId, sessionIdFrom } from '../../../base/zxid.ts';
import { CONTAINER_OWNER } from '../tree/znode.ts';

const SERVER_SHIFT = 56n;
const BELOW_SERVER = (1n << SERVER_SHIFT) - 1n;

/** Upstream's first id of a server that starts when its clock shows `elapsedMs`. */
export function initialSessionId(sid: number, elapsedMs: number): SessionId {
  const time = BigInt.asUintN(64, BigInt(Math.trunc(elapsedMs)) << 24n) >> 8n;
  const id = sessionIdFrom((BigInt(sid & 0xff) << SERVER_SHIFT) | time);
  return id === CONTAINER_OWNER ? sessionIdFrom(id + 1n) : id;
}

export class SessionIdSource {
  readonly #server: bigint;
  /** What stands below the server id; the next one to give out. */
  #next: bigint;

  constructor(sid: number, elapsedMs: number, seen: Iterable<bigint>) {
    this.#server = BigInt(sid & 0xff) << SERVER_SHIFT;
    this.#next = initialSessionId(sid, elapsedMs) & BELOW_SERVER;
    for (const sessionId of seen) this.observe(sessionId);
  }

  /** From now on ids are above this one, if it is of this server. */
  observe(sessionId: bigint): void {
    const below = sessionId & BELOW_SERVER;
    if ((BigInt.asUintN(64, sessionId) & ~BELOW_SERVER) !== this.#server) return;
    if (below >= this.#next) this.#next = (below + 1n) & BELOW_SERVER;
  }

  next(): SessionId {
    const id = sessionIdFrom(this.#server | this.#next);
    this.#next = (this.#next + 1n) & BELOW_SERVER;
    // 0 asks for a new session on the wire, and the smallest long marks containers.
    return id === 0n || id === CONTAINER_OWNER ? this.next() : id;
  }
}

const PASSWORD_SALT = 0xb3415c00n;
const RANDOM_MULTIPLIER = 0x5deece66dn;
const RANDOM_BITS = 48;

/**
 * Sixteen bytes of Java's Random, seeded with the id: a checksum that every server can compute
 * without state, not a secret.
 */
export function sessionPassword(sessionId: bigint): Uint8Array {
  const password = new Uint8Array(16);
  const view = new DataView(password.buffer);
  let state = BigInt.asUintN(RANDOM_BITS, sessionId ^ PASSWORD_SALT ^ RANDOM_MULTIPLIER);
  for (let offset = 0; offset < password.length; offset += 4) {
    state = BigInt.asUintN(RANDOM_BITS, state * RANDOM_MULTIPLIER + 0xbn);
    view.setUint32(offset, Number(state >> 16n), true);
  }
  return password;
}

/** Session 0 has no password. */
export function isCorrectPassword(sessionId: bigint, password: Uint8Array | null): boolean {
  if (sessionId === 0n || password === null) return false;
  const expected = sessionPassword(sessionId);
  return password.length === expected.length && expected.every((byte, at) => byte === password[at]);
}
