import { describe, expect, it } from 'vitest';
import type { ConnectionId } from '../../../src/base/core.ts';
import { DataTree } from '../../../src/server/core/tree/data-tree.ts';
import { restoreWatches } from '../../../src/server/core/watch/catch-up.ts';
import { WatchManager } from '../../../src/server/core/watch/watch-manager.ts';
import type { WatchTrigger } from '../../../src/server/core/watch/watch-trigger.ts';
import { type Acl, OPEN_ACL } from '../../../src/wire/client.ts';

const one = 1 as ConnectionId;
const two = 2 as ConnectionId;
const three = 3 as ConnectionId;

function trigger(change: WatchTrigger['change'], path: string, acl = OPEN_ACL): WatchTrigger {
  return { change, path, acl, parentAcl: OPEN_ACL };
}
/** `connection type path`, in order. */
function fire(watches: WatchManager, change: WatchTrigger['change'], path: string): string[] {
  return watches
    .trigger(trigger(change, path))
    .map((fired) => `${fired.connection} ${fired.type} ${fired.path}`);
}

describe('standard watches', () => {
  it('fire once, and twice the same is one', () => {
    const watches = new WatchManager();
    watches.add(one, 'data', '/a');
    watches.add(one, 'data', '/a');
    watches.add(two, 'data', '/a');
    expect(watches.count).toBe(2);
    expect(fire(watches, 'changed', '/a')).toEqual(['1 3 /a', '2 3 /a']);
    expect(fire(watches, 'changed', '/a')).toEqual([]);
    expect([watches.count, watches.connectionCount, watches.pathCount]).toEqual([0, 0, 0]);
  });

  it('hear of a creation: the node, then the children of the parent', () => {
    const watches = new WatchManager();
    watches.add(two, 'child', '/a');
    watches.add(one, 'data', '/a/b');
    watches.add(one, 'child', '/a/b');
    watches.add(one, 'data', '/a');
    expect(fire(watches, 'created', '/a/b')).toEqual(['1 1 /a/b', '2 4 /a']);
    expect(watches.has(one, '/a/b', 1)).toBe(true);
  });

  it('hear of a deletion once per connection', () => {
    const watches = new WatchManager();
    watches.add(one, 'data', '/a');
    watches.add(one, 'child', '/a');
    watches.add(two, 'child', '/a');
    watches.add(three, 'child', '/');
    expect(watches.pathCount).toBe(2);
    expect(fire(watches, 'deleted', '/a')).toEqual(['1 2 /a', '2 2 /a', '3 4 /']);
    expect(watches.count).toBe(0);
  });

  it('call the root "/", however it was asked for', () => {
    const watches = new WatchManager();
    watches.add(one, 'child', '');
    watches.add(one, 'data', '');
    expect(fire(watches, 'changed', '/')).toEqual(['1 3 /']);
    expect(fire(watches, 'created', '/a')).toEqual(['1 4 /']);
  });

  it('go with their connection', () => {
    const watches = new WatchManager();
    watches.add(one, 'data', '/a');
    watches.add(one, 'child', '/b');
    watches.addRecursive(one, '/');
    watches.add(two, 'data', '/a');
    watches.removeConnection(one);
    watches.removeConnection(three);
    expect([watches.count, watches.connectionCount, watches.pathCount]).toEqual([1, 1, 1]);
    expect(fire(watches, 'changed', '/a')).toEqual(['2 3 /a']);
  });

  it('are used up, but silent, where the connection may not read', () => {
    const watches = new WatchManager();
    const own: Acl[] = [{ perms: 1, id: { scheme: 'ip', id: '10.0.0.1' } }];
    const authinfo = (connection: ConnectionId) =>
      connection === one ? [{ scheme: 'ip', id: '10.0.0.1' }] : [];
    for (const connection of [one, two]) {
      watches.add(connection, 'data', '/a/b');
      watches.add(connection, 'child', '/a');
    }
    const hidden = { change: 'created', path: '/a/b', acl: own, parentAcl: own } as const;
    expect(watches.trigger(hidden, authinfo)).toEqual([
      { connection: one, type: 1, path: '/a/b' },
      { connection: one, type: 4, path: '/a' },
    ]);
    expect(watches.count).toBe(0);
  });
});

