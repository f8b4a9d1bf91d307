/**
 * The search for fair cycles against a dumb one: on a graph of a few states try every strongly connected
 * set of states.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkSpec } from '../../spec/kernel/check.ts';
import type { Eventually, Spec } from '../../spec/kernel/model.ts';
import { graphSpec, type Node } from '../unit/spec/kernel/toys.ts';

const SIZE = 5;
type Edge = readonly [from: number, to: number];
interface Case {
  readonly edges: Readonly<Record<'x' | 'y', readonly Edge[]>>;
  readonly fair: readonly { readonly action: 'x' | 'y'; readonly isStrong: boolean }[];
  readonly goal: readonly number[];
  readonly kind: 'reaches' | 'recurs' | 'settles';
}

const edge = fc.tuple(fc.nat(SIZE - 1), fc.nat(SIZE - 1));
const someCase: fc.Arbitrary<Case> = fc.record({
  edges: fc.record({
    x: fc.array(edge, { maxLength: 7 }),
    y: fc.array(edge, { maxLength: 4 }),
  }),
  fair: fc.array(
    fc.record({ action: fc.constantFrom('x' as const, 'y' as const), isStrong: fc.boolean() }),
    { maxLength: 3 },
  ),
  goal: fc.subarray([0, 1, 2, 3, 4]),
  kind: fc.constantFrom('reaches' as const, 'recurs' as const, 'settles' as const),
});

/** Steps that change nothing are none. */
const moves = (all: readonly Edge[]): readonly Edge[] => all.filter(([from, to]) => from !== to);

function reach(starts: readonly number[], edges: readonly Edge[], isIn: (s: number) => boolean) {
  const found = new Set(starts.filter(isIn));
  for (const state of found) {
    for (const [from, to] of edges) if (from === state && isIn(to)) found.add(to);
  }
  return found;
}

function isRefutable({ edges, fair, goal, kind }: Case): boolean {
  const all = [...moves(edges.x), ...moves(edges.y)];
  const isBad = (state: number): boolean => !goal.includes(state);
  const allowed = (state: number): boolean => kind === 'settles' || isBad(state);
  const reachable = kind === 'reaches' ? reach([0], all, isBad) : reach([0], all, () => true);
  for (let bits = 1; bits < 1 << SIZE; bits++) {
    const isIn = (state: number): boolean => ((bits >> state) & 1) === 1;
    const states = [0, 1, 2, 3, 4].filter(isIn);
    if (!states.every((state) => reachable.has(state) && allowed(state))) continue;
    if (kind === 'settles' && !states.some(isBad)) continue;
    const inside = all.filter(([from, to]) => isIn(from) && isIn(to));
    if (!states.every((state) => reach([state], inside, isIn).size === states.length)) continue;
    const isFair = fair.every(({ action, isStrong }) => {
      const own = moves(edges[action]);
      const isTaken = own.some(([from, to]) => isIn(from) && isIn(to));
      const enabled = states.filter((state) => own.some(([from]) => from === state));
      return isTaken || (isStrong ? enabled.length === 0 : enabled.length < states.length);
    });
    if (isFair) return true;
  }
  return false;
}

test('a lasso is found exactly where there is one', () => {
  let found = 0;
  let none = 0;
  fc.assert(
    fc.property(someCase, (one) => {
      const predicate = (s: Node): boolean => one.goal.includes(s.at);
      const goal = {
        [one.kind]: predicate,
        weak: one.fair.filter(({ isStrong }) => !isStrong).map(({ action }) => action),
        strong: one.fair.filter(({ isStrong }) => isStrong).map(({ action }) => action),
      } as unknown as Eventually<Node>;
      const spec: Spec<Node> = { ...graphSpec(one.edges), eventually: { goal } };
      const { violations } = checkSpec(spec);
      const isRefuted = isRefutable(one);
      expect(violations.length > 0).toBe(isRefuted);
      if (isRefuted) found++;
      else none++;
    }),
    { numRuns: 12_000, seed: 8 },
  );
  // Both answers must have been asked for.
  expect(found).toBeGreaterThan(500);
  expect(none).toBeGreaterThan(500);
});
