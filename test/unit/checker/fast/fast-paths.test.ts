import { describe, expect, test } from 'vitest';
import { check } from '../../../../src/checker/linearizability/decide.ts';
import type { Model } from '../../../../src/checker/linearizability/model.ts';
import { modelByName } from '../../../../src/checker/models/registry.ts';
import { scripted } from '../linearizability/script.ts';

const model = (name: string): Model =>
  modelByName(
    name,
    name === 'semaphore' ? { permits: 2 } : name.includes('register') ? { init: 0 } : {},
  );

/** By model: what it is about, the history, and a part of the sentence; undefined where it is good. */
const cases: readonly (readonly [string, string, string, string | undefined])[] = [
  [
    'register',
    'reads of two overlapping writes',
    '0> write 1; 1> write 2; 2> read; 2< 2; 2> read; 2< 1; 0<; 1<',
    undefined,
  ],
  [
    'register',
    'a value comes back',
    '0> write 1; 0<; 2> read; 2< 1; 1> write 2; 1<; 2> read; 2< 2; 2> read; 2< 1',
    '1 and 2 were each seen both before and after',
  ],
  ['register', 'a read from nowhere', '0> read; 0< 9', '9 was never written'],
  [
    'register',
    'a read before its write',
    '0> read; 0< 1; 1> write 1; 1<',
    '1 was read before it was written',
  ],
  [
    'register',
    'a crashed write that was seen',
    '0> write 1; 0?; 1> read; 1< 1; 2> write 2; 2<; 1> read; 1< 2',
    undefined,
  ],
  ['register', 'a write between', '0> read; 0< 0; 1> write 1; 1<; 0> read; 0< 0', 'were each seen'],
  [
    'cas-register',
    'a chain',
    '0> write 1; 0<; 0> cas [1,2]; 0<; 1> read; 1< 2; 0> cas [2,3]; 0<',
    undefined,
  ],
  [
    'cas-register',
    'two from one value',
    '0> cas [0,1]; 1> cas [0,2]; 0<; 1<',
    'two compare-and-sets from 0 succeeded',
  ],
  [
    'cas-register',
    'a circle',
    '0> cas [1,2]; 1> cas [2,1]; 0<; 1<',
    'none of them can be the first',
  ],
  [
    'cas-register',
    'a late read',
    '0> write 1; 0<; 0> cas [1,2]; 0<; 1> read; 1< 1',
    'was over before',
  ],
  ['counter', 'adds and reads', '0> add 1; 1> read; 1< 1; 1> read; 1< 1; 0<', undefined],
  [
    'counter',
    'a lost add',
    '0> add 1; 0<; 0> add 1; 0<; 0> read; 0< 1',
    '1 was told after 2 increments',
  ],
  ['counter', 'one too many', '0> add 1; 0<; 0> read; 0< 2', '2 was told before so many'],
  [
    'counter',
    'going down',
    '0> add 1; 0<; 0> read; 0< 1; 1> read; 1< 0',
    'was told after the greater',
  ],
  ['counter', 'crashed adds fill the gap', '0> add 1; 0?; 2> add 1; 2?; 1> read; 1< 2', undefined],
  ['sequence', 'twice the same', '0> generate; 1> generate; 0< 1; 1< 1', 'both told 1'],
  ['sequence', 'a crashed one in the hole', '0> generate; 0?; 1> generate; 1< 2', undefined],
  ['sequence', 'out of order', '0> generate; 0< 2; 1> generate; 1< 1', 'smaller number'],
  [
    'queue',
    'concurrent enqueues',
    '0> enqueue 1; 1> enqueue 2; 0<; 1<; 0> dequeue; 0< 2; 0> dequeue; 0< 1',
    undefined,
  ],
  [
    'queue',
    'overtaken',
    '0> enqueue 1; 0<; 0> enqueue 2; 0<; 1> dequeue; 1< 2; 1> dequeue; 1< 1',
    '1 went in before 2 but came out after it',
  ],
  ['queue', 'left behind', '0> enqueue 1; 0<; 0> enqueue 2; 0<; 1> dequeue; 1< 2', 'never did'],
  [
    'queue',
    'left behind, perhaps taken by a crashed dequeue',
    '2> dequeue; 2?; 0> enqueue 1; 0<; 0> enqueue 2; 0<; 1> dequeue; 1< 2',
    undefined,
  ],
  ['queue', 'twice', '0> enqueue 1; 0<; 1> dequeue; 1< 1; 1> dequeue; 1< 1', 'came out twice'],
  ['queue', 'from nowhere', '1> dequeue; 1< 1', 'never put in'],
  ['queue', 'too early', '1> dequeue; 1< 1; 0> enqueue 1; 0<', 'came out before it was put in'],
  [
    'queue',
    'empty although full',
    '0> enqueue 1; 0<; 1> dequeue; 1<; 1> dequeue; 1< 1',
    'always held one of 1',
  ],
  [
    'queue',
    'empty between',
    '0> enqueue 1; 2> dequeue; 0<; 1> dequeue; 1< 1; 0> enqueue 2; 0<; 2<',
    undefined,
  ],
  ['stack', 'nested', '0> push 1; 0<; 0> push 2; 0<; 1> pop; 1< 2; 1> pop; 1< 1', undefined],
  [
    'stack',
    'crossed',
    '0> push 1; 0<; 0> push 2; 0<; 1> pop; 1< 1; 1> pop; 1< 2',
    'the intervals of 1, 2 cross',
  ],
  ['stack', 'empty although full', '0> push 1; 0<; 1> pop; 1<', 'always held one of 1'],
  [
    'priority-queue',
    'least first',
    '0> enqueue 5; 0<; 0> enqueue 3; 0<; 1> dequeue; 1< 3; 1> dequeue; 1< 5',
    undefined,
  ],
  [
    'priority-queue',
    'a greater one first',
    '0> enqueue 3; 0<; 0> enqueue 5; 0<; 1> dequeue; 1< 5',
    '5 came out although one of 3',
  ],
  [
    'priority-queue',
    'empty although full',
    '0> enqueue 3; 0<; 1> dequeue; 1<',
    'nothing was found although',
  ],
  [
    'grow-only-set',
    'a chain of reads',
    '0> add 1; 1> read; 1< []; 1> read; 1< [1]; 0<; 0> add 2; 0<; 1> read; 1< [2,1]',
    undefined,
  ],
  [
    'grow-only-set',
    'two that do not fit',
    '0> add 1; 1> add 2; 2> read; 3> read; 2< [1]; 3< [2]; 0<; 1<',
    'one read saw 1 without 2',
  ],
  [
    'grow-only-set',
    'lost',
    '0> add 1; 0<; 1> read; 1< []',
    'added before a read that did not see it',
  ],
  ['grow-only-set', 'gone again', '0> add 1; 1> read; 1< [1]; 1> read; 1< []; 0<', 'no longer saw'],
  ['grow-only-set', 'from nowhere', '1> read; 1< [7]', '7 was never added'],
  [
    'append-list',
    'spelled',
    '0> append 1; 1> append 2; 0<; 1<; 2> read; 2< [2,1]; 2> read; 2< [2,1]',
    undefined,
  ],
  [
    'append-list',
    'two orders',
    '0> append 1; 1> append 2; 0<; 1<; 2> read; 2< [2,1]; 2> read; 2< [1]',
    'one read has 2 where another has 1',
  ],
  ['append-list', 'lost', '0> append 1; 0<; 2> read; 2< []; 2> read; 2< [1]', 'was over before'],
  [
    'append-list',
    'twice in one read',
    '0> append 1; 0<; 2> read; 2< [1,1]',
    'is read in two places',
  ],
  [
    'kv',
    'put and append',
    '0> put "a"; 0<; 0> append "b"; 0<; 1> get; 1< "ab"; 0> put "c"; 0<; 1> get; 1< "c"',
    undefined,
  ],
  [
    'kv',
    'an old text',
    '0> put "a"; 0<; 1> get; 1< "a"; 0> put "c"; 0<; 1> get; 1< "c"; 1> get; 1< "a"',
    'were each seen before and after',
  ],
  [
    'kv',
    'the same word twice, told apart by time',
    '0> append "a"; 0<; 1> get; 1< "a"; 0> append "a"; 0<; 1> get; 1< "aa"',
    undefined,
  ],
  [
    'kv',
    'the same word twice, told apart by a put',
    '1> append "x"; 0> get; 0< ""; 0> append "y"; 0<; 1<; 0> get; 0< "xy"; 0> get; 1> put "p"; ' +
      '0< "xy"; 1<; 0> get; 1> append "x"; 0< "xp"',
    'neither can be a beginning of the other',
  ],
  [
    'kv',
    'a put in the middle',
    '0> append "a"; 1> put "b"; 0<; 1<; 1> get; 1< "ab"',
    'is read behind something else',
  ],
  [
    'mutex',
    'in turns',
    '0> acquire; 1> acquire; 0<; 0> release; 1<; 0<; 1> release; 1<',
    undefined,
  ],
  [
    'mutex',
    'both at once',
    '0> acquire; 0<; 1> acquire; 1<; 0> release; 0<',
    'processes 0 and 1 certainly held it',
  ],
  [
    'semaphore',
    'two of two',
    '0> acquire; 0<; 1> acquire; 1<; 0> release; 2> acquire; 2<; 0<',
    undefined,
  ],
  ['semaphore', 'three of two', '0> acquire; 0<; 1> acquire; 1<; 2> acquire; 2<', '2 allowed'],
  [
    'shared-lock',
    'readers together',
    '0> acquire-read; 0<; 1> acquire-read; 1<; 0> release-read; 0<',
    undefined,
  ],
  [
    'shared-lock',
    'a reader and a writer',
    '0> acquire-read; 0<; 1> acquire-write; 1<',
    'one of them as a writer',
  ],
  [
    'fenced-lock',
    'tokens in order',
    '0> acquire; 0< 3; 0> release 3; 1> acquire; 0<; 1< 8',
    undefined,
  ],
  [
    'fenced-lock',
    'tokens out of order',
    '0> acquire; 0< 8; 0> release 8; 0<; 1> acquire; 1< 3; 1> release 3; 1<',
    'was dealt with before',
  ],
  ['fenced-lock', 'two holders', '0> acquire; 0< 3; 1> acquire; 1< 4', '4 was granted while 3'],
  [
    'fenced-lock',
    'twice the same',
    '0> acquire; 0< 3; 0> release 3; 0<; 1> acquire; 1< 3',
    'granted twice',
  ],
];

