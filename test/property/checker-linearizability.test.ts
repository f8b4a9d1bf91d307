/**
 * The search against the definition: every subset of the crashed calls, every order, no cleverness.
 * Small histories, many of them, with and without reductions; and what the search claims beyond its
 * verdict (orders, prefixes, cores) is checked too.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HistoryEntry, Operation } from '../../src/checker/history.ts';
import { checkLinearizable } from '../../src/checker/linearizability/check.ts';
import { type Call, callOf, type Model } from '../../src/checker/linearizability/model.ts';
import {
  casRegisterModel,
  counterModel,
  mutexModel,
  registerModel,
} from '../../src/checker/linearizability/models.ts';
import { pairOperations } from '../../src/checker/pairing.ts';

/** Tries every order that real time allows; crashed calls may stay out. */
function isLinearizable(model: Model, calls: readonly Call[]): boolean {
  const tryFrom = (state: Parameters<Model['step']>[0], left: readonly Call[]): boolean => {
    if (left.every((call) => call.end === Infinity)) return true;
    const firstEnd = Math.min(...left.map((call) => call.end));
    return left.some((call) => {
      if (call.start > firstEnd) return false;
      const next = model.step(state, call);
      return (
        next !== undefined &&
        tryFrom(
          next,
          left.filter((other) => other !== call),
        )
      );
    });
  };
  return tryFrom(model.init, calls);
}

interface Step {
  readonly process: number;
  readonly kind: number;
  readonly a: number;
  readonly b: number;
  readonly ending: number;
}

interface Subject {
  readonly model: Model;
  readonly invocation: (step: Step) => { readonly f: string; readonly value?: unknown };
  readonly answer: (f: string, step: Step) => unknown;
}

const registerSubject = (model: Model, hasCas: boolean): Subject => ({
  model,
  invocation: ({ kind, a, b }) => {
    if (kind === 0) return { f: 'write', value: a };
    return kind === 1 && hasCas ? { f: 'cas', value: [a, b] } : { f: 'read' };
  },
  answer: (f, { a }) => (f === 'read' ? a : undefined),
});

const subjects: Readonly<Record<string, Subject>> = {
  register: registerSubject(registerModel({ init: 0 }), false),
  'cas-register, failed cas observed': registerSubject(
    casRegisterModel({ init: 0, failedCas: 'observed' }),
    true,
  ),
  'cas-register, failed cas without effect': registerSubject(
    casRegisterModel({ init: 0, failedCas: 'no-effect' }),
    true,
  ),
  counter: {
    model: counterModel() as unknown as Model,
    invocation: ({ kind }) => ({ f: kind === 0 ? 'read' : 'increment' }),
    answer: (f, { a, b }) => (f === 'read' ? a : Math.max(1, a + (b & 1))),
  },
  mutex: {
    model: mutexModel() as unknown as Model,
    invocation: ({ kind }) => ({ f: kind === 0 ? 'release' : 'acquire' }),
    answer: () => undefined,
  },
};

/** Steps toggle their process between invoking and completing; the rest stays unanswered. */
function historyOf(subject: Subject, steps: readonly Step[]): HistoryEntry[] {
  const history: HistoryEntry[] = [];
  const pending = new Map<number, HistoryEntry>();
  const numbers = new Map<number, number>();
  let fresh = 100;
  let count = 0;
  for (const step of steps) {
    const place = { index: history.length, time: history.length };
    const open = pending.get(step.process);
    if (open === undefined) {
      if (count++ >= 6) continue;
      const process = numbers.get(step.process) ?? step.process;
      const entry = { ...place, process, type: 'invoke' as const, ...subject.invocation(step) };
      pending.set(step.process, entry);
      history.push(entry);
      continue;
    }
    pending.delete(step.process);
    const type = step.ending < 6 ? 'ok' : step.ending < 8 ? 'info' : 'fail';
    if (type === 'info') numbers.set(step.process, fresh++);
    const value = type === 'ok' ? subject.answer(open.f, step) : undefined;
    history.push({ ...open, ...place, type, value });
  }
  return history;
}

