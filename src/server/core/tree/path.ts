/**
 * Paths of znodes. The tree keys the root as "", because the parent of "/a" is what stands before
 * its last slash; "/" is its alias everywhere. Reads take any string as a key; only writes
 * validate.
 * Upstream: PathUtils.validatePath, DataTree.
 */
export const ROOT = '';
export const ZOOKEEPER_PATH = '/zookeeper';
export const QUOTA_PATH = '/zookeeper/quota';
export const CONFIG_PATH = '/zookeeper/config';

/** Nodes that exist from the start and can't be deleted. */
const reservedPaths: ReadonlySet<string> = new Set([
  ROOT,
  '/',
  ZOOKEEPER_PATH,
  QUOTA_PATH,
  CONFIG_PATH,
]);

export function isReservedPath(path: string): boolean {
  return reservedPaths.has(path);
}

/** The key under which the tree and the pending changes know a path. */
export function nodeKey(path: string): string {
  return path === '/' ? ROOT : path;
}

/** How a node is called towards clients: watches and events know the root as "/". */
export function clientPath(path: string): string {
  return path === ROOT ? '/' : path;
}

/** The key of the parent; undefined where the path has no slash and so no parent. */
export function parentPath(path: string): string | undefined {
  const slash = path.lastIndexOf('/');
  return slash === -1 ? undefined : path.substring(0, slash);
}

export function childName(path: string): string {
  return path.substring(path.lastIndexOf('/') + 1);
}

/** The full check of a path that a write may store or name. */
export function isValidPath(path: string): boolean {
  if (!path.startsWith('/')) return false;
  if (path === '/') return true;
  if (path.endsWith('/')) return false;
  for (let index = 0; index < path.length; index++) {
    if (isForbiddenUnit(path.charCodeAt(index))) return false;
  }
  return path
    .slice(1)
    .split('/')
    .every((component) => component !== '' && component !== '.' && component !== '..');
}

/** Control characters, surrogates and the private use area, and specials, by UTF-16 code unit. */
function isForbiddenUnit(unit: number): boolean {
  return (
    unit <= 0x1f ||
    (unit >= 0x7f && unit <= 0x9f) ||
    (unit >= 0xd800 && unit <= 0xf8ff) ||
    unit >= 0xfff0
  );
}

/**
 * What a sequential create appends: the parent's stored cversion as Java's `%010d` prints it. It
 * is a signed int, so that after 2147483647 comes -2147483648.
 */
export function sequenceSuffix(cversion: number): string {
  return cversion < 0
    ? `-${String(-cversion).padStart(9, '0')}`
    : String(cversion).padStart(10, '0');
}
