/** The questions that claims ask of models, each answered yes, no, or not at all. */
import type { Violation } from '../kernel/explore.ts';
import type { Model, Predicate, ScopeRecord, Spec, Step } from '../kernel/model.ts';
import type { Check } from './claim.ts';
import { type Finding, showTrace } from './finding.ts';
import { behavioursOf, focusOn, type Lab, type LabRun } from './lab.ts';

type Scope = Readonly<Record<string, number | string | boolean>>;

/** Does a property hold in all reachable states? No: with its shortest counterexample. */
export function holds(model: string, property: string, scope: Scope = {}): Check {
  const name = `${model}: ${property}`;
  return {
    name,
    run: (lab) => ask(lab, name, model, scope, property, (run) => holdsIn(name, run, property)),
  };
}

function holdsIn(name: string, run: LabRun, property: string): Finding {
  const violation = violationOf(run, property);
  if (violation !== undefined) return brokenBy(name, run, violation, 'no');
  if (!run.result.isComplete) return open(name, run);
  const detail = `no counterexample in ${formatCount(run.result.distinct)} states`;
  return { ...headOf(name, run), answer: 'yes', detail };
}

/** Is there a behaviour that violates a property? Yes: with the behaviour. */
export function breaks(model: string, property: string, scope: Scope = {}): Check {
  const name = `${model}: a behaviour without “${property}”`;
  return {
    name,
    run: (lab) =>
      ask(lab, name, model, scope, property, (run) => {
        const violation = violationOf(run, property);
        if (violation !== undefined) return brokenBy(name, run, violation, 'yes');
        if (!run.result.isComplete) return open(name, run);
        const detail = `none in ${formatCount(run.result.distinct)} states`;
        return { ...headOf(name, run), answer: 'no', detail };
      }),
  };
}

/** Can a state be reached? Yes: with the shortest way. */
export function reaches(model: string, sometimes: string, scope: Scope = {}): Check {
  const name = `${model}: ${sometimes}`;
  return {
    name,
    run: (lab) =>
      ask(lab, name, model, scope, sometimes, (run) => {
        const trace = run.result.witnesses.get(sometimes);
        if (trace === undefined) {
          if (!run.result.isComplete) return open(name, run);
          return { ...headOf(name, run), answer: 'no', detail: 'never reached' };
        }
        return {
          ...headOf(name, run),
          answer: 'yes',
          detail: `reached in ${steps(trace.steps.length)}`,
          trace: showTrace(run.spec, trace, `${model}: ${sometimes}`),
        };
      }),
  };
}

/** Is a state never reached? No: with the shortest way to it. */
export function never(model: string, sometimes: string, scope: Scope = {}): Check {
  const reached = reaches(model, sometimes, scope);
  const name = `${model}: never ${sometimes}`;
  return { name, run: (lab) => opposite({ ...reached.run(lab), check: name }) };
}

/** Does a property survive a change of the rules? No: with what then goes wrong. */
export function survives(model: string, mutant: string, property: string): Check {
  const name = `${model} with “${mutant}”: ${property}`;
  return { name, run: (lab) => askMutant(lab, name, model, mutant, property) };
}

/** Does a property rest on a rule? Yes: with what goes wrong without it. */
export function restsOn(model: string, mutant: string, property: string): Check {
  const name = `${model} with “${mutant}”: no longer ${property}`;
  return { name, run: (lab) => opposite(askMutant(lab, name, model, mutant, property)) };
}

function opposite(finding: Finding): Finding {
  const { answer } = finding;
  return { ...finding, answer: answer === 'yes' ? 'no' : answer === 'no' ? 'yes' : answer };
}

function askMutant(
  lab: Lab,
  name: string,
  model: string,
  mutant: string,
  property: string,
): Finding {
  const family = lab.model(model);
  if (family === undefined) return missing(name, `no model is called ${model}`);
  const declared = family.define(everydayScope(family)).mutants?.[mutant];
  if (declared === undefined) return missing(name, `${model} has no mutant ${mutant}`);
  const run = lab.runMutant(family, mutant, property);
  const kill = violationOf(run, property);
  if (kill === undefined) return holdsIn(name, run, property);
  const finding = brokenBy(name, run, kill, 'no');
  const title = `${model}, ${declared.about}: ${property} is violated`;
  return { ...finding, ...(finding.trace && { trace: { ...finding.trace, title } }) };
}

/** A property that is not the model's own; it is asked of the model's behaviours alone. */
export interface Observation<S> {
  readonly always?: Predicate<S>;
  readonly onStep?: (step: Step<S>) => boolean;
}

