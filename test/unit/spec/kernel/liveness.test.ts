import { expect, test } from 'vitest';
import { checkSpec } from '../../../../spec/kernel/check.ts';
import type { Eventually, Spec } from '../../../../spec/kernel/model.ts';
import { graphSpec, type Node } from './toys.ts';

function lassoOf(spec: Spec<Node>, goal: Eventually<Node>) {
  const { violations } = checkSpec({ ...spec, eventually: { goal } });
  const trace = violations.find(({ property }) => property === 'goal')?.trace;
  return (
    trace && { path: [0, ...trace.steps.map(({ state }) => state.at)], loopsTo: trace.loopsTo }
  );
}

const at = (node: number) => (s: Node) => s.at === node;
const line = graphSpec({
  go: [
    [0, 1],
    [1, 2],
  ],
});

test('without fairness everything may stop at once', () => {
  expect(lassoOf(line, { reaches: at(2) })).toEqual({ path: [0], loopsTo: 0 });
  expect(lassoOf(line, { reaches: at(2), weak: ['go'] })).toBeUndefined();
  expect(lassoOf(line, { reaches: at(3), weak: ['go'] })).toEqual({ path: [0, 1, 2], loopsTo: 2 });
});

/** 0 ⇄ 1, and out to 2 from 1 only: the way out is enabled again and again but not for ever. */
const revolving = graphSpec({
  turn: [
    [0, 1],
    [1, 0],
  ],
  leave: [[1, 2]],
});

test('strong fairness takes what weak fairness may miss', () => {
  expect(lassoOf(revolving, { reaches: at(2), weak: ['turn', 'leave'] })).toEqual({
    path: [0, 1, 0],
    loopsTo: 0,
  });
  expect(lassoOf(revolving, { reaches: at(2), weak: ['turn'], strong: ['leave'] })).toBeUndefined();
});

test('strong fairness is met by staying where it is not enabled', () => {
  const other = graphSpec({
    turn: [
      [0, 1],
      [1, 0],
      [0, 3],
      [3, 0],
    ],
    leave: [[1, 2]],
  });
  expect(lassoOf(other, { reaches: at(2), weak: ['turn'], strong: ['leave'] })).toEqual({
    path: [0, 3, 0],
    loopsTo: 0,
  });
});

test('P leads to Q', () => {
  const spec = graphSpec({
    go: [
      [0, 1],
      [1, 2],
      [2, 0],
    ],
    stray: [[1, 3]],
  });
  expect(lassoOf(spec, { from: at(1), reaches: at(2), weak: ['go'] })).toEqual({
    path: [0, 1, 3],
    loopsTo: 2,
  });
  expect(lassoOf(spec, { from: at(2), reaches: at(0), weak: ['go'] })).toBeUndefined();
});

test('again and again, and at last for ever', () => {
  const ring = graphSpec({
    go: [
      [0, 1],
      [1, 0],
    ],
    leave: [[1, 2]],
  });
  expect(lassoOf(ring, { recurs: at(0), weak: ['go'] })).toEqual({ path: [0, 1, 2], loopsTo: 2 });
  expect(lassoOf(ring, { settles: at(2), weak: ['go'] })).toEqual({ path: [0, 1, 0], loopsTo: 0 });
  expect(lassoOf(ring, { settles: at(2), weak: ['go'], strong: ['leave'] })).toBeUndefined();
  expect(lassoOf(ring, { recurs: (s) => s.at !== 1, weak: ['go'] })).toBeUndefined();
});

test('fairness for each value of a parameter', () => {
  // `to` tells the steps apart: going round by 1 alone starves the step to 2.
  const spec = graphSpec({
    go: [
      [0, 1],
      [1, 0],
      [0, 2],
      [1, 2],
    ],
  });
  expect(lassoOf(spec, { reaches: at(2), weak: ['go'] })).toEqual({ path: [0, 1, 0], loopsTo: 0 });
  const each = { actions: ['go'], each: 'to' };
  expect(lassoOf(spec, { reaches: at(2), weak: [each] })).toBeUndefined();
});

test('a step that changes nothing is no progress', () => {
  const spec = graphSpec({ spin: [[0, 0]], go: [[0, 1]] });
  expect(lassoOf(spec, { reaches: at(1), weak: ['spin'] })).toEqual({ path: [0], loopsTo: 0 });
  expect(lassoOf(spec, { reaches: at(1), weak: ['go'] })).toBeUndefined();
});

test('fairness of an action that does not exist is refused', () => {
  expect(() => lassoOf(line, { reaches: at(2), weak: ['gone'] })).toThrow('names no action');
});
