/** Histories that somebody thought of: the classical ones, and those on which a checker once went wrong. */
export interface HandMade {
  readonly name: string;
  readonly model: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly events: string;
}

const register = { model: 'cas-register', options: { init: 0 } };
const observed = { model: 'cas-register', options: { init: 0, failedCas: 'observed' } };

export const handMade: readonly HandMade[] = [
  {
    // Absorbing write 0 early, because it changes nothing just then, makes this impossible.
    name: 'a write that happens to change nothing is needed later',
    ...register,
    events: '0> write 0; 1> write 1; 1<; 2> read; 2< 1; 2> read; 2< 0; 0<',
  },
  {
    name: 'the same with a compare-and-set that goes nowhere',
    ...register,
    events: '0> cas [0,0]; 1> write 1; 1<; 2> read; 2< 1; 1> write 0; 1<; 0<',
  },
  {
    // Passing write 1 as overwritten must not be the only way: the last read needs it late.
    name: 'an overwritten write is used in its last moment',
    ...register,
    events: '1> write 2; 2> read; 3> write 0; 9> write 1; 3<; 2< 2; 9<; 1<; 4> read; 4< 1',
  },
  {
    // A crashed write that brings no new value can still have covered another one.
    name: 'a crashed write hides a live one',
    ...register,
    events: '0> write 5; 1> write 0; 1?; 2> read; 2< 0; 0<; 2> read; 2< 0',
  },
  {
    name: 'the crashed write of a value seen twice can only be used once',
    ...register,
    events: '0> write 1; 0?; 1> read; 1< 1; 1> write 2; 1<; 1> read; 1< 1',
  },
  {
    name: 'one of two crashed operations was the wrong one',
    ...register,
    events: '1> write 1; 1?; 2> cas [0,1]; 2?; 3> read; 3< 1; 3> write 2; 3<; 3> read; 3< 1',
  },
  {
    name: 'no crashed operation was better than one',
    ...register,
    events:
      '1> write 1; 1?; 2> cas [0,5]; 3> cas [5,1]; 4> read; 4< 1; 4> write 0; 4<; 2<; 3<; ' +
      '4> write 7; 4<; 4> read; 4< 1',
  },
  {
    name: 'a crashed write takes effect long after',
    ...register,
    events: '0> write 9; 0?; 1> write 1; 1<; 1> write 2; 1<; 1> read; 1< 2; 1> read; 1< 9',
  },
  {
    name: 'a crashed write takes effect, and then not',
    ...register,
    events: '0> write 9; 0?; 1> write 1; 1<; 1> read; 1< 9; 2> read; 2< 1',
  },
  {
    name: 'a failed compare-and-set saw what was there',
    ...observed,
    events: '0> write 1; 0<; 1> cas [1,2]; 1!; 0> read; 0< 1',
  },
  {
    name: 'a failed compare-and-set fits between',
    ...observed,
    events: '0> write 1; 1> cas [1,2]; 0<; 0> write 3; 1!; 0<; 0> read; 0< 3',
  },
  {
    name: 'a failed compare-and-set says nothing',
    ...register,
    events: '0> write 1; 0<; 1> cas [1,2]; 1!; 0> read; 0< 1',
  },
  {
    name: 'new and old seen by two readers at once',
    ...register,
    events: '0> write 1; 1> read; 2> read; 1< 1; 2< 0; 0<',
  },
  {
    name: 'new, then old, by two readers in turn',
    ...register,
    events: '0> write 1; 1> read; 1< 1; 2> read; 2< 0; 0<',
  },
  {
    name: 'two writers, two readers, two opinions',
    ...register,
    events:
      '0> write 1; 1> write 2; 2> read; 3> read; 2< 1; 3< 2; 2> read; 3> read; 2< 2; 3< 1; 0<; 1<',
  },
  {
    name: 'a lost write',
    ...register,
    events: '0> write 1; 0<; 1> write 2; 1<; 2> read; 2< 1',
  },
  {
    name: 'values nobody reads do not matter',
    ...register,
    events: '0> write 3; 1> write 4; 2> write 5; 0<; 1<; 2<; 0> write 1; 0<; 1> read; 1< 1',
  },
  {
    name: 'herlihy and wing, figure 1 (a)',
    model: 'queue',
    events:
      '0> enqueue 1; 1> enqueue 2; 0<; 1<; 1> dequeue; 1< 1; 0> dequeue; 0< 2; 0> enqueue 3; 0<',
  },
  {
    name: 'herlihy and wing, figure 1 (b)',
    model: 'queue',
    events: '0> enqueue 1; 0<; 1> enqueue 2; 0> dequeue; 1<; 0< 2',
  },
  {
    name: 'an element dequeued twice',
    model: 'queue',
    events: '0> enqueue 1; 1> enqueue 1; 0<; 1<; 0> dequeue; 1> dequeue; 0< 1; 1< 1',
  },
  {
    name: 'three values in a ring of overtaking',
    model: 'queue',
    events:
      '0> enqueue 1; 1> enqueue 2; 2> enqueue 3; 0<; 1<; 2<; 0> dequeue; 0< 3; 0> dequeue; 0< 1; ' +
      '0> dequeue; 0< 2',
  },
  {
    name: 'an empty answer in the only gap there is',
    model: 'queue',
    events: '0> enqueue 1; 1> dequeue; 0<; 2> dequeue; 2< 1; 0> enqueue 2; 1<; 0<',
  },
  {
    name: 'an empty answer although two values took turns inside',
    model: 'queue',
    events:
      '0> enqueue 1; 0<; 0> enqueue 2; 1> dequeue; 0<; 2> dequeue; 2< 1; 1<; 2> dequeue; 2< 2',
  },
  {
    name: 'a pop from below',
    model: 'stack',
    events: '0> push 1; 0<; 0> push 2; 0<; 1> pop; 1< 1',
  },
  {
    name: 'crossed pushes that overlap are nested all the same',
    model: 'stack',
    events: '0> push 1; 1> push 2; 0<; 1<; 0> pop; 0< 1; 0> pop; 0< 2',
  },
  {
    name: 'three intervals, of which the middle one goes in late',
    model: 'stack',
    events: '0> push 1; 1> push 2; 2> push 3; 0<; 2<; 2> pop; 2< 3; 1<; 0> pop; 0< 1; 1> pop; 1< 2',
  },
  {
    name: 'the least value overtaken',
    model: 'priority-queue',
    events: '0> enqueue 1; 0<; 1> enqueue 2; 1<; 0> dequeue; 0< 2; 0> dequeue; 0< 1',
  },
  {
    name: 'the least value came too late',
    model: 'priority-queue',
    events: '0> enqueue 2; 0<; 1> enqueue 1; 0> dequeue; 0< 2; 1<; 0> dequeue; 0< 1',
  },
  {
    name: 'a set forgets',
    model: 'set',
    events: '0> add 1; 0< [1,true]; 1> contains 1; 1< [1,false]',
  },
  {
    name: 'two adders, one of whom was first',
    model: 'set',
    events: '0> add 1; 1> add 1; 0< [1,true]; 1< [1,false]; 0> remove 1; 0< [1,true]',
  },
  {
    name: 'two adders, both of whom were first',
    model: 'set',
    events: '0> add 1; 1> add 1; 0< [1,true]; 1< [1,true]',
  },
  {
    name: 'amounts that only fit together in one way',
    model: 'counter',
    events: '0> add 3; 1> add 5; 2> add 4; 3> read; 3< 7; 3> read; 3< 12; 0<; 1<; 2<',
  },
  {
    name: 'amounts that fit in no way',
    model: 'counter',
    events: '0> add 3; 1> add 5; 2> add 4; 3> read; 3< 6; 0<; 1<; 2<',
  },
  {
    name: 'an increment counted twice',
    model: 'counter',
    events: '0> increment; 0< 1; 1> read; 1< 2',
  },
  {
    name: 'registers that are written together are read together',
    model: 'multi-register',
    options: { init: { x: 0, y: 0 } },
    events:
      '0> txn [["write","x",1],["write","y",1]]; 1> txn [["read","x",null],["read","y",null]]; ' +
      '1< [["read","x",1],["read","y",0]]; 0<',
  },
  {
    name: 'registers one after the other',
    model: 'multi-register',
    options: { init: { x: 0, y: 0 } },
    events:
      '0> txn [["write","x",1]]; 1> txn [["read","x",null],["read","y",null]]; 0<; ' +
      '1< [["read","x",1],["read","y",0]]; 0> txn [["write","y",1]]; 0<',
  },
  {
    name: 'a try that failed although nobody held it',
    model: 'semaphore',
    options: { permits: 1 },
    events: '0> try-acquire; 0< false; 1> acquire; 1<',
  },
  {
    name: 'a try that failed while somebody held it',
    model: 'semaphore',
    options: { permits: 1 },
    events: '1> acquire; 0> try-acquire; 0< false; 1<',
  },
  {
    name: 'a lock released by another process',
    model: 'mutex',
    events: '0> acquire; 0<; 1> release; 1<; 2> acquire; 2<',
  },
  {
    name: 'a text put twice, appended twice',
    model: 'kv',
    events: '0> put "a"; 0<; 1> append "a"; 1<; 2> get; 2< "aa"; 0> put "a"; 0<; 2> get; 2< "a"',
  },
];
