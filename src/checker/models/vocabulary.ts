/**
 * What each of our models is asked and told. An operation that a model does not know is legal in none of its
 * states, so that a history with a misspelt name would be a violation: it is an error of the history.
 */
import type { HistoryEvent } from '../history/builder.ts';

export interface Misfit {
  readonly field: 'f' | 'value';
  readonly why: string;
}

/** A kind of value, in words for whoever wrote another. */
interface Kind {
  readonly words: string;
  readonly has: (value: unknown) => boolean;
}

interface Operation {
  readonly asked?: Kind;
  /** Nothing at all may be told as well: recorders leave out what is known. */
  readonly told?: Kind;
}

const number: Kind = { words: 'a number', has: (value) => typeof value === 'number' };
const text: Kind = { words: 'a text', has: (value) => typeof value === 'string' };
const list: Kind = { words: 'a list', has: Array.isArray };
const given: Kind = { words: 'a value', has: (value) => value !== undefined };
const pair: Kind = {
  words: '[from, to]',
  has: (value) => Array.isArray(value) && value.length === 2,
};
const micros: Kind = {
  words: 'a list of ["read" or "write", name, value]',
  has: (value) => Array.isArray(value) && value.every(isMicro),
};
const truth: Kind = { words: 'true or false', has: (value) => typeof value === 'boolean' };
const change: Kind = {
  words: '[element, true or false]',
  has: (value) => !Array.isArray(value) || (value.length === 2 && typeof value[1] === 'boolean'),
};

function isMicro(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 3) return false;
  const [f, name] = value as readonly unknown[];
  return ['read', 'r', 'write', 'w'].includes(f as string) && typeof name === 'string';
}

const counter = { read: { told: number }, add: { asked: number }, increment: { told: number } };
const register = { read: {}, write: { asked: given } };
const shared = { 'acquire-read': {}, 'release-read': {}, 'acquire-write': {}, 'release-write': {} };
const lock = { acquire: {}, release: {} };

const vocabularies: Readonly<Record<string, Readonly<Record<string, Operation>>>> = {
  register,
  'cas-register': { ...register, cas: { asked: pair } },
  'multi-register': { txn: { asked: micros, told: micros } },
  counter,
  sequence: { ...counter, generate: { told: number } },
  queue: { enqueue: { asked: given }, dequeue: {} },
  stack: { push: { asked: given }, pop: {} },
  'priority-queue': { enqueue: { asked: number }, dequeue: { told: number } },
  set: {
    add: { asked: given, told: change },
    remove: { asked: given, told: change },
    contains: { asked: given, told: change },
  },
  'grow-only-set': { add: { asked: given }, read: { told: list } },
  kv: { get: { told: text }, put: { asked: text }, append: { asked: text } },
  'append-list': { append: { asked: given }, read: { told: list } },
  mutex: lock,
  semaphore: { ...lock, 'try-acquire': { told: truth } },
  'shared-lock': shared,
  'fenced-lock': { acquire: { told: number }, release: { asked: number } },
};

/** Why the event is none of the model's; undefined where it is, and for models that are not ours. */
export function misfitOf(
  model: string,
  { process, type, f, value }: HistoryEvent,
): Misfit | undefined {
  const vocabulary = vocabularies[model];
  if (vocabulary === undefined || process === 'nemesis') return undefined;
  const operation = Object.hasOwn(vocabulary, f) ? vocabulary[f] : undefined;
  if (operation === undefined) {
    const names = Object.keys(vocabulary).join(', ');
    return { field: 'f', why: `the model ${model} has no ${f}; it has ${names}` };
  }
  const { asked, told } = operation;
  const shown = value === undefined ? 'nothing' : JSON.stringify(value);
  if (type === 'invoke' && asked !== undefined && !asked.has(value)) {
    return { field: 'value', why: `${f} of a ${model} takes ${asked.words}, not ${shown}` };
  }
  const isTold = type === 'ok' && value !== undefined && value !== null;
  if (isTold && told !== undefined && !told.has(value)) {
    return { field: 'value', why: `${f} of a ${model} answers ${told.words}, not ${shown}` };
  }
  return undefined;
}
