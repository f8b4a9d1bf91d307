import { expect, test } from 'vitest';
import { ZkError } from '../../../src/client/core/program.ts';
import { endingOf } from '../../../src/harness/outcome.ts';
import { errorTable } from '../../../src/wire/error-code.ts';

test.each(errorTable)('$name ends as the table says', ({ name, definite }) => {
  const ending = endingOf({ ok: false, error: new ZkError(name, definite) }, true);
  expect(ending).toEqual({ type: definite ? 'fail' : 'info', error: name });
});

test('an operation that had not begun certainly did not happen', () => {
  const outcome = { ok: false, error: new ZkError('SessionExpired', false) } as const;
  expect(endingOf(outcome, false).type).toBe('fail');
  expect(endingOf(outcome, true).type).toBe('info');
});

test('what the workload recognises is its result', () => {
  const value = { type: 'fail', error: 'CompareFailed', value: 3 };
  expect(endingOf({ ok: true, value }, true)).toEqual(value);
});

test('a program that breaks is a problem of the harness, and its operation stays open', () => {
  const ending = endingOf({ ok: false, error: new TypeError('x is not a function') }, true);
  expect(ending.type).toBe('info');
  expect(ending.problem).toMatch(/x is not a function/);
});
