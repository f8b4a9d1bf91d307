/**
 * Small objects that run for real: random clients call them, calls take effect at one moment, some
 * callers crash, and some answers are then falsified. What comes out is judged by the oracle and by every
 * engine.
 */
import type { Prng } from '../../../../src/base/prng.ts';
import type { HistoryEvent } from '../../../../src/checker/history/builder.ts';
import type { Model } from '../../../../src/checker/linearizability/model.ts';
import { appendListModel, kvModel } from '../../../../src/checker/models/appends.ts';
import {
  growOnlySetModel,
  priorityQueueModel,
  queueModel,
  setModel,
  stackModel,
} from '../../../../src/checker/models/containers.ts';
import { counterModel, sequenceModel } from '../../../../src/checker/models/counter.ts';
import {
  fencedLockModel,
  mutexModel,
  semaphoreModel,
  sharedLockModel,
} from '../../../../src/checker/models/locks.ts';
import {
  casRegisterModel,
  multiRegisterModel,
  registerModel,
} from '../../../../src/checker/models/register.ts';

export interface Request {
  readonly f: string;
  readonly value?: unknown;
}

/** `block`: the call waits, as an acquire does. */
export type Reply = { readonly ok: unknown } | 'fail' | 'block';

/** A running object, its state behind it. */
export interface Running {
  /** What a client asks next; `turn` counts its calls. */
  ask(prng: Prng, client: number): Request;
  apply(request: Request, client: number): Reply;
  /** Another answer than the true one. */
  falsify(prng: Prng, request: Request, answer: unknown): unknown;
}

export interface Subject {
  readonly name: string;
  readonly model: Model;
  readonly start: () => Running;
  /** Per mille of the turns in which a call is under way. */
  readonly crashes: number;
}

const subject = <State>(
  name: string,
  model: Model<State>,
  start: () => Running,
  crashes = 40,
): Subject => ({ name, model: model as Model, start, crashes });

function register(
  values: 'few' | 'unique',
  hasCas: boolean,
  failedCas: 'fail' | 'none',
): () => Running {
  return () => {
    let state: number | null = 0;
    let next = 0;
    const value = (prng: Prng): number => (values === 'few' ? prng.int(0, 2) : ++next);
    return {
      ask: (prng) => {
        const kind = prng.int(0, hasCas ? 2 : 1);
        if (kind === 0) return { f: 'write', value: value(prng) };
        if (kind === 1) return { f: 'read' };
        return { f: 'cas', value: [values === 'few' ? prng.int(0, 2) : state, value(prng)] };
      },
      apply: ({ f, value: asked }) => {
        if (f === 'read') return { ok: state };
        if (f === 'write') {
          state = asked as number;
          return { ok: asked };
        }
        const [from, to] = asked as readonly [number, number];
        if (from !== state) return failedCas === 'none' ? 'block' : 'fail';
        state = to;
        return { ok: asked };
      },
      falsify: (prng, { f }, answer) =>
        f === 'read' ? prng.int(0, values === 'few' ? 2 : Math.max(1, next)) : answer,
    };
  };
}

/** Reads that are told nothing now and then, whatever is there. */
function silentRegister(): Running {
  const running = register('few', false, 'fail')();
  return {
    ...running,
    falsify: (prng, request, answer) => (request.f === 'read' ? pickSilent(prng) : answer),
  };
}

const pickSilent = (prng: Prng): number | null => prng.pick([null, null, 0, 1, 2]);

function multiRegister(): Running {
  const state: Record<string, number> = { x: 0, y: 0 };
  type Micro = readonly [f: string, name: string, value: number | null];
  const micro = (prng: Prng): Micro => {
    const name = prng.pick(['x', 'y']);
    return prng.int(0, 1) === 0 ? ['read', name, null] : ['write', name, prng.int(0, 2)];
  };
  return {
    ask: (prng) => ({
      f: 'txn',
      value: Array.from({ length: prng.int(1, 2) }, () => micro(prng)),
    }),
    apply: ({ value }) => {
      const done = (value as readonly Micro[]).map(([f, name, to]): Micro => {
        if (f === 'write') state[name] = to as number;
        return [f, name, state[name] as number];
      });
      return { ok: done };
    },
    falsify: (prng, _, answer) =>
      (answer as readonly Micro[]).map(([f, name, value]): Micro => {
        return [f, name, f === 'read' ? prng.int(0, 2) : value];
      }),
  };
}

