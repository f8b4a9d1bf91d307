/**
 * Who may do what: the check of a permission, and the fix-up of lists that clients send.
 * Upstream: ZooKeeperServer.checkACL, PrepRequestProcessor.fixupACL.
 */
import type { Acl, Id } from '../../../wire/client.ts';
import { authScheme } from './auth.ts';

/**
 * True when one entry has one of the wanted bits and names the world or an id of the connection.
 * An empty list forbids nothing, and an id of scheme `super` may do everything.
 */
export function isPermitted(
  acl: readonly Acl[],
  permissions: number,
  authinfo: readonly Id[],
): boolean {
  if (acl.length === 0 || authinfo.some((id) => id.scheme === 'super')) return true;
  return acl.some(({ perms, id }) => (perms & permissions) !== 0 && matches(id, authinfo));
}

function matches({ scheme, id }: Acl['id'], authinfo: readonly Id[]): boolean {
  if (scheme === null || id === null) return false;
  if (scheme === 'world' && id === 'anyone') return true;
  const provider = authScheme(scheme);
  if (provider === undefined) return false;
  return authinfo.some((own) => own.scheme === scheme && provider.matches(own.id, id));
}

/**
 * The list as it is stored: without duplicates, `auth` replaced by the authenticated ids of the
 * connection. Undefined where it is not well-formed.
 */
export function fixupAcl(acl: readonly Acl[] | null, authinfo: readonly Id[]): Acl[] | undefined {
  if (acl === null || acl.length === 0) return undefined;
  const fixed: Acl[] = [];
  for (const entry of withoutDuplicates(acl)) {
    const { scheme, id } = entry.id;
    if (scheme === 'world' && id === 'anyone') {
      fixed.push(entry);
    } else if (scheme === 'auth') {
      const own = authinfo.filter((known) => authScheme(known.scheme)?.isAuthenticated === true);
      if (own.length === 0) return undefined;
      for (const known of own) fixed.push({ perms: entry.perms, id: { ...known } });
    } else {
      if (scheme === null || id === null || authScheme(scheme)?.isValid(id) !== true) {
        return undefined;
      }
      fixed.push(entry);
    }
  }
  return fixed;
}

function withoutDuplicates(acl: readonly Acl[]): readonly Acl[] {
  const seen = new Set<string>();
  return acl.filter(({ perms, id }) => {
    const text = JSON.stringify([perms, id.scheme, id.id]);
    if (seen.has(text)) return false;
    seen.add(text);
    return true;
  });
}
