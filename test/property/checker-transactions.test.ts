/**
 * Transactions against the definition. A few overlapping transactions on two keys, some of their answers
 * falsified: what the graph calls an anomaly has no serial order. For lists, where all transactions are
 * answered and a last one reads everything, what has no serial order is an anomaly as well; of registers not
 * every order of versions can be known.
 */
import { describe, expect, test } from 'vitest';
import { type Prng, prngStream } from '../../src/base/prng.ts';
import { checkListAppend } from '../../src/checker/fast/transactions/list-append.ts';
import { checkRwRegister } from '../../src/checker/fast/transactions/rw-register.ts';
import type { Micro } from '../../src/checker/fast/transactions/transactions.ts';
import { type HistoryEvent, historyOf } from '../../src/checker/history/builder.ts';
import type { Model } from '../../src/checker/linearizability/model.ts';
import { isLinearizable } from '../unit/checker/linearizability/oracle.ts';

type Lists = Readonly<Record<string, readonly number[]>>;

const HISTORIES = 3000;
const KEYS = ['x', 'y'];

/** What a transaction reads and leaves behind. */
function run(lists: Lists, micros: readonly Micro[]): readonly [Lists, readonly Micro[]] {
  let after = lists;
  const done = micros.map(([f, key, value]): Micro => {
    const list = after[key] ?? [];
    if (f === 'r') return [f, key, list];
    after = { ...after, [key]: [...list, value as number] };
    return [f, key, value];
  });
  return [after, done];
}

/** All keys as one object: linearizable then means strictly serializable. */
const database = (isOfLists: boolean): Model<Lists> => ({
  name: 'database',
  init: {},
  step: (lists, { input, output }) => {
    const asked = (input as readonly Micro[]).map(([f, key, value]): Micro => {
      return [f === 'w' ? 'append' : f, key, value];
    });
    const [after, done] = run(lists, asked);
    const told = isOfLists ? done : done.map(asRegister);
    return output === undefined || JSON.stringify(told) === JSON.stringify(output)
      ? after
      : undefined;
  },
  describe: ({ input }) => JSON.stringify(input),
});

/** A register shows the last element of its list. */
function asRegister([f, key, value]: Micro): Micro {
  if (f === 'append') return ['w', key, value];
  return [f, key, (value as readonly number[] | null)?.at(-1) ?? null];
}

interface Shape {
  readonly isComplete: boolean;
  readonly lies: number;
}

function draw(prng: Prng, { isComplete, lies }: Shape): HistoryEvent[] {
  const events: HistoryEvent[] = [];
  const open = new Map<number, { micros: readonly Micro[]; done?: readonly Micro[] }>();
  let lists: Lists = {};
  let next = 0;
  let asked = 0;
  const take = (micros: readonly Micro[]): readonly Micro[] => {
    const [after, done] = run(lists, micros);
    lists = after;
    return done;
  };
  const answer = (process: number, done: readonly Micro[]): void => {
    const value = prng.chance(lies) ? done.map((micro) => falsified(prng, micro)) : done;
    events.push({ process, type: 'ok', f: 'txn', value });
  };
  while (asked < 5 || open.size > 0) {
    const process = prng.int(0, 2);
    const running = open.get(process);
    if (running !== undefined && running.done === undefined) {
      running.done = take(running.micros);
    } else if (running?.done !== undefined) {
      open.delete(process);
      answer(process, running.done);
    } else if (asked < 5) {
      asked++;
      const micros = Array.from({ length: prng.int(1, 3) }, (): Micro => {
        const key = prng.pick(KEYS);
        return prng.chance(500) ? ['append', key, ++next] : ['r', key, null];
      });
      open.set(process, { micros });
      events.push({ process, type: 'invoke', f: 'txn', value: micros });
      if (!isComplete && prng.chance(150)) open.delete(process);
      if (!open.has(process)) events.push({ process, type: 'info', f: 'txn', value: micros });
      if (!open.has(process)) return events;
    }
  }
  const all = KEYS.map((key): Micro => ['r', key, null]);
  events.push({ process: 9, type: 'invoke', f: 'txn', value: all });
  answer(9, take(all));
  return events;
}

/** A read that misses its end, or sees another order. */
function falsified(prng: Prng, [f, key, value]: Micro): Micro {
  if (f !== 'r') return [f, key, value];
  const list = value as readonly number[];
  return [f, key, prng.chance(700) ? list.slice(0, -1) : prng.shuffle(list)];
}

describe('list-append agrees with the definition', () => {
  test.each<readonly [string, Shape]>([
    ['answered transactions', { isComplete: true, lies: 120 }],
    ['crashed ones among them', { isComplete: false, lies: 120 }],
    ['truth alone', { isComplete: true, lies: 0 }],
  ])('%s', (name, shape) => {
    const prng = prngStream('transactions', name);
    const counts = { good: 0, bad: 0, missed: 0 };
    for (let ordinal = 0; ordinal < HISTORIES; ordinal++) {
      const events = draw(prng, shape);
      const history = historyOf(events);
      const isGood = isLinearizable(database(true) as Model, history);
      const { verdict } = checkListAppend(history);
      const shown = `history ${ordinal}:\n${events.map((event) => JSON.stringify(event)).join('\n')}`;
      if (isGood) expect(verdict, shown).toBe('valid');
      else if (shape.isComplete) expect(verdict, shown).toBe('invalid');
      else if (verdict === 'valid') counts.missed++;
      counts[isGood ? 'good' : 'bad']++;
    }
    if (shape.lies === 0) expect(counts).toEqual({ good: HISTORIES, bad: 0, missed: 0 });
    else expect(Math.min(counts.good, counts.bad)).toBeGreaterThan(HISTORIES / 20);
  });
});

test('rw-register accuses no history that the definition allows', () => {
  const prng = prngStream('transactions', 'registers');
  const counts = { good: 0, bad: 0, found: 0 };
  for (let ordinal = 0; ordinal < HISTORIES; ordinal++) {
    const events = draw(prng, { isComplete: ordinal % 2 === 0, lies: 120 }).map((event) => {
      return { ...event, value: (event.value as readonly Micro[]).map(asRegister) };
    });
    const history = historyOf(events);
    const isGood = isLinearizable(database(false) as Model, history);
    const verdicts = [false, true].map((hasLinearizableKeys) => {
      return checkRwRegister(history, { hasLinearizableKeys }).verdict;
    });
    counts[isGood ? 'good' : 'bad']++;
    if (!isGood && verdicts.includes('invalid')) counts.found++;
    const shown = `history ${ordinal}:\n${events.map((event) => JSON.stringify(event)).join('\n')}`;
    if (isGood) expect(verdicts, shown).toEqual(['valid', 'valid']);
  }
  expect(Math.min(counts.good, counts.bad)).toBeGreaterThan(HISTORIES / 20);
  // Most of what is wrong shows.
  expect(counts.found).toBeGreaterThan(counts.bad / 2);
});
