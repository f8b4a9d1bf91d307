/** Results of model checks as text for people and as JSON for scripts. */
import {
  explainTrace,
  gapsIn,
  type Model,
  type ModelResult,
  type MutantResult,
  mutate,
  type RunResult,
  renderTrace,
  type ScopeRecord,
  type Spec,
  type Trace,
  type Violation,
} from '../../spec/index.ts';

const count = (value: number): string => value.toLocaleString('en-US').replaceAll(',', ' ');

export const showScope = (scope: ScopeRecord): string =>
  Object.entries(scope)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');

/** A violation as the spec that it was found in explains it. */
function renderViolation(spec: Spec<object>, violation: Violation, head: string): string[] {
  const reason = violation.detail === undefined ? '' : `: ${violation.detail}`;
  const steps = violation.trace.steps.length;
  return [
    `  ${head} ${violation.property}${reason} (${steps} steps)`,
    ...indent(renderTrace(spec, violation.trace)),
  ];
}

const indent = (text: string): string[] => text.split('\n').map((line) => `    ${line}`.trimEnd());

export function renderRun(model: Model, run: RunResult): string[] {
  const spec = model.define(run.scope);
  const rate = run.seconds > 0 ? `, ${count(Math.round(run.distinct / run.seconds))}/s` : '';
  return [
    `  ${showScope(run.scope)}; ${run.method}`,
    `    ${count(run.distinct)} states, ${count(run.generated)} steps, depth ${run.depth}, ` +
      `${run.seconds.toFixed(1)} s${rate}: ${run.verdict}`,
    ...(run.ghostJoins === 0
      ? []
      : [`    ${count(run.ghostJoins)} times a state came again with other ghosts`]),
    ...run.notChecked.map((sentence) => `    not checked: ${sentence}`),
    ...run.unrefuted.map((name) => `    holds and should not: ${name}`),
    ...run.violations.flatMap((violation) => renderViolation(spec, violation, 'violated:')),
  ];
}

/** What was refuted as expected, and the shortest ways to what must be possible. */
function renderFindings(model: Model, run: RunResult): string[] {
  const spec = model.define(run.scope);
  return [
    ...run.refuted.flatMap((violation) =>
      renderViolation(spec, violation, 'refuted as it must be:'),
    ),
    ...[...run.witnesses].map(
      ([name, { steps }]) => `    seen: ${name} (after ${steps.length} steps)`,
    ),
  ];
}

export function renderCoverage({ coverage }: Pick<ModelResult, 'coverage'>): string[] {
  const width = Math.max(0, ...coverage.map(({ name }) => name.length));
  return coverage.flatMap(({ name, firedTimes, newStates, guards }) => [
    `    ${name.padEnd(width)}  fired ${count(firedTimes)}, new states ${count(newStates)}`,
    ...guards.map(({ label, falseTimes }) => `      false ${count(falseTimes)}: ${label}`),
  ]);
}

function renderMutant({ name, about, kills, missing, states, seconds }: MutantResult): string[] {
  const killers = kills.map(({ property, trace }) => `${property} (${trace.steps.length})`);
  const fate = missing.length === 0 ? 'killed by' : 'SURVIVES';
  return [
    `    ${name}: ${about}`,
    `      ${fate} ${killers.join(', ')} [${count(states)} states, ${seconds.toFixed(1)} s]`,
    ...missing.map((property) => `      not violated: ${property}`),
  ];
}

export function renderModel(model: Model, result: ModelResult, isWhole: boolean): string[] {
  return [
    `${model.name}  ${model.about}`,
    ...result.runs.flatMap((run) => [
      ...renderRun(model, run),
      ...(isWhole ? renderFindings(model, run) : []),
    ]),
    ...(isWhole ? ['  actions and guards', ...renderCoverage(result)] : [coverageLine(result)]),
    ...(result.mutants.length === 0
      ? []
      : ['  mutants, by what they are killed, in how many steps']),
    ...result.mutants.flatMap(renderMutant),
    ...result.notExercised.map((gap) => `  ${gap}`),
    `  ${result.verdict}`,
    '',
  ];
}

function coverageLine({ coverage, notExercised }: ModelResult): string {
  const guards = coverage.reduce((sum, action) => sum + action.guards.length, 0);
  const gaps = notExercised.length === 0 ? 'all exercised' : `${notExercised.length} not exercised`;
  return `  ${coverage.length} actions, ${guards} guards: ${gaps}`;
}

export function renderOne(model: Model, run: RunResult): string[] {
  return [
    `${model.name}  ${model.about}`,
    ...renderRun(model, run),
    ...renderFindings(model, run),
    ...renderCoverage(run),
    ...notExercisedBy(run).map((gap) => `  ${gap}`),
    `  ${run.verdict}`,
  ];
}

/** A small scope need not exercise all; the everyday runs together must. */
function notExercisedBy(run: RunResult): string[] {
  return [...gapsIn(run.coverage), ...run.unreached.map((name) => `never seen: ${name}`)];
}

export function runJson(model: Model, run: RunResult): object {
  const spec = model.define(run.scope);
  return {
    model: model.name,
    scope: run.scope,
    method: run.method,
    distinct: run.distinct,
    generated: run.generated,
    depth: run.depth,
    verdict: run.verdict,
    seconds: run.seconds,
    isComplete: run.isComplete,
    violations: run.violations.map((violation) => violationJson(spec, violation)),
    refuted: run.refuted.map((violation) => violationJson(spec, violation)),
    unrefuted: run.unrefuted,
    witnesses: Object.fromEntries(
      [...run.witnesses].map(([name, { steps }]) => [name, steps.length]),
    ),
    coverage: run.coverage,
    notExercised: notExercisedBy(run),
    notChecked: run.notChecked,
    ghostJoins: run.ghostJoins,
  };
}

function violationJson(spec: Spec<object>, { property, detail, trace }: Violation): object {
  return { property, detail: detail ?? null, ...explainTrace(spec, trace as Trace) };
}

export function modelJson(model: Model, result: ModelResult): object {
  const largest = result.runs.reduce<RunResult | undefined>(
    (most, run) => (most === undefined || run.distinct > most.distinct ? run : most),
    undefined,
  );
  return {
    model: model.name,
    verdict: result.verdict,
    seconds: result.seconds,
    distinct: largest?.distinct ?? 0,
    depth: largest?.depth ?? 0,
    runs: result.runs.map((run) => runJson(model, run)),
    coverage: result.coverage,
    notExercised: result.notExercised,
    mutants: result.mutants.map((mutant) => mutantJson(model, mutant)),
  };
}

function mutantJson(model: Model, mutant: MutantResult): object {
  const spec = mutate(model.define(mutant.scope), mutant.name);
  return {
    name: mutant.name,
    about: mutant.about,
    isKilled: mutant.isKilled,
    scope: mutant.scope,
    method: mutant.method,
    states: mutant.states,
    seconds: mutant.seconds,
    missing: mutant.missing,
    kills: mutant.kills.map((violation) => violationJson(spec, violation)),
  };
}
