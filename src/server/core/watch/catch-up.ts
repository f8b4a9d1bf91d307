/**
 * What a reconnected client missed. It sends its watches and the last zxid that it saw; each watch
 * either fires at once, because its node has changed since, or is set again. Changes that happened
 * and were undone meanwhile are invisible, as upstream. Not filtered by ACLs. Upstream:
 * DataTree.setWatches.
 */
import type { ConnectionId } from '../../../base/core.ts';
import { WatchEventType } from '../../../wire/client.ts';
import type { DataTree } from '../tree/data-tree.ts';
import { clientPath } from '../tree/path.ts';
import type { WatchManager } from './watch-manager.ts';

export interface WatchEvent {
  readonly type: number;
  readonly path: string;
}

export interface RestoredWatches {
  readonly relativeZxid: bigint;
  readonly dataWatches: readonly string[];
  readonly existWatches: readonly string[];
  readonly childWatches: readonly string[];
  readonly persistentWatches?: readonly string[];
  readonly persistentRecursiveWatches?: readonly string[];
}

/** The events to send before the reply, in order. */
export function restoreWatches(
  tree: DataTree,
  watches: WatchManager,
  connection: ConnectionId,
  restored: RestoredWatches,
): WatchEvent[] {
  const events: WatchEvent[] = [];
  const { relativeZxid } = restored;
  const tell = (type: number, path: string) => events.push({ type, path: clientPath(path) });
  for (const path of restored.dataWatches) {
    const node = tree.get(path);
    if (node === undefined) tell(WatchEventType.nodeDeleted, path);
    else if (node.stat.mzxid > relativeZxid) tell(WatchEventType.nodeDataChanged, path);
    else watches.add(connection, 'data', path);
  }
  for (const path of restored.existWatches) {
    if (tree.get(path) !== undefined) tell(WatchEventType.nodeCreated, path);
    else watches.add(connection, 'data', path);
  }
  for (const path of restored.childWatches) {
    const node = tree.get(path);
    if (node === undefined) tell(WatchEventType.nodeDeleted, path);
    else if (node.stat.pzxid > relativeZxid) tell(WatchEventType.nodeChildrenChanged, path);
    else watches.add(connection, 'child', path);
  }
  for (const path of restored.persistentWatches ?? []) watches.addPersistent(connection, path);
  for (const path of restored.persistentRecursiveWatches ?? []) {
    watches.addRecursive(connection, path);
  }
  return events;
}