describe('fast paths', () => {
  test.each(cases)('%s: %s', (name, _, text, why) => {
    const found = check(scripted(text), model(name), { engine: 'fast' });
    const [part] = found.parts;
    if (why === undefined) {
      // The order was replayed by the validator, or there would be no verdict.
      expect(part).toMatchObject({ verdict: 'linearizable' });
      return;
    }
    if (part?.verdict !== 'non-linearizable') throw new Error(`it is ${part?.verdict}`);
    expect(part.violation.reasons[0]).toContain(why);
    const { explanation } = part.violation;
    expect(explanation?.isIrreducible).toBe(true);
    expect(explanation?.confirmedBy).toBe('wgl');
    expect(explanation?.core.length).toBeGreaterThan(0);
  });

  /** By model: a history that its fast path can not judge, and why. */
  const unfit: readonly (readonly [string, string, string])[] = [
    ['register', '0> write 1; 0<; 0> write 1; 0<', '1 is written twice'],
    ['register', '0> write 0; 0<', '0 is written twice'],
    ['counter', '0> add 2; 0<', 'an amount is not 1'],
    ['queue', '0> enqueue 1; 0<; 0> enqueue 1; 0<', '1 is put in twice'],
    ['queue', '0> dequeue; 0?; 1> dequeue; 1<', 'some dequeues crashed and some found nothing'],
    ['stack', '0> pop; 0?', 'a pop crashed'],
    ['priority-queue', '0> dequeue; 0?', 'a dequeue crashed'],
    ['priority-queue', '0> enqueue "a"; 0<', 'a value is no number'],
    ['grow-only-set', '0> add 1; 0<; 0> add 1; 0<', 'an element is added twice'],
    ['kv', '0> append "a"; 1> append "a"; 0<; 1<; 0> get; 0< "a"', 'in one way only'],
    ['kv', '0> append ""; 0<', 'leaves no trace'],
    ['mutex', '0> release; 0<', 'releases what it did not acquire'],
    ['mutex', '0> acquire; 0<; 0> acquire; 0<', 'acquires twice'],
    ['semaphore', '0> try-acquire; 0< false', 'neither an acquire nor a release'],
    ['fenced-lock', '0> release; 0<', 'names no token'],
  ];

  test.each(unfit)('%s does not fit: %s', (name, text, why) => {
    const [part] = check(scripted(text), model(name), { engine: 'fast' }).parts;
    expect(part).toMatchObject({ verdict: 'unknown', cause: 'not-applicable' });
    if (part?.verdict === 'unknown') expect(part.message).toContain(why);
    // The search takes over.
    expect(check(scripted(text), model(name)).parts[0]?.engine).toBe('jit');
  });
});
