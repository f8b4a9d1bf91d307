/**
 * Where the checks of claims are carried out. Each model is run once in each scope, however many claims
 * rest on it. For the test of the ledger itself a model can be replaced by one of its mutants: then the
 * verdicts that rest on it must fall.
 */
import { checkSpec, type RunResult } from '../kernel/check.ts';
import { unwatched, type Watch } from '../kernel/explore.ts';
import { type Model, mutate, type ScopeRecord, type Spec } from '../kernel/model.ts';
import { models as allModels } from '../models/index.ts';
import { atLeastHalf, majority, type QuorumRule } from '../models/quorum.ts';

export interface LabOptions {
  readonly watch?: Watch;
  readonly models?: ReadonlyMap<string, Model>;
  /** Mutants in place of models, by the model's name; `quorum` has the mutant `half`. */
  readonly replaced?: ReadonlyMap<string, string>;
}

/** One run of one model, with the spec that its traces belong to. */
export interface LabRun {
  readonly spec: Spec<object>;
  readonly result: RunResult;
}

export class Lab {
  readonly #replaced: ReadonlyMap<string, string>;
  readonly #watch: Watch;
  readonly #models: ReadonlyMap<string, Model>;
  readonly #runs = new Map<string, LabRun>();

  constructor({ watch, models, replaced }: LabOptions = {}) {
    this.#watch = watch ?? unwatched;
    this.#models = models ?? allModels;
    this.#replaced = replaced ?? new Map<string, string>();
  }

  model(name: string): Model | undefined {
    return this.#models.get(name);
  }

  /** The quorum rule of an ensemble, or the mistake that a test puts in its place. */
  quorumRule(size: number): QuorumRule {
    return this.#replaced.has('quorum') ? atLeastHalf(size) : majority(size);
  }

  /** The spec as it is, or mutated where a test asked for it. */
  mutated<S>(model: string, spec: Spec<S>): Spec<S> {
    const mutant = this.#replaced.get(model);
    return mutant === undefined ? spec : mutate(spec, mutant);
  }

  /** A model with all its properties. */
  run(model: Model, scope: Partial<ScopeRecord>): LabRun {
    const full = { ...model.scope, ...scope } as ScopeRecord;
    const key = `${model.name} ${JSON.stringify(full)}`;
    return this.runSpec(key, model.name, full, () => this.mutated(model.name, model.define(full)));
  }

  /** A mutant in the scope where mutants are tried, with the one property that is asked. */
  runMutant(model: Model, name: string, property: string): LabRun {
    const base = { ...model.scope, ...model.runs.everyday[0]?.scope } as ScopeRecord;
    const own = model.define(base).mutants?.[name]?.scope;
    const scope = { ...base, ...own };
    return this.runSpec(`${model.name} ${name} ${property}`, model.name, scope, () =>
      focusOn(mutate(model.define(scope), name), property),
    );
  }

  /** Any spec, once. */
  runSpec(key: string, name: string, scope: ScopeRecord, make: () => Spec<object>): LabRun {
    const known = this.#runs.get(key);
    if (known !== undefined) return known;
    const spec = make();
    const result = { model: name, scope, ...checkSpec(spec, {}, { watch: this.#watch }) };
    const run = { spec, result };
    this.#runs.set(key, run);
    return run;
  }
}

/** The behaviours of a spec with one of its properties: other properties do not end the search. */
export function focusOn<S>(spec: Spec<S>, property: string): Spec<S> {
  const { terminal, ...behaviours } = behavioursOf(spec);
  const refinement = property.startsWith('refines ') ? property.slice('refines '.length) : '';
  return {
    ...behaviours,
    ...(property === 'deadlock' && terminal !== undefined ? { terminal } : {}),
    always: only(spec.always, property),
    onStep: only(spec.onStep, property),
    ...(property in (spec.eventually ?? {}) ? { eventually: only(spec.eventually, property) } : {}),
    refines: only(spec.refines, refinement),
  };
}

function only<T>(
  group: Readonly<Record<string, T>> | undefined,
  name: string,
): Readonly<Record<string, T>> {
  const value = group?.[name];
  return value === undefined ? {} : { [name]: value };
}

/** Where behaviours start and how they go on, without any property. */
export function behavioursOf<S>(
  spec: Spec<S>,
): Pick<Spec<S>, 'init' | 'actions' | 'ghosts' | 'normal' | 'terminal'> {
  const { init, actions, ghosts, normal, terminal } = spec;
  return {
    init,
    actions,
    ...(ghosts === undefined ? {} : { ghosts }),
    ...(normal === undefined ? {} : { normal }),
    ...(terminal === undefined ? {} : { terminal }),
  };
}