/** Does a property of a model survive other rules, which the claim brings along? */
export function survivesRules<S extends object>(
  model: string,
  rules: string,
  change: (spec: Spec<S>) => Spec<S>,
  property: string,
): Check {
  const name = `${model}, where ${rules}: ${property}`;
  return {
    name,
    run: (lab) => {
      const family = lab.model(model);
      if (family === undefined) return missing(name, `no model is called ${model}`);
      if (!isDeclared(family, {}, property)) {
        return missing(name, `${model} does not say ${property}`);
      }
      const scope = everydayScope(family);
      const run = lab.runSpec(name, model, scope, () => {
        const spec = lab.mutated(model, family.define(scope)) as Spec<S>;
        return focusOn(change(spec), property) as Spec<object>;
      });
      const finding = holdsIn(name, run, property);
      const title = `${model}, where ${rules}: ${property} is violated`;
      return { ...finding, ...(finding.trace && { trace: { ...finding.trace, title } }) };
    },
  };
}

/** Does what a claim says of a model's states or steps hold? No: with its counterexample. */
export function observed<S extends object>(
  model: string,
  property: string,
  { always, onStep }: Observation<S>,
  scope: Scope = {},
): Check {
  const name = `${model}: ${property}`;
  return {
    name,
    run: (lab) => {
      const family = lab.model(model);
      if (family === undefined) return missing(name, `no model is called ${model}`);
      const full = { ...family.scope, ...scope };
      const key = `${model} ${property} ${JSON.stringify(full)}`;
      const run = lab.runSpec(key, model, full, () => ({
        ...behavioursOf(lab.mutated(model, family.define(full))),
        ...(always && { always: { [property]: (s: object) => always(s as S) } }),
        ...(onStep && {
          onStep: { [property]: (step: Step<object>) => onStep(step as Step<S>) },
        }),
      }));
      return holdsIn(name, run, property);
    },
  };
}

export interface Enumerated {
  readonly isTrue: boolean;
  /** Cases that were looked at. */
  readonly looked: number;
  readonly detail: string;
}

/** Enumerations that need no states: arithmetic over sets of servers, a survey of policies. */
export function enumerated(name: string, scope: string, run: (lab: Lab) => Enumerated): Check {
  return {
    name,
    run: (lab) => {
      const { isTrue, looked, detail } = run(lab);
      return { check: name, answer: isTrue ? 'yes' : 'no', scope, looked, detail };
    },
  };
}

export function formatScope(scope: ScopeRecord): string {
  return Object.entries(scope)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
}

/** 1234567 → 1,234,567 */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

function ask(
  lab: Lab,
  name: string,
  model: string,
  scope: Scope,
  asked: string,
  answer: (run: LabRun) => Finding,
): Finding {
  const family = lab.model(model);
  if (family === undefined) return missing(name, `no model is called ${model}`);
  if (!isDeclared(family, scope, asked)) return missing(name, `${model} does not say ${asked}`);
  return answer(lab.run(family, scope));
}

/** A misspelt property would hold for ever. */
function isDeclared(family: Model, scope: Scope, asked: string): boolean {
  const spec = family.define({ ...family.scope, ...scope });
  const { always, onStep, sometimes, eventually } = spec;
  const refinements = Object.keys(spec.refines ?? {}).map((one) => `refines ${one}`);
  return (
    [always, onStep, sometimes, eventually].some((group) => asked in (group ?? {})) ||
    ['possible', 'deadlock', ...refinements].includes(asked)
  );
}

function everydayScope(family: Model): ScopeRecord {
  return { ...family.scope, ...family.runs.everyday[0]?.scope } as ScopeRecord;
}

function violationOf({ result }: LabRun, property: string): Violation | undefined {
  return [...result.violations, ...result.refuted].find((one) => one.property === property);
}

function headOf(check: string, { result }: LabRun): Pick<Finding, 'check' | 'scope' | 'looked'> {
  return {
    check,
    scope: `${result.model} ${formatScope(result.scope)}; ${result.method}`,
    looked: result.distinct,
  };
}

function brokenBy(
  name: string,
  run: LabRun,
  { property, trace, detail }: Violation,
  answer: 'yes' | 'no',
): Finding {
  const loop = trace.loopsTo === undefined ? '' : ', the last of them for ever';
  const why = detail === undefined ? '' : `: ${detail}`;
  return {
    ...headOf(name, run),
    answer,
    detail: `violated in ${steps(trace.steps.length)}${loop}${why}`,
    trace: showTrace(run.spec, trace, `${run.result.model}: ${property} is violated`),
  };
}

function open(name: string, run: LabRun): Finding {
  const why = run.result.violations.map(({ property }) => property).join(', ');
  return {
    ...headOf(name, run),
    answer: 'unknown',
    detail: why === '' ? 'the search was not finished' : `the model is broken: ${why}`,
  };
}

function missing(check: string, detail: string): Finding {
  return { check, answer: 'missing', scope: '', looked: 0, detail };
}

const steps = (count: number): string => (count === 1 ? '1 step' : `${count} steps`);
