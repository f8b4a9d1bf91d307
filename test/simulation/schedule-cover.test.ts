/**
 * Every action of the model in every abstract state of small scopes, carried out step by step on real server
 * cores. After each step the cores are where the model is: same promises on disk, same logs, same
 * messages on their way.
 */
import { expect, test } from 'vitest';
import { everydayScopes, specOf } from '../../spec/schedule/scopes.ts';
import { coverOnServers } from '../support/schedule-cover.ts';

const seen = new Set<string>();

test.each(everydayScopes.map((scope) => [scope.title, scope] as const))('%s', (_, scope) => {
  const { cover, actions, refusals } = coverOnServers(scope, '5eed');
  for (const action of actions) seen.add(action);
  expect(refusals).toEqual([]);
  expect(cover.schedules.length).toBeGreaterThan(20);
});

test('together they take every action that a schedule has', () => {
  const { spec } = specOf({ title: '', scope: {} });
  const missing = Object.keys(spec.actions).filter((action) => !seen.has(action));
  // Servers choose by themselves when to take a snapshot.
  expect(missing).toEqual(['SnapshotTaken']);
});
