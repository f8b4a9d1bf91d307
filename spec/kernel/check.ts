/**
 * The verdict on a model. `check` is one run in one scope. `checkModel` is all its everyday runs, and then the
 * question whether they mean anything: did every action fire, was every guard ever false, was every
 * `sometimes` reached, and does every mutant die?
 */
import { assert } from '../../src/base/assert.ts';
import { prngStream } from '../../src/base/prng.ts';
import { type Exploration, Explorer, unwatched, type Violation, type Watch } from './explore.ts';
import { type Lasso, LivenessCheck } from './liveness.ts';
import { type Model, type Mutant, mutate, type Run, type ScopeRecord, type Spec } from './model.ts';
import { RefinementCheck } from './refine.ts';
import { simulate } from './simulate.ts';
import type { ActionCoverage } from './step.ts';
import { canonicalBy, findAsymmetry } from './symmetry.ts';
import type { Trace } from './trace.ts';

/** `violation`: a property does not hold, or one that should be refuted does. */
export type Verdict = 'pass' | 'violation' | 'unknown' | 'not-exercised';

export interface RunResult<S = object> extends Exploration<S> {
  readonly model: string;
  readonly scope: ScopeRecord;
  /** How it was looked at: all states, orbits of states, or random walks. */
  readonly method: string;
  readonly verdict: Verdict;
  readonly seconds: number;
  /** Properties that this scope had to refute, each with its counterexample. */
  readonly refuted: readonly Violation<S>[];
  /** Properties that had to be refuted and were not. */
  readonly unrefuted: readonly string[];
  /** What a larger scope may reach; a model whose everyday runs never do fails. */
  readonly unreached: readonly string[];
  /** What was asked and could not be answered, with the reason. */
  readonly notChecked: readonly string[];
}

export interface CheckOptions {
  readonly watch?: Watch;
  readonly maxStates?: number;
}

/** One run; sizes that it does not name are the model's defaults. */
export function check<Scope, S extends object>(
  model: Model<Scope, S>,
  run: Run<Scope> = {},
  options: CheckOptions = {},
): RunResult<S> {
  const scope = { ...model.scope, ...run.scope };
  const result = checkSpec(model.define(scope), run, options);
  return { model: model.name, scope: scope as ScopeRecord, ...result };
}

type SpecResult<S> = Omit<RunResult<S>, 'model' | 'scope'>;

export function checkSpec<S extends object>(
  spec: Spec<S>,
  run: Omit<Run, 'scope'> = {},
  options: CheckOptions = {},
): SpecResult<S> {
  const watch = options.watch ?? unwatched;
  const startMs = watch.nowMs();
  const expected = spec.refuted ?? [];
  const isEnough = (violated: ReadonlyMap<string, unknown>) =>
    [...violated.keys()].some((property) => !expected.includes(property));
  const { exploration, notChecked } = examine(spec, run, { ...options, isEnough });
  const violations = exploration.violations.filter(({ property }) => !expected.includes(property));
  const refuted = exploration.violations.filter(({ property }) => expected.includes(property));
  const unrefuted = expected.filter((name) => !refuted.some(({ property }) => property === name));
  const unreached = Object.keys(spec.sometimes ?? {}).filter(
    (name) => !exploration.witnesses.has(name),
  );
  const isAnswered = run.walks !== undefined || exploration.isComplete;
  const verdict =
    violations.length > 0 || (isAnswered && unrefuted.length > 0)
      ? 'violation'
      : isAnswered
        ? 'pass'
        : 'unknown';
  const seconds = (watch.nowMs() - startMs) / 1000;
  const method = methodOf(run);
  return {
    ...exploration,
    violations,
    verdict,
    method,
    seconds,
    refuted,
    unrefuted,
    unreached,
    notChecked,
  };
}

function methodOf({ symmetry, walks, ghosts }: Omit<Run, 'scope'>): string {
  if (walks !== undefined) {
    return `${walks.walks} walks of ${walks.steps} steps, seed ${walks.seed}`;
  }
  const states = symmetry === true ? 'all states up to symmetry' : 'all states';
  return ghosts === true ? `${states}, ghosts told apart` : states;
}

interface ExamineOptions extends CheckOptions {
  readonly isEnough: (violated: ReadonlyMap<string, unknown>) => boolean;
}

interface Examined<S> {
  readonly exploration: Exploration<S>;
  readonly notChecked: readonly string[];
}

