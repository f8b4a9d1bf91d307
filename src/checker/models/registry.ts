/** Models by name, with their options as JSON gives them. */
import type { Model, Primitive } from '../linearizability/model.ts';
import { appendListModel, kvModel } from './appends.ts';
import {
  growOnlySetModel,
  priorityQueueModel,
  queueModel,
  setModel,
  stackModel,
} from './containers.ts';
import { counterModel, sequenceModel } from './counter.ts';
import { fencedLockModel, mutexModel, semaphoreModel, sharedLockModel } from './locks.ts';
import { casRegisterModel, multiRegisterModel, registerModel } from './register.ts';

/** A model or an option that does not exist, or an option of the wrong kind. */
export class ModelOptionError extends Error {
  override readonly name = 'ModelOptionError';
}

type Options = Readonly<Record<string, unknown>>;

const factories: Readonly<Record<string, (options: Options) => Model>> = {
  register: (options) => model(registerModel({ ...primitiveInit(options), ...nilReads(options) })),
  'cas-register': (options) =>
    model(
      casRegisterModel({
        ...primitiveInit(options),
        ...nilReads(options),
        ...choice(options, 'failedCas', ['observed', 'no-effect']),
      }),
    ),
  'multi-register': (options) => {
    const { init = {} } = options;
    if (typeof init !== 'object' || init === null) throw wrong('init', 'an object');
    const registers = init as Readonly<Record<string, Primitive>>;
    return model(multiRegisterModel({ ...nilReads(options), init: registers }));
  },
  counter: (options) => model(counterModel(numberOption(options, 'init'))),
  sequence: (options) => model(sequenceModel(numberOption(options, 'init'))),
  queue: () => model(queueModel()),
  stack: () => model(stackModel()),
  'priority-queue': () => model(priorityQueueModel()),
  set: () => model(setModel()),
  'grow-only-set': () => model(growOnlySetModel()),
  kv: (options) => {
    const { init = '' } = options;
    if (typeof init !== 'string') throw wrong('init', 'a text');
    return model(kvModel({ init }));
  },
  'append-list': () => model(appendListModel()),
  mutex: (options) => model(mutexModel(choice(options, 'init', ['free', 'held']))),
  semaphore: (options) => {
    const { permits } = numberOption(options, 'permits');
    if (permits === undefined) throw wrong('permits', 'a number');
    return model(semaphoreModel({ permits }));
  },
  'shared-lock': () => model(sharedLockModel()),
  'fenced-lock': () => model(fencedLockModel()),
};

/** Other names that recorded histories use. */
const aliases: Readonly<Record<string, string>> = {
  pqueue: 'priority-queue',
  gset: 'grow-only-set',
  lock: 'mutex',
  'fifo-queue': 'queue',
};

export const modelNames: readonly string[] = Object.keys(factories);

export function modelByName(name: string, options: Options = {}): Model {
  const factory = factories[aliases[name] ?? name];
  if (factory === undefined) {
    throw new ModelOptionError(`there is no model ${name}; there are ${modelNames.join(', ')}`);
  }
  return factory(options);
}

const model = <State>(typed: Model<State>): Model => typed as Model;

const wrong = (option: string, kind: string): ModelOptionError =>
  new ModelOptionError(`option ${option} must be ${kind}`);

function primitiveInit({ init }: Options): { readonly init?: Primitive } {
  if (init === undefined) return {};
  if (typeof init === 'object' && init !== null) throw wrong('init', 'a plain value');
  return { init: init as Primitive };
}

const nilReads = (options: Options) => choice(options, 'nilReads', ['any', 'value']);

function choice<Name extends string, const Value extends string>(
  options: Options,
  name: Name,
  values: readonly Value[],
): { readonly [K in Name]?: Value } {
  const value = options[name];
  if (value === undefined) return {};
  if (!values.includes(value as Value)) throw wrong(name, values.join(' or '));
  return { [name]: value } as { readonly [K in Name]?: Value };
}

function numberOption<Name extends string>(
  options: Options,
  name: Name,
): { readonly [K in Name]?: number } {
  const value = options[name];
  if (value === undefined) return {};
  if (typeof value !== 'number') throw wrong(name, 'a number');
  return { [name]: value } as { readonly [K in Name]?: number };
}
