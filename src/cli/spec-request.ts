/** What `umpire spec` is asked for, from its options; what makes no sense is a UsageError. */
import {
  findAsymmetry,
  type Model,
  models,
  type Run,
  type ScopeRecord,
  type ScopeValue,
} from '../../spec/index.ts';
import { prngStream } from '../base/prng.ts';
import { nearest, parseCount, parseSeed, randomSeed, unknownName } from './arguments.ts';
import { UsageError } from './errors.ts';

export interface SpecOptions {
  /** `servers=2,txns=1`, or the name of a list of runs. */
  readonly scope?: string;
  readonly symmetry?: boolean;
  readonly simulate?: boolean;
  readonly seed?: string;
  readonly walks?: string;
  readonly steps?: string;
  readonly from?: string;
  readonly ghosts?: boolean;
  readonly maxStates?: string;
  readonly explore?: boolean;
}

export type SpecRequest =
  /** All runs of a list, and the mutants. */
  | { readonly type: 'list'; readonly models: readonly Model[]; readonly list: string }
  | {
      readonly type: 'one';
      readonly model: Model;
      readonly run: Run;
      readonly maxStates: number | undefined;
    }
  | { readonly type: 'explore'; readonly model: Model; readonly scope: ScopeRecord };

const EVERYDAY = 'everyday';
const MOST = 1_000_000_000;

export function parseSpecRequest(name: string | undefined, options: SpecOptions): SpecRequest {
  const list =
    options.scope === undefined || options.scope.includes('=') ? EVERYDAY : options.scope;
  if (name === undefined) {
    refuseAlone(options);
    const having = [...models.values()].filter((model) => model.runs[list] !== undefined);
    if (having.length === 0) throw unknownList(list);
    return { type: 'list', models: having, list };
  }
  const model = models.get(name);
  if (model === undefined) throw unknownName(name, 'spec', [...models.keys()]);
  if (options.explore === true) {
    return { type: 'explore', model, scope: { ...model.scope, ...parseScope(model, options) } };
  }
  const isOne =
    options.scope?.includes('=') === true ||
    options.symmetry === true ||
    options.simulate === true ||
    options.ghosts === true;
  if (!isOne) {
    if (model.runs[list] === undefined) throw unknownList(list);
    return { type: 'list', models: [model], list };
  }
  const run = parseRun(model, options);
  if (run.symmetry === true) refuseAsymmetry(model, run);
  const maxStates =
    options.maxStates === undefined
      ? undefined
      : parseCount(options.maxStates, '--max-states', 1, MOST);
  return { type: 'one', model, run, maxStates };
}

function refuseAlone(options: SpecOptions): void {
  const alone = (['symmetry', 'simulate', 'ghosts', 'explore', 'from'] as const).find(
    (option) => options[option] !== undefined,
  );
  if (alone === undefined && options.scope?.includes('=') !== true) return;
  throw new UsageError({
    code: 'no-model',
    what: `--${alone ?? 'scope'} needs a model.`,
    why: `There are: ${[...models.keys()].join(', ')}.`,
    next: `For example: npm run spec -- paxos --${alone ?? 'scope ballots=3'}`,
  });
}

function unknownList(list: string): UsageError {
  return new UsageError({
    code: 'unknown-scope',
    what: `There are no runs called ${JSON.stringify(list)}.`,
    next: 'Write --scope servers=2,txns=1, or the name of a list of runs: everyday, nightly.',
  });
}

function parseRun(model: Model, options: SpecOptions): Run {
  const { symmetry, ghosts } = options;
  const walks =
    options.simulate !== true
      ? undefined
      : {
          walks: parseCount(options.walks ?? '1000', '--walks', 1, MOST),
          steps: parseCount(options.steps ?? '100', '--steps', 1, MOST),
          seed: parseSeed(options.seed ?? randomSeed()),
          ...(options.from === undefined ? {} : { from: parseStart(model, options) }),
        };
  return {
    scope: parseScope(model, options),
    ...(symmetry === true ? { symmetry } : {}),
    ...(ghosts === true ? { ghosts } : {}),
    ...(walks === undefined ? {} : { walks }),
  };
}

function parseStart(model: Model, options: SpecOptions): string {
  const from = options.from as string;
  const starts = model.define({ ...model.scope, ...parseScope(model, options) }).starts ?? {};
  if (!(from in starts)) throw unknownName(from, '--from', Object.keys(starts));
  return from;
}

function parseScope(model: Model, { scope = '' }: SpecOptions): ScopeRecord {
  if (!scope.includes('=')) return {};
  const pairs = scope.split(',').map((pair): [string, ScopeValue] => {
    const [key = '', text = ''] = pair.split('=').map((part) => part.trim());
    const byDefault = model.scope[key];
    if (byDefault === undefined) throw unknownSize(model, key);
    return [key, parseValue(key, text, byDefault)];
  });
  return Object.fromEntries(pairs);
}

function parseValue(key: string, text: string, byDefault: ScopeValue): ScopeValue {
  if (typeof byDefault === 'number') return parseCount(text, `--scope ${key}`, 0, MOST);
  if (typeof byDefault === 'string') return text;
  if (text === 'true' || text === 'false') return text === 'true';
  throw new UsageError({
    code: 'bad-scope',
    what: `--scope ${key}=${text} does not fit.`,
    next: `Write ${key}=true or ${key}=false.`,
  });
}

function unknownSize(model: Model, key: string): UsageError {
  const known = Object.entries(model.scope).map(([size, value]) => `${size}=${value}`);
  const near = nearest(key, Object.keys(model.scope));
  return new UsageError({
    code: 'bad-scope',
    what: `${model.name} has no size called ${JSON.stringify(key)}.`,
    why: `Its sizes, with their defaults: ${known.join(', ')}.`,
    ...(near === undefined ? {} : { next: `Did you mean ${near}?` }),
  });
}

function refuseAsymmetry(model: Model, run: Run): void {
  const spec = model.define({ ...model.scope, ...run.scope } as ScopeRecord);
  const why = findAsymmetry(spec, prngStream('5eed', 'symmetry'));
  if (why === undefined) return;
  throw new UsageError({
    code: 'no-symmetry',
    what: `${model.name} cannot be reduced by symmetry.`,
    why,
    next: 'Check it without --symmetry, or in a smaller scope.',
  });
}