function examine<S extends object>(
  spec: Spec<S>,
  run: Omit<Run, 'scope'>,
  options: ExamineOptions,
): Examined<S> {
  const notChecked: string[] = [];
  if (spec.terminal === undefined) notChecked.push('deadlock: no terminal states are declared');
  const beyond = [...Object.keys(spec.eventually ?? {}), ...refinementsOf(spec)];
  if (run.walks !== undefined) {
    for (const name of beyond) notChecked.push(`${name}: random walks do not decide it`);
    return { exploration: simulate(spec, run.walks, options), notChecked };
  }
  const isReduced = run.symmetry === true;
  if (isReduced) {
    const asymmetry = findAsymmetry(spec, prngStream('5eed', 'symmetry'));
    assert(asymmetry === undefined, 'symmetry is refused', { because: asymmetry });
    for (const name of beyond) notChecked.push(`${name}: not under symmetry`);
  }
  const { symmetry } = spec;
  const isLive = !isReduced && spec.eventually !== undefined;
  const liveness = isLive ? new LivenessCheck(spec) : undefined;
  const refinements = isReduced
    ? []
    : Object.entries(spec.refines ?? {}).map(([name, one]) => new RefinementCheck(name, one));
  const explorer = new Explorer(spec, {
    ...options,
    ghosts: run.ghosts === true,
    listeners: [...refinements, ...(liveness === undefined ? [] : [liveness])],
    ...(isReduced && symmetry !== undefined && !('refused' in symmetry)
      ? { canonical: canonicalBy(symmetry) }
      : {}),
  });
  const safety = explorer.run();
  if (liveness === undefined) return { exploration: safety, notChecked };
  if (!safety.isComplete) {
    for (const name of Object.keys(spec.eventually ?? {})) {
      notChecked.push(`${name}: not all states were seen`);
    }
    return { exploration: safety, notChecked };
  }
  const lassos = [...liveness.lassos((state) => explorer.pathTo(state))];
  const violations = lassos.map((lasso) => ({
    property: lasso.property,
    trace: traceOf(lasso, explorer, liveness),
  }));
  return {
    exploration: { ...safety, violations: [...safety.violations, ...violations] },
    notChecked,
  };
}

function refinementsOf<S>(spec: Spec<S>): string[] {
  return Object.keys(spec.refines ?? {}).map((name) => `refines ${name}`);
}

function traceOf<S extends object>(
  { stem, cycle }: Lasso,
  explorer: Explorer<S>,
  liveness: LivenessCheck<S>,
): Trace<S> {
  const path = [...stem, ...cycle.map(({ state }) => state)];
  const trace = explorer.traceTo(path, (at, action, params) => {
    const label = cycle[at - (stem.length - 1)]?.label;
    return label === undefined || liveness.labelOf(action, params) === label;
  });
  return { ...trace, loopsTo: stem.length - 1 };
}

export interface MutantResult<S = object> {
  readonly name: string;
  readonly about: string;
  readonly isKilled: boolean;
  /** Every property that it violated, with the shortest counterexample found. */
  readonly kills: readonly Violation<S>[];
  /** Properties that should have been violated and were not. */
  readonly missing: readonly string[];
  readonly scope: ScopeRecord;
  readonly method: string;
  readonly states: number;
  readonly seconds: number;
}

/** Runs one mutant until every property that must kill it has. */
export function checkMutant<Scope, S extends object>(
  model: Model<Scope, S>,
  name: string,
  options: CheckOptions = {},
): MutantResult<S> {
  const watch = options.watch ?? unwatched;
  const startMs = watch.nowMs();
  const base = { ...model.scope, ...model.runs.everyday[0]?.scope };
  const declared = model.define(base).mutants?.[name] as Mutant<S> | undefined;
  assert(declared !== undefined, 'there is no such mutant', { name });
  const scope = { ...base, ...declared.scope };
  const spec = model.define(scope);
  const mutant = spec.mutants?.[name] as Mutant<S>;
  const killers = [mutant.killedBy].flat() as string[];
  const run = mutant.walks === undefined ? {} : { walks: mutant.walks };
  const mutated = keepOnly(mutate(spec, name), killers);
  const { exploration } = examine(mutated, run, {
    ...options,
    isEnough: (violated) => killers.every((property) => violated.has(property)),
  });
  const kills = exploration.violations;
  const missing = killers.filter((killer) => !kills.some(({ property }) => property === killer));
  return {
    name,
    about: mutant.about,
    isKilled: missing.length === 0,
    kills,
    missing,
    scope: scope as ScopeRecord,
    method: methodOf(run),
    states: exploration.distinct,
    seconds: (watch.nowMs() - startMs) / 1000,
  };
}

