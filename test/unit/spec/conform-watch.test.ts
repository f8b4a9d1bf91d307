/**
 * Promises evaluated step by step are the promises: on random walks of the model, right and wrong, they are
 * broken at the same step as when all of them are evaluated on every state as they are written.
 */
import { describe, expect, test } from 'vitest';
import { Watch } from '../../../spec/conform/watch.ts';
import { Impossible, mutate, type Spec, type Step } from '../../../spec/kernel/model.ts';
import { Stepper } from '../../../spec/kernel/step.ts';
import type { State } from '../../../spec/models/zab/system-state.ts';
import { zabSystem } from '../../../spec/models/zab/zab-system.ts';
import { type Prng, prngStream } from '../../../src/base/prng.ts';

const three = { ...zabSystem.scope, servers: 3, txns: 4, epochs: 4, crashes: 3, timeouts: 3 };
const steps = 150;

interface Outcome {
  readonly plain: readonly string[];
  readonly watched: readonly string[];
}

function brokenIn(spec: Spec<State>, step: Step<State>): readonly string[] {
  const always = Object.entries(spec.always ?? {}).filter(([, holds]) => !holds(step.after));
  const onStep = Object.entries(spec.onStep ?? {}).filter(([, holds]) => !holds(step));
  return [...always, ...onStep].map(([name]) => name);
}

/** One walk up to the first broken promise, or to its end. */
function walk(spec: Spec<State>, prng: Prng): Outcome {
  const stepper = new Stepper(spec);
  const watch = new Watch();
  let before = (Array.isArray(spec.init) ? spec.init[0] : spec.init) as State;
  for (let at = 0; at < steps; at++) {
    const choices: (readonly [number, object])[] = [];
    stepper.forEach(before, (action, params) => choices.push([action, { ...params }]));
    if (choices.length === 0) break;
    const [action, chosen] = prng.pick(choices);
    const params = chosen as Step<State>['params'];
    const name = stepper.names[action] as string;
    // Ends of roles come often enough if they come seldom.
    if (['Crash', 'RoleEnded', 'Partitioned'].includes(name) && !prng.chance(100)) continue;
    let after: State;
    try {
      after = stepper.take(action, before, params);
    } catch (thrown) {
      if (!(thrown instanceof Impossible)) throw thrown;
      break;
    }
    const step = { before, action: name, params, after };
    const outcome = { plain: brokenIn(spec, step), watched: watch.broken(step) };
    if (outcome.plain.length + outcome.watched.length > 0) return outcome;
    before = after;
  }
  return { plain: [], watched: [] };
}

describe('promises step by step', () => {
  const spec = zabSystem.define(three);

  test('are kept by the right model from every start', () => {
    for (const init of [spec.init as State, ...Object.values(spec.starts ?? {})]) {
      for (let index = 0; index < 12; index++) {
        const outcome = walk({ ...spec, init }, prngStream('watch', `right/${index}`));
        expect(outcome).toEqual({ plain: [], watched: [] });
      }
    }
  });

  test.each([
    'ackBeforeFlush',
    'leaderAcksUnflushed',
    'committedWithoutQuorum',
    'zk3911LoggedAfterUpToDate',
    'zk4646AckBeforeFlush',
    'zk4785DiffNotLogged',
    'zk3701TruncateIgnored',
    'aheadLearnerKept',
  ])('are broken at the same step by %s', (name) => {
    const mutant = spec.mutants?.[name];
    const scoped = zabSystem.define({ ...three, ...mutant?.scope, crashes: 3, epochs: 4 });
    const wrong = mutate(scoped, name);
    let brokenCount = 0;
    for (let index = 0; index < 400 && brokenCount < 5; index++) {
      const { plain, watched } = walk(wrong, prngStream('watch', `${name}/${index}`));
      expect(watched.length > 0, `${plain} against ${watched}`).toBe(plain.length > 0);
      for (const promise of watched) expect(plain).toContain(promise);
      if (plain.length > 0) brokenCount++;
    }
    expect(brokenCount).toBe(5);
  });
});
