/**
 * Symmetry: where the elements of a set are interchangeable, one state stands for all that differ only by
 * a renaming (Ip and Dill, "Better Verification Through Symmetry"). The representative is the least of them
 * in the order of `compare`. That names are never compared or singled out is a claim of the model, so
 * it is tried on random states before it is relied on; a quotient by `normal` is tried alike.
 */
import { assert } from '../../src/base/assert.ts';
import type { Prng } from '../../src/base/prng.ts';
import { initialStates, type Rename, type Spec, type Symmetry } from './model.ts';
import { enabledSteps } from './step.ts';
import { compare, permutations } from './value.ts';

/** Picks one representative of all states that differ only by names. */
export type Canonical<S> = (state: S) => S;

export function canonicalBy<S>(symmetry: Symmetry<S>): Canonical<S> {
  const renames = renamesOf(symmetry);
  const order = symmetry.order ?? compare;
  return (state) => {
    let least = state;
    for (const rename of renames) {
      const other = symmetry.permute(state, rename);
      if (order(other, least) < 0) least = other;
    }
    return least;
  };
}

/** Every combination of a permutation of each set. */
function renamesOf<S>({ sets }: Symmetry<S>): readonly Rename[] {
  const names = Object.values(sets).flat();
  assert(new Set(names).size === names.length, 'names of symmetric sets must differ', { sets });
  let images: readonly (readonly (readonly [string | number, string | number])[])[] = [[]];
  for (const elements of Object.values(sets)) {
    images = images.flatMap((pairs) =>
      permutations(elements).map((order) => [
        ...pairs,
        ...elements.map((element, index) => [element, order[index] as string | number] as const),
      ]),
    );
  }
  return images.map((pairs) => {
    const image = new Map(pairs);
    return (element) => (image.get(element) ?? element) as typeof element;
  });
}

const SAMPLES = 200;
const WALK = 30;

/** Why the spec is not symmetric after all, or undefined. */
export function findAsymmetry<S extends object>(spec: Spec<S>, prng: Prng): string | undefined {
  const { symmetry } = spec;
  if (symmetry === undefined) return 'the model declares no symmetry';
  if ('refused' in symmetry) return symmetry.refused;
  const renames = renamesOf(symmetry);
  const starts = initialStates(spec);
  for (const rename of renames) {
    const renamed = starts.map((state) => symmetry.permute(state, rename));
    if (!isSameSet(starts, renamed)) return 'an initial state singles a name out';
  }
  return findDifference(spec, prng, (state) => {
    const rename = prng.pick(renames);
    const permute = (other: S) => symmetry.permute(other, rename);
    return { other: permute(state), expected: permute, actual: (after) => after };
  });
}

/** Why `normal` merges states that behave differently, or undefined. */
export function findBadQuotient<S extends object>(spec: Spec<S>, prng: Prng): string | undefined {
  const normal = (state: S): S => spec.normal?.(state) ?? state;
  return findDifference(spec, prng, (state) => ({
    other: normal(state),
    expected: normal,
    actual: normal,
  }));
}

interface Twin<S> {
  /** A state that should behave as the first one does. */
  readonly other: S;
  readonly expected: (after: S) => S;
  readonly actual: (after: S) => S;
}

function findDifference<S extends object>(
  spec: Spec<S>,
  prng: Prng,
  twinOf: (state: S) => Twin<S>,
): string | undefined {
  const predicates = Object.entries({ ...spec.always, ...spec.sometimes });
  let state = prng.pick(initialStates(spec));
  for (let sample = 0; sample < SAMPLES; sample++) {
    const { other, expected, actual } = twinOf(state);
    const unlike = predicates.find(([, holds]) => holds(state) !== holds(other));
    if (unlike !== undefined) return `${unlike[0]} differs between states that should be alike`;
    const steps = enabledSteps(spec, state);
    const others = enabledSteps(spec, other);
    for (const action of Object.keys(spec.actions)) {
      const left = steps.filter((step) => step.action === action).map(({ after }) => after);
      const right = others.filter((step) => step.action === action).map(({ after }) => after);
      if (!isSameSet(left.map(expected), right.map(actual))) {
        return `${action} leads elsewhere from states that should be alike`;
      }
    }
    const isRestart = steps.length === 0 || sample % WALK === WALK - 1;
    state = isRestart ? prng.pick(initialStates(spec)) : prng.pick(steps).after;
  }
  return undefined;
}

function isSameSet<S>(left: readonly S[], right: readonly S[]): boolean {
  const distinct = (states: readonly S[]) =>
    [...states]
      .sort(compare)
      .filter((state, index, all) => index === 0 || compare(state, all[index - 1]) !== 0);
  return compare(distinct(left), distinct(right)) === 0;
}