/** Liveness and refinement cost much: only those that must kill are kept. */
function keepOnly<S>(spec: Spec<S>, killers: readonly string[]): Spec<S> {
  const { eventually = {}, refines = {}, ...rest } = spec;
  const live = Object.entries(eventually).filter(([name]) => killers.includes(name));
  const refined = Object.entries(refines).filter(([name]) => killers.includes(`refines ${name}`));
  return {
    ...rest,
    ...(live.length === 0 ? {} : { eventually: Object.fromEntries(live) }),
    ...(refined.length === 0 ? {} : { refines: Object.fromEntries(refined) }),
  };
}

export interface ModelResult<S = object> {
  readonly model: string;
  readonly verdict: Verdict;
  readonly runs: readonly RunResult<S>[];
  readonly mutants: readonly MutantResult<S>[];
  readonly coverage: readonly ActionCoverage[];
  /** What no everyday run did: actions, guards, `sometimes`. */
  readonly notExercised: readonly string[];
  readonly seconds: number;
}

/** The everyday runs, or another list of runs, and the mutants. */
export function checkModel<Scope, S extends object>(
  model: Model<Scope, S>,
  options: CheckOptions = {},
  list = 'everyday',
): ModelResult<S> {
  const runs = runsOf(model, list).map((run) => check(model, run, options));
  const mutants = mutantsOf(model).map((mutant) => checkMutant(model, mutant, options));
  return assess(model.name, runs, mutants);
}

/** One verdict from all that was tried. */
export function assess<S extends object>(
  model: string,
  runs: readonly RunResult<S>[],
  mutants: readonly MutantResult<S>[],
): ModelResult<S> {
  const coverage = mergeCoverage(runs.map((run) => run.coverage));
  const notExercised = [...gapsIn(coverage), ...unreachedInAll(runs)];
  const isVacuous = notExercised.length > 0 || mutants.some(({ isKilled }) => !isKilled);
  const verdicts = runs.map(({ verdict }) => verdict);
  const verdict = verdicts.includes('violation')
    ? 'violation'
    : isVacuous
      ? 'not-exercised'
      : verdicts.includes('unknown')
        ? 'unknown'
        : 'pass';
  const seconds = [...runs, ...mutants].reduce((sum, { seconds: own }) => sum + own, 0);
  return { model, verdict, runs, mutants, coverage, notExercised, seconds };
}

export function runsOf<Scope, S>(model: Model<Scope, S>, list: string): readonly Run<Scope>[] {
  const runs = model.runs[list];
  assert(runs !== undefined, 'the model has no such list of runs', { model: model.name, list });
  return runs;
}

export function mutantsOf<Scope, S>(model: Model<Scope, S>): readonly string[] {
  const scope = { ...model.scope, ...model.runs.everyday[0]?.scope };
  return Object.keys(model.define(scope).mutants ?? {});
}

function unreachedInAll<S>(runs: readonly RunResult<S>[]): string[] {
  const [first] = runs;
  return (first?.unreached ?? [])
    .filter((name) => runs.every(({ unreached }) => unreached.includes(name)))
    .map((name) => `never seen: ${name}`);
}

/** Actions that never fired, and guards that were never false. */
export function gapsIn(coverage: readonly ActionCoverage[]): string[] {
  return coverage.flatMap(({ name, firedTimes, guards }) => [
    ...(firedTimes === 0 ? [`never fired: ${name}`] : []),
    ...guards
      .filter(({ falseTimes }) => falseTimes === 0)
      .map(({ label }) => `never false: ${name}, ${label}`),
  ]);
}

function mergeCoverage(all: readonly (readonly ActionCoverage[])[]): ActionCoverage[] {
  const [first = [], ...others] = all;
  return first.map((action, index) => {
    const same = [action, ...others.map((coverage) => coverage[index] as ActionCoverage)];
    const sum = (of: (one: ActionCoverage) => number) => same.reduce((a, one) => a + of(one), 0);
    return {
      name: action.name,
      firedTimes: sum((one) => one.firedTimes),
      newStates: sum((one) => one.newStates),
      guards: action.guards.map(({ label }, at) => ({
        label,
        falseTimes: sum((one) => one.guards[at]?.falseTimes ?? 0),
      })),
    };
  });
}
