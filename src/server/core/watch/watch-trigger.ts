/**
 * A change of one node, as watches see it. Together with the lists that decide who may hear of it:
 * they are those of the moment of the change, because a deleted node has none afterwards.
 */
import type { Acl } from '../../../wire/client.ts';

export interface WatchTrigger {
  readonly change: 'created' | 'deleted' | 'changed';
  /** The root is "/". */
  readonly path: string;
  readonly acl: readonly Acl[];
  /** ACL of the parent; it filters what its child watches hear of a creation or deletion. */
  readonly parentAcl: readonly Acl[];
}