function counter(kind: 'add' | 'amounts' | 'increment'): () => Running {
  return () => {
    let state = 0;
    return {
      ask: (prng) => {
        if (prng.int(0, 2) === 0) return { f: 'read' };
        if (kind === 'increment') return { f: 'increment' };
        return { f: 'add', value: kind === 'add' ? 1 : prng.int(1, 3) };
      },
      apply: ({ f, value }) => {
        if (f === 'add') state += value as number;
        if (f === 'increment') state++;
        return { ok: f === 'add' ? value : state };
      },
      falsify: (prng, { f }, answer) =>
        f === 'add' ? answer : Math.max(0, (answer as number) + prng.int(-1, 1)),
    };
  };
}

function sequence(): Running {
  let state = 0;
  return {
    ask: () => ({ f: 'generate' }),
    apply: () => ({ ok: ++state }),
    falsify: (prng, _, answer) => Math.max(1, (answer as number) + prng.int(-1, 1)),
  };
}

function container(insert: string, remove: string, take: (items: number[]) => number | undefined) {
  return (): Running => {
    const items: number[] = [];
    let next = 0;
    return {
      ask: (prng) =>
        prng.int(0, 1) === 0
          ? { f: insert, value: remove === 'dequeue' && insert === 'enqueue' ? ++next : ++next }
          : { f: remove },
      apply: ({ f, value }) => {
        if (f === remove) return { ok: take(items) ?? null };
        items.push(value as number);
        return { ok: value };
      },
      falsify: (prng, { f }, answer) => {
        if (f === insert) return answer;
        const other = prng.int(0, next);
        return other === 0 ? null : other;
      },
    };
  };
}

/** Values in random order, so that priorities differ from arrival. */
function priorities(): Running {
  const items: number[] = [];
  const used = new Set<number>();
  return {
    ask: (prng) => {
      if (prng.int(0, 1) === 1) return { f: 'dequeue' };
      let value = prng.int(1, 30);
      while (used.has(value)) value = prng.int(1, 30);
      used.add(value);
      return { f: 'enqueue', value };
    },
    apply: ({ f, value }) => {
      if (f === 'enqueue') {
        items.push(value as number);
        return { ok: value };
      }
      items.sort((a, b) => a - b);
      return { ok: items.shift() ?? null };
    },
    falsify: (prng, { f }, answer) =>
      f === 'enqueue' ? answer : prng.int(0, 3) === 0 ? null : prng.pick([...used, 0]) || null,
  };
}

function set(): Running {
  const items = new Set<number>();
  return {
    ask: (prng) => ({ f: prng.pick(['add', 'remove', 'contains']), value: prng.int(0, 1) }),
    apply: ({ f, value }) => {
      const wasIn = items.has(value as number);
      if (f === 'add') items.add(value as number);
      if (f === 'remove') items.delete(value as number);
      return { ok: [value, f === 'add' ? !wasIn : wasIn] };
    },
    falsify: (_, __, answer) => {
      const [value, told] = answer as readonly [number, boolean];
      return [value, !told];
    },
  };
}

function growOnlySet(): Running {
  const items: number[] = [];
  let next = 0;
  return {
    ask: (prng) => (prng.int(0, 1) === 0 ? { f: 'add', value: ++next } : { f: 'read' }),
    apply: ({ f, value }) => {
      if (f === 'read') return { ok: [...items] };
      items.push(value as number);
      return { ok: value };
    },
    falsify: (prng, { f }, answer) => {
      if (f === 'add') return answer;
      const seen = (answer as readonly number[]).filter(() => prng.int(0, 2) > 0);
      return prng.int(0, 3) === 0 && !seen.includes(next) && next > 0 ? [...seen, next] : seen;
    },
  };
}

