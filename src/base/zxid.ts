/**
 * The two 64-bit identities of ZooKeeper, as branded bigints: exact, usable as Map keys, and not to
 * be confused with each other. In JSON both are hex strings (`0x100000001`).
 *
 * A zxid is `(epoch << 32) | counter`. The counter restarts at 0 with each epoch: (e,0) is the
 * NEWLEADER proposal, (e,1) the first transaction. Zxids are compared as signed longs, as Apache does;
 * -1 stands for "no data at all".
 */
export type Zxid = bigint & { readonly __brand: 'zxid' };
/** A session id: server id in the top byte, then time, then a counter. 0 asks for a new session. */
export type SessionId = bigint & { readonly __brand: 'session' };

export const ZXID_ZERO = 0n as Zxid;
export const ZXID_NONE = -1n as Zxid;
export const SESSION_NONE = 0n as SessionId;
/** The last counter value; a leader that reaches it steps down so that a new epoch begins. */
export const COUNTER_MAX = 0xffffffff;

export function zxidOf(epoch: number, counter: number): Zxid {
  return BigInt.asIntN(64, (BigInt(epoch) << 32n) | BigInt(counter)) as Zxid;
}

export function zxidFrom(value: bigint): Zxid {
  return BigInt.asIntN(64, value) as Zxid;
}

export function epochOf(zxid: Zxid): number {
  return Number(zxid >> 32n);
}

export function counterOf(zxid: Zxid): number {
  return Number(zxid & 0xffffffffn);
}

export function nextZxid(zxid: Zxid): Zxid {
  return (zxid + 1n) as Zxid;
}

export function maxZxid(a: Zxid, b: Zxid): Zxid {
  return a > b ? a : b;
}

export function sessionIdFrom(value: bigint): SessionId {
  return BigInt.asIntN(64, value) as SessionId;
}

/** `0x`-prefixed lowercase hex of the 64-bit pattern, as upstream's logs print it. */
export function formatHex(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}

/** Hex without prefix or padding: the suffix of `log.` and `snapshot.` file names. */
export function formatFileSuffix(zxid: Zxid): string {
  return BigInt.asUintN(64, zxid).toString(16);
}

/** Reads `0x…` or bare hex; undefined where the text is not one. */
export function parseHex(text: string): bigint | undefined {
  const digits = text.startsWith('0x') ? text.slice(2) : text;
  if (!/^[0-9a-f]{1,16}$/i.test(digits)) return undefined;
  return BigInt.asIntN(64, BigInt(`0x${digits}`));
}