describe('persistent watches', () => {
  it('stay, in both tables', () => {
    const watches = new WatchManager();
    watches.addPersistent(one, '/a');
    expect(fire(watches, 'created', '/a')).toEqual(['1 1 /a']);
    expect(fire(watches, 'created', '/a/b')).toEqual(['1 4 /a']);
    expect(fire(watches, 'changed', '/a')).toEqual(['1 3 /a']);
    expect(fire(watches, 'changed', '/a/b')).toEqual([]);
    expect(fire(watches, 'deleted', '/a')).toEqual(['1 2 /a']);
    expect(fire(watches, 'created', '/a')).toEqual(['1 1 /a']);
  });

  it('that are recursive hear of the subtree, never of children', () => {
    const watches = new WatchManager();
    watches.addRecursive(one, '/a');
    watches.addRecursive(two, '/');
    expect(fire(watches, 'created', '/a/b/c')).toEqual(['1 1 /a/b/c', '2 1 /a/b/c']);
    expect(fire(watches, 'changed', '/a')).toEqual(['1 3 /a', '2 3 /a']);
    expect(fire(watches, 'deleted', '/ab')).toEqual(['2 2 /ab']);
    expect(fire(watches, 'changed', '/')).toEqual(['2 3 /']);
  });

  it('that are recursive do not lend their reach to others', () => {
    const watches = new WatchManager();
    watches.addRecursive(one, '/a');
    watches.add(two, 'data', '/a');
    watches.addPersistent(three, '/a');
    expect(fire(watches, 'changed', '/a/b')).toEqual(['1 3 /a/b']);
    // Using up or removing the others leaves the recursive one.
    expect(fire(watches, 'changed', '/a')).toEqual(['1 3 /a', '2 3 /a', '3 3 /a']);
    watches.removeConnection(three);
    expect(fire(watches, 'changed', '/a/b')).toEqual(['1 3 /a/b']);
    watches.removeConnection(one);
    expect(fire(watches, 'changed', '/a/b')).toEqual([]);
  });

  it('count one message per connection and event', () => {
    const watches = new WatchManager();
    watches.addRecursive(one, '/');
    watches.addRecursive(one, '/a');
    watches.addPersistent(one, '/a');
    watches.add(one, 'data', '/a');
    watches.add(one, 'child', '/a');
    expect(fire(watches, 'deleted', '/a')).toEqual(['1 2 /a']);
    // The one-shot modes are gone, the others stay.
    expect([1, 2, 4, 5].map((type) => watches.has(one, '/a', type))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it('are removed by kind', () => {
    const watches = new WatchManager();
    watches.add(one, 'data', '/a');
    watches.addPersistent(one, '/a');
    watches.addRecursive(one, '/a');
    expect(watches.remove(one, '/a', 1)).toBe(false);
    expect(watches.remove(one, '/a', 2)).toBe(true);
    expect(watches.remove(one, '/a', 2)).toBe(false);
    expect(watches.remove(one, '/a', 5)).toBe(true);
    expect(fire(watches, 'changed', '/a/b')).toEqual([]);
    expect(fire(watches, 'changed', '/a')).toEqual(['1 3 /a']);
    expect(watches.remove(one, '/a', 3)).toBe(true);
    expect(watches.remove(one, '/a', 3)).toBe(false);
    expect(watches.remove(one, '/a', 9)).toBe(false);
    expect(watches.count).toBe(0);
  });
});

describe('a reconnected client', () => {
  const tree = DataTree.fresh();
  const creation = { data: null, acl: OPEN_ACL, owner: 0n, timeMs: 0n };
  tree.create('/old', { ...creation, parentCversion: 1, zxid: 5n });
  tree.create('/changed', { ...creation, parentCversion: 2, zxid: 6n });
  tree.setData('/changed', null, { version: 1, zxid: 12n, timeMs: 0n });
  tree.create('/changed/child', { ...creation, parentCversion: 1, zxid: 13n });

  it('hears at once what it missed; the rest is set again', () => {
    const watches = new WatchManager();
    const paths = ['/old', '/changed', '/gone'];
    const events = restoreWatches(tree, watches, one, {
      relativeZxid: 10n,
      dataWatches: paths,
      existWatches: paths,
      childWatches: paths,
      persistentWatches: ['/gone'],
      persistentRecursiveWatches: ['/changed'],
    });
    expect(events.map(({ type, path }) => `${type} ${path}`)).toEqual([
      '3 /changed',
      '2 /gone',
      '1 /old',
      '1 /changed',
      '4 /changed',
      '2 /gone',
    ]);
    expect([1, 2, 4, 5].map((type) => watches.has(one, '/old', type))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect([1, 2, 4, 5].map((type) => watches.has(one, '/gone', type))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect([2, 5].map((type) => watches.has(one, '/changed', type))).toEqual([false, true]);
  });

  it('is told nothing that it has seen', () => {
    const watches = new WatchManager();
    const restored = { dataWatches: ['/changed'], existWatches: [], childWatches: ['/changed'] };
    expect(restoreWatches(tree, watches, one, { relativeZxid: 13n, ...restored })).toEqual([]);
    expect(watches.count).toBe(2);
  });
});