function appendList(): Running {
  const items: number[] = [];
  let next = 0;
  return {
    ask: (prng) => (prng.int(0, 1) === 0 ? { f: 'append', value: ++next } : { f: 'read' }),
    apply: ({ f, value }) => {
      if (f === 'read') return { ok: [...items] };
      items.push(value as number);
      return { ok: value };
    },
    falsify: (prng, { f }, answer) => {
      if (f === 'append') return answer;
      const seen = answer as readonly number[];
      return prng.int(0, 1) === 0 ? seen.slice(0, -1) : prng.shuffle(seen);
    },
  };
}

const kv = (words: 'few' | 'unique') => (): Running => {
  let text = '';
  let count = 0;
  return {
    ask: (prng) => {
      const kind = prng.int(0, 5);
      if (kind < 3) return { f: 'get' };
      const next = words === 'few' ? prng.int(1, 3) : ++count;
      return kind === 3 ? { f: 'put', value: `p${next} ` } : { f: 'append', value: `x${next} ` };
    },
    apply: ({ f, value }) => {
      if (f === 'get') return { ok: text };
      text = f === 'put' ? (value as string) : text + (value as string);
      return { ok: value };
    },
    falsify: (prng, { f }, answer) => {
      if (f !== 'get') return answer;
      const words = (answer as string).split(' ').filter((word) => word !== '');
      const kept = prng.int(0, 1) === 0 ? words.slice(0, -1) : prng.shuffle(words);
      return kept.map((word) => `${word} `).join('');
    },
  };
};

/** Clients acquire and release in turns; `falsify` has nothing to change, orders do that. */
function lock(permits: number, isShared = false): () => Running {
  return () => {
    const held = new Map<number, string>();
    return {
      ask: (prng, client) => {
        const mine = held.get(client);
        const kind = isShared ? prng.pick(['-read', '-write']) : '';
        return { f: mine === undefined ? `acquire${kind}` : mine.replace('acquire', 'release') };
      },
      apply: ({ f }, client) => {
        if (f.startsWith('release')) {
          held.delete(client);
          return { ok: null };
        }
        const others = [...held.values()];
        const isBusy = isShared
          ? others.includes('acquire-write') || (f === 'acquire-write' && others.length > 0)
          : others.length >= permits;
        // One time in a while it lets too many in: that is what has to be found.
        if (isBusy) return 'block';
        held.set(client, f);
        return { ok: null };
      },
      falsify: (_, __, answer) => answer,
    };
  };
}

/** Some do not wait for a permit. */
function triedSemaphore(): Running {
  const running = lock(2)();
  return {
    ask: (prng, client) => {
      const request = running.ask(prng, client);
      const isTried = request.f === 'acquire' && prng.int(0, 3) === 0;
      return isTried ? { f: 'try-acquire' } : request;
    },
    apply: (request, client) => {
      if (request.f !== 'try-acquire') return running.apply(request, client);
      return { ok: running.apply({ f: 'acquire' }, client) !== 'block' };
    },
    falsify: (_, { f }, answer) => (f === 'try-acquire' ? answer === false : answer),
  };
}

function fencedLock(): Running {
  let token = 0;
  let holder: number | undefined;
  const mine = new Map<number, number>();
  return {
    ask: (_, client) => {
      const own = mine.get(client);
      return own === undefined ? { f: 'acquire' } : { f: 'release', value: own };
    },
    apply: ({ f, value }, client) => {
      if (f === 'release') {
        mine.delete(client);
        holder = undefined;
        return { ok: value };
      }
      if (holder !== undefined) return 'block';
      holder = client;
      mine.set(client, ++token);
      return { ok: token };
    },
    falsify: (prng, { f }, answer) =>
      f === 'acquire' ? Math.max(1, (answer as number) + prng.int(-1, 1)) : answer,
  };
}

