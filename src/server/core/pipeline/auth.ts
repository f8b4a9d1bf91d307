/**
 * The authentication schemes `digest` and `ip`: how a connection gets an id, which ids an ACL may
 * name, and when one matches the other. Upstream: AuthenticationProvider and its two default
 * implementations.
 */
import { sha1 } from '@noble/hashes/legacy.js';
import { AuthPacket, type Id } from '../../../wire/client.ts';
import type { JuteReader } from '../../../wire/jute.ts';

export interface AuthScheme {
  /** Whether an ACL may name this id. */
  isValid(id: string): boolean;
  /** Whether the connection's id satisfies the one in an ACL. */
  matches(id: string, aclId: string): boolean;
  /** Whether `auth` in an ACL stands for ids of this scheme. */
  readonly isAuthenticated: boolean;
  /** The name of a user as `whoAmI` tells it. */
  userOf(id: string): string;
}

/** What Java's `split(":")` gives: empty parts at the end don't count. */
function splitParts(text: string): string[] {
  const parts = text.split(':');
  while (parts.length > 0 && parts[parts.length - 1] === '') parts.pop();
  return parts;
}

const schemes = new Map<string, AuthScheme>([
  [
    'digest',
    {
      isValid: (id) => splitParts(id).length === 2,
      matches: (id, aclId) => id === aclId,
      isAuthenticated: true,
      userOf: (id) => id.split(':')[0] ?? '',
    },
  ],
  [
    'ip',
    {
      isValid: (id) => parseRange(id) !== undefined,
      matches: addressMatches,
      isAuthenticated: false,
      userOf: (id) => id,
    },
  ],
]);

export function authScheme(name: string): AuthScheme | undefined {
  return schemes.get(name);
}

/** `user:password` → `user:base64(SHA-1(user:password))`; the user ends at the first colon. */
export function digestId(credentials: Uint8Array): string {
  const text = new TextDecoder().decode(credentials);
  const hash = btoa(String.fromCharCode(...sha1(new TextEncoder().encode(text))));
  return `${text.split(':')[0]}:${hash}`;
}

export type AuthOutcome = { readonly ok: true; readonly id: Id } | { readonly ok: false };

/**
 * Answers an auth packet. Ids add up for the life of the connection. `address` is that of the
 * client, for the scheme `ip`, whose id the connection has from the beginning.
 */
export function authenticate(reader: JuteReader, address?: string): AuthOutcome {
  const { scheme, auth } = AuthPacket.read(reader);
  if (scheme === 'digest' && auth !== null) {
    return { ok: true, id: { scheme, id: digestId(auth) } };
  }
  if (scheme === 'ip' && address !== undefined) return { ok: true, id: { scheme, id: address } };
  return { ok: false };
}

interface AddressRange {
  readonly bytes: readonly number[];
  readonly bits: number;
}

function addressMatches(address: string, range: string): boolean {
  const wanted = parseRange(range);
  const bytes = parseAddress(address);
  if (wanted === undefined || bytes === undefined || bytes.length !== wanted.bytes.length) {
    return false;
  }
  return bytes.every((byte, index) => {
    const bits = Math.max(0, Math.min(8, wanted.bits - index * 8));
    const mask = (0xff << (8 - bits)) & 0xff;
    return (byte & mask) === ((wanted.bytes[index] as number) & mask);
  });
}

/** `address` or `address/bits`. */
function parseRange(text: string): AddressRange | undefined {
  const slash = text.indexOf('/');
  const bytes = parseAddress(slash === -1 ? text : text.slice(0, slash));
  if (bytes === undefined) return undefined;
  if (slash === -1) return { bytes, bits: bytes.length * 8 };
  const bitsText = text.slice(slash + 1);
  if (!/^\+?\d{1,9}$/.test(bitsText)) return undefined;
  const bits = Number(bitsText);
  return bits <= bytes.length * 8 ? { bytes, bits } : undefined;
}

function parseAddress(text: string): number[] | undefined {
  return text.includes(':') ? parseVersion6(text) : parseVersion4(text);
}

function parseVersion4(text: string): number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part))) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

/** Groups of hex digits, once `::` for as many zero groups as are missing; no zone. */
function parseVersion6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const written = groups.flat();
  if (!written.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  const missing = 8 - written.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const [head = [], tail = []] = groups;
  const all = [...head, ...new Array<string>(missing).fill('0'), ...tail];
  return all.flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