const steps = fc.array(
  fc.record({
    process: fc.integer({ min: 0, max: 3 }),
    kind: fc.integer({ min: 0, max: 2 }),
    a: fc.integer({ min: 0, max: 2 }),
    b: fc.integer({ min: 0, max: 2 }),
    ending: fc.integer({ min: 0, max: 9 }),
  }),
  { minLength: 4, maxLength: 14 },
);

/**
 * The prefix of a history up to an entry, in which later answers have not been given yet; but what will
 * turn out to have failed is known not to have happened.
 */
function prefixUntil(operations: readonly Operation[], end: number): Operation[] {
  return operations
    .filter(({ invoke, completion }) => {
      const willFail = completion?.type === 'fail' && completion.index > end;
      return invoke.index <= end && !willFail;
    })
    .map((operation) => {
      const isEnded = operation.completion !== undefined && operation.completion.index <= end;
      return isEnded ? operation : { ...operation, completion: undefined };
    });
}

function callsOf(model: Model, operations: readonly Operation[]): Call[] {
  return operations
    .map(callOf)
    .filter((call) => call.outcome !== 'fail' || model.observesFailure?.(call) === true);
}

describe('the search agrees with the definition', () => {
  test.each(Object.keys(subjects))('%s', (name) => {
    const subject = subjects[name] as Subject;
    const { model } = subject;
    const counts = { linearizable: 0, 'non-linearizable': 0, unknown: 0 };
    fc.assert(
      fc.property(steps, fc.array(fc.bigInt({ min: 0n, max: 5n })), (drawn, hints) => {
        const operations = pairOperations(historyOf(subject, drawn));
        const calls = callsOf(model, operations);
        const expected = isLinearizable(model, calls) ? 'linearizable' : 'non-linearizable';
        const plain = checkLinearizable(operations, model, { engine: 'plain' });
        const reduced = checkLinearizable(operations, model);
        const exact = checkLinearizable(operations, model, { engine: 'jit' });
        const hinted = checkLinearizable(operations, model, {
          callOf: (operation) => {
            const hint = hints[operation.invoke.index];
            return hint === undefined ? callOf(operation) : { ...callOf(operation), hint };
          },
        });
        const verdicts = [plain, reduced, exact, hinted].map(({ verdict }) => verdict);
        expect(verdicts).toEqual([expected, expected, expected, expected]);
        counts[expected]++;
        // A fast path explains its own witness, which need not be what fails first.
        for (const part of exact.partitions) {
          if (part.verdict !== 'non-linearizable') continue;
          judgeExplanation(model, operations, part.explanation);
        }
      }),
      { numRuns: 1000 },
    );
    // Neither verdict came up by chance only.
    expect(counts.linearizable).toBeGreaterThan(50);
    expect(counts['non-linearizable']).toBeGreaterThan(50);
  });
});

type Explained = Extract<
  ReturnType<typeof checkLinearizable>['partitions'][number],
  { readonly verdict: 'non-linearizable' }
>['explanation'];

function judgeExplanation(
  model: Model,
  operations: readonly Operation[],
  explanation: Explained,
): void {
  expect(explanation?.isConfirmed).toBe(true);
  expect(explanation?.isIrreducible).toBe(true);
  const { end } = explanation?.blocked ?? { end: 0 };
  // The prefix fails, and the one before it does not.
  expect(isLinearizable(model, callsOf(model, prefixUntil(operations, end)))).toBe(false);
  expect(isLinearizable(model, callsOf(model, prefixUntil(operations, end - 1)))).toBe(true);
  // The core fails although everything else is "maybe"; relaxing any one of it makes it pass.
  const prefix = callsOf(model, prefixUntil(operations, end));
  const core = new Set(explanation?.core.map((call) => call.operation.invoke.index));
  const relaxedBut = (kept: ReadonlySet<number>): Call[] =>
    prefix.flatMap((call) => {
      if (kept.has(call.start) || call.end === Infinity) return [call];
      if (model.pure?.(call) === true) return [];
      return [{ ...call, outcome: 'info' as const, output: undefined, end: Infinity }];
    });
  expect(isLinearizable(model, relaxedBut(core))).toBe(false);
  for (const spared of core) {
    const rest = new Set([...core].filter((start) => start !== spared));
    expect(isLinearizable(model, relaxedBut(rest))).toBe(true);
  }
}
