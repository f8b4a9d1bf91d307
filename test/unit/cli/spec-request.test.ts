import { expect, test } from 'vitest';
import type { CommandError } from '../../../src/cli/errors.ts';
import { parseSpecRequest, type SpecOptions } from '../../../src/cli/spec-request.ts';

function errorOf(name: string | undefined, options: SpecOptions): CommandError {
  try {
    parseSpecRequest(name, options);
  } catch (error) {
    return error as CommandError;
  }
  throw new Error('it was accepted');
}

test('no model: all of them, everyday', () => {
  const request = parseSpecRequest(undefined, {});
  expect(request).toMatchObject({ type: 'list', list: 'everyday' });
  const names = request.type === 'list' ? request.models.map(({ name }) => name) : [];
  expect(names).toEqual(expect.arrayContaining(['consensus', 'voting', 'paxos', 'duel']));
});

test('one model: its everyday runs, or another list of runs', () => {
  expect(parseSpecRequest('paxos', {})).toMatchObject({ type: 'list', list: 'everyday' });
  expect(parseSpecRequest('paxos', { scope: 'nightly' })).toMatchObject({ list: 'nightly' });
  expect(errorOf('consensus', { scope: 'nightly' }).code).toBe('unknown-scope');
});

test('sizes make it one run', () => {
  expect(parseSpecRequest('paxos', { scope: 'ballots=3, values=1', symmetry: true })).toMatchObject(
    {
      type: 'one',
      run: { scope: { ballots: 3, values: 1 }, symmetry: true },
    },
  );
  expect(parseSpecRequest('duel', { scope: 'isLeaderElected=true' })).toMatchObject({
    run: { scope: { isLeaderElected: true } },
  });
  expect(parseSpecRequest('paxos', { simulate: true, seed: '5eed', walks: '7' })).toMatchObject({
    run: { walks: { walks: 7, steps: 100, seed: '5eed' } },
  });
});

test('what makes no sense is told, with what would', () => {
  expect(errorOf('paxso', {}).next).toBe('Did you mean paxos?');
  expect(errorOf('paxos', { scope: 'balots=3' })).toMatchObject({
    exitCode: 64,
    next: 'Did you mean ballots?',
  });
  expect(errorOf('paxos', { scope: 'ballots=many' }).code).toBe('bad-number');
  expect(errorOf('duel', { scope: 'isLeaderElected=perhaps' }).code).toBe('bad-scope');
  expect(errorOf(undefined, { scope: 'ballots=3' }).code).toBe('no-model');
  expect(errorOf(undefined, { symmetry: true }).code).toBe('no-model');
  expect(errorOf('paxos', { simulate: true, from: 'nowhere' }).code).toBe('unknown-name');
  expect(errorOf('duel', { symmetry: true })).toMatchObject({
    code: 'no-symmetry',
    why: 'the model declares no symmetry',
  });
});