export const subjects: readonly Subject[] = [
  subject('register, few values', registerModel({ init: 0 }), register('few', false, 'fail')),
  subject('register, unique values', registerModel({ init: 0 }), register('unique', false, 'fail')),
  subject(
    'cas-register, failed cas observed',
    casRegisterModel({ init: 0, failedCas: 'observed' }),
    register('few', true, 'fail'),
  ),
  subject(
    'cas-register, failed cas without effect',
    casRegisterModel({ init: 0 }),
    register('few', true, 'fail'),
  ),
  subject(
    'cas-register, many crashes',
    casRegisterModel({ init: 0 }),
    register('few', true, 'fail'),
    250,
  ),
  subject(
    'cas-register, unique values',
    casRegisterModel({ init: 0 }),
    register('unique', true, 'fail'),
  ),
  subject(
    'register, some reads told nothing',
    registerModel({ init: 0, nilReads: 'any' }),
    silentRegister,
  ),
  subject('multi-register', multiRegisterModel({ init: { x: 0, y: 0 } }), multiRegister),
  subject('counter, ones', counterModel(), counter('add')),
  subject('counter, amounts', counterModel(), counter('amounts')),
  subject('counter, increments', counterModel(), counter('increment')),
  subject('sequence', sequenceModel(), sequence),
  subject(
    'queue',
    queueModel(),
    container('enqueue', 'dequeue', (items) => items.shift()),
  ),
  subject(
    'stack',
    stackModel(),
    container('push', 'pop', (items) => items.pop()),
  ),
  subject('priority queue', priorityQueueModel(), priorities),
  subject('set', setModel(), set),
  subject('grow-only set', growOnlySetModel(), growOnlySet),
  subject('append list', appendListModel(), appendList),
  subject('kv', kvModel(), kv('unique')),
  subject('kv, words repeated', kvModel(), kv('few')),
  subject('mutex', mutexModel(), lock(1)),
  subject('semaphore', semaphoreModel({ permits: 2 }), lock(2)),
  subject('semaphore, tried', semaphoreModel({ permits: 2 }), triedSemaphore),
  subject('shared lock', sharedLockModel(), lock(Infinity, true)),
  subject('fenced lock', fencedLockModel(), fencedLock),
];

interface Pending {
  readonly request: Request;
  readonly process: number;
  reply: Reply | undefined;
}

/** A history of at most `operations` calls. `lies`: per mille of answers that are falsified. */
export function drawEvents(
  { start, crashes }: Subject,
  prng: Prng,
  { operations, clients, lies }: { operations: number; clients: number; lies: number },
): HistoryEvent[] {
  const running = start();
  const pending: (Pending | undefined)[] = new Array(clients).fill(undefined);
  const processes = Array.from({ length: clients }, (_, client) => client);
  const events: HistoryEvent[] = [];
  let asked = 0;
  let fresh = clients;
  for (let turn = 0; turn < operations * 8; turn++) {
    const client = prng.int(0, clients - 1);
    const call = pending[client];
    const process = processes[client] as number;
    if (call === undefined) {
      if (asked === operations) continue;
      asked++;
      const request = running.ask(prng, client);
      pending[client] = { request, process, reply: undefined };
      events.push({ process, type: 'invoke', ...request });
    } else if (prng.chance(crashes)) {
      events.push({ process, type: 'info', f: call.request.f });
      // Half of the crashed calls that were still under way take effect all the same.
      if (call.reply === undefined && prng.chance(500)) running.apply(call.request, client);
      processes[client] = fresh++;
      pending[client] = undefined;
    } else if (call.reply === undefined || call.reply === 'block') {
      call.reply = prng.chance(lies / 4) ? lie(call.request) : running.apply(call.request, client);
    } else {
      events.push(completion(call, running, prng, lies));
      pending[client] = undefined;
    }
  }
  return events;
}

/** An acquire that is let in although the lock is taken. */
function lie(request: Request): Reply | undefined {
  return request.f.startsWith('acquire') && request.value === undefined ? { ok: null } : undefined;
}

function completion(call: Pending, running: Running, prng: Prng, lies: number): HistoryEvent {
  const { request, process, reply } = call;
  if (reply === 'fail') return { process, type: 'fail', ...request };
  const { ok } = reply as { readonly ok: unknown };
  const value = prng.chance(lies) ? running.falsify(prng, request, ok) : ok;
  return { process, type: 'ok', f: request.f, value };
}
