import { describe, expect, test } from 'vitest';
import { prngStream } from '../../../../src/base/prng.ts';
import { historyOf } from '../../../../src/checker/history/builder.ts';
import type { Op } from '../../../../src/checker/history/columns.ts';
import { identify, type Model } from '../../../../src/checker/linearizability/model.ts';
import { lintModel, operationsOf } from '../../../../src/checker/models/lint.ts';
import { registerModel } from '../../../../src/checker/models/register.ts';
import { modelByName, modelNames } from '../../../../src/checker/models/registry.ts';
import { drawEvents, subjects } from '../linearizability/objects.ts';

/** What clients asked and were told in some random runs. */
function sample(name: string): readonly Op[] {
  const subject = subjects.find((candidate) => candidate.name === name);
  if (subject === undefined) throw new Error(`no object ${name}`);
  const prng = prngStream('lint', name);
  const runs = Array.from({ length: 4 }, () =>
    operationsOf(historyOf(drawEvents(subject, prng, { operations: 8, clients: 3, lies: 100 }))),
  );
  return runs.flat();
}

describe('lintModel', () => {
  test.each(subjects)('the claims of our own models hold: $name', ({ name, model }) => {
    expect(lintModel(model, sample(name), { maxStates: 100 })).toEqual([]);
  });

  const operations = sample('register, few values');
  const register = registerModel({ init: 0 });

  test.each<readonly [string, Model<unknown>, string, string]>([
    [
      'writes are not pure',
      { ...register, pure: () => true } as Model,
      'pure',
      'is said to be pure, but leads from 0 to',
    ],
    [
      'a read overwrites nothing',
      { ...register, overwrites: (_, earlier) => earlier.f === 'write' } as Model,
      'overwrites',
      'is said to overwrite write',
    ],
    [
      'what is overwritten must be legal everywhere',
      { ...register, overwrites: (later) => later.f === 'write' } as Model,
      'overwrites',
      'which is not legal in state',
    ],
    [
      'a value may come back',
      { ...register, impossible: (state, op) => op.f === 'read' && op.output !== state } as Model,
      'impossible',
      'which can be reached from there',
    ],
    [
      'a state must not change in place',
      {
        name: 'bad',
        init: { value: 0 },
        step: (state: { value: number }) => {
          state.value++;
          return state;
        },
        describe: () => 'count',
      } as Model,
      'step',
      'changes the state',
    ],
    [
      'a step must not depend on anything else',
      {
        name: 'bad',
        init: 0,
        step: (
          (calls) => () =>
            ++calls % 5
        )(0),
        describe: () => 'count',
      } as Model,
      'step',
      'does not always lead to the same state',
    ],
    ['words are wanted', { ...register, describe: () => '' } as Model, 'describe', 'has no words'],
  ])('%s', (_, model, claim, message) => {
    const found = lintModel(model, operations).filter((finding) => finding.claim === claim);
    expect(found[0]?.message).toContain(message);
  });
});

describe('models', () => {
  test('a state can be put away and taken up again', () => {
    for (const { model, name } of subjects) {
      if (model.revive === undefined) continue;
      let state = model.init;
      for (const op of sample(name)) state = model.step(state, op) ?? state;
      const identity = identify(model, state);
      expect(identify(model, model.revive(identity)), name).toBe(identity);
    }
  });

  test('by name, with options', () => {
    for (const name of modelNames) {
      expect(modelByName(name, { permits: 3 }).name.length).toBeGreaterThan(0);
    }
    expect(modelByName('gset').name).toBe('grow-only-set');
    expect(() => modelByName('regster')).toThrow('there is no model regster; there are register');
    expect(() => modelByName('semaphore')).toThrow('option permits must be a number');
    expect(() => modelByName('cas-register', { failedCas: 'maybe' })).toThrow(
      'option failedCas must be observed or no-effect',
    );
    expect(() => modelByName('register', { init: {} })).toThrow('init must be a plain value');
  });
});
