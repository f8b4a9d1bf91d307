/** Requests come back as they were asked, whether they are kept whole or in columns. */
import { expect, test } from 'vitest';
import type { JournalRequest } from '../../../../src/checker/zookeeper/journal.ts';
import { Requests } from '../../../../src/checker/zookeeper/requests.ts';

const path = '/a';
const asked: readonly JournalRequest[] = [
  { op: 'create', path, data: 'x', flags: 3 },
  { op: 'create', path: '/b', data: null, flags: 0 },
  { op: 'create', path, data: '', flags: 1, perms: 5 },
  { op: 'delete', path, version: -1 },
  { op: 'delete', path: '/b', version: 2 ** 31 },
  { op: 'setData', path, data: 'y', version: 7 },
  { op: 'setData', path, data: null, version: 1.5 },
  { op: 'setAcl', path, perms: 31, version: 2 },
  { op: 'check', path, version: 3 },
  { op: 'multi', operations: [{ op: 'delete', path: '/c', version: 4 }] },
  { op: 'exists', path, watch: true },
  { op: 'getData', path: '/b', watch: false },
  { op: 'getChildren', path, watch: true },
  { op: 'sync', path },
  { op: 'addWatch', path, mode: 'recursive' },
  { op: 'setWatches', relativeZxid: 1, data: [path], exist: [], child: [], persistent: ['/b'] },
  { op: 'close' },
  { op: 'ping' },
];

test('every kind of request comes back', () => {
  const requests = new Requests();
  for (const request of asked) requests.add(request);
  const back = asked.map(({ op }, index) => requests.at(index, op));
  expect(back).toEqual(asked);
  expect(asked.map((_, index) => requests.leavesWatch(index) && index)).toEqual(
    asked.map((request, index) => 'watch' in request && request.watch && index),
  );
  expect(requests.paths.find('/c')).toBeDefined();
  expect(requests.paths.find('/d')).toBeUndefined();
});
