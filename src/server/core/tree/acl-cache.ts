/**
 * ACL lists, each stored once and named by a number, with counted uses. The numbers appear in
 * snapshots. -1 stands for world:anyone:ALL of the nodes that exist from the start and is never in
 * the map.
 * Upstream: ReferenceCountedACLCache.
 */
import { type Acl, OPEN_ACL } from '../../../wire/client.ts';

export const OPEN_ACL_KEY = -1n;

/**
 * Grants nothing: stands in for a list that a snapshot names but doesn't hold, until replay repairs
 * it.
 */
const CLOSED_ACL: readonly Acl[] = [{ perms: 0, id: { scheme: 'world', id: 'anyone' } }];

interface Entry {
  readonly key: bigint;
  readonly acl: readonly Acl[];
  readonly text: string;
  uses: number;
}

export class AclCache {
  readonly #byKey = new Map<bigint, Entry>();
  readonly #byText = new Map<string, Entry>();
  #lastKey = 0n;

  get size(): number {
    return this.#byKey.size;
  }

  /** The key of a list, with one use more. */
  intern(acl: readonly Acl[]): bigint {
    const text = aclText(acl);
    let entry = this.#byText.get(text);
    if (entry === undefined) {
      this.#lastKey++;
      entry = { key: this.#lastKey, acl, text, uses: 0 };
      this.#byKey.set(entry.key, entry);
      this.#byText.set(text, entry);
    }
    entry.uses++;
    return entry.key;
  }

  get(key: bigint): readonly Acl[] {
    if (key === OPEN_ACL_KEY) return OPEN_ACL;
    return this.#byKey.get(key)?.acl ?? CLOSED_ACL;
  }

  release(key: bigint): void {
    const entry = this.#byKey.get(key);
    if (entry === undefined) return;
    entry.uses--;
    if (entry.uses > 0) return;
    this.#byKey.delete(key);
    if (this.#byText.get(entry.text) === entry) this.#byText.delete(entry.text);
  }

  /** An entry of a snapshot; unused until a node claims it. */
  load(key: bigint, acl: readonly Acl[]): void {
    if (key === OPEN_ACL_KEY || this.#byKey.has(key)) return;
    const entry = { key, acl, text: aclText(acl), uses: 0 };
    this.#byKey.set(key, entry);
    if (!this.#byText.has(entry.text)) this.#byText.set(entry.text, entry);
    if (key > this.#lastKey) this.#lastKey = key;
  }

  /**
   * A loaded node uses `key`; a fuzzy snapshot may name keys that were made after its map was
   * written.
   */
  claim(key: bigint): void {
    if (key === OPEN_ACL_KEY) return;
    this.load(key, CLOSED_ACL);
    const entry = this.#byKey.get(key);
    if (entry !== undefined) entry.uses++;
  }

  /** Drops what no loaded node uses. */
  purge(): void {
    for (const entry of [...this.#byKey.values()]) if (entry.uses === 0) this.release(entry.key);
  }

  entries(): Array<readonly [key: bigint, acl: readonly Acl[]]> {
    return Array.from(this.#byKey.values(), ({ key, acl }) => [key, acl] as const);
  }
}

/** Lists are equal when their entries are, in order. */
function aclText(acl: readonly Acl[]): string {
  return JSON.stringify(acl.map(({ perms, id }) => [perms, id.scheme, id.id]));
}
