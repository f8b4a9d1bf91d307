/** `umpire spec`: checks models, all of them or one, and shows the shortest way to anything wrong. */
import {
  assess,
  type Model,
  type ModelResult,
  type MutantResult,
  mutantsOf,
  type Progress,
  type RunResult,
  runsOf,
} from '../../spec/index.ts';
import { ExitCode } from '../harness/index.ts';
import { specFile } from './engine-bundle.ts';
import { EnvironmentError } from './errors.ts';
import { cores, type Shell } from './shell.ts';
import { exploreModel } from './spec-explorer.ts';
import { runSpecTasks, type SpecAnswer } from './spec-pool.ts';
import { parseSpecRequest, type SpecOptions, type SpecRequest } from './spec-request.ts';
import type { SpecTask } from './spec-task.ts';
import { modelJson, renderModel, renderOne, runJson, showScope } from './spec-text.ts';
import { exitCodeOf, worstVerdict } from './verdicts.ts';

export async function specCommand(
  name: string | undefined,
  options: SpecOptions,
  shell: Shell,
): Promise<number> {
  const request = parseSpecRequest(name, options);
  if (request.type === 'explore') return exploreModel(request.model, request.scope);
  return request.type === 'one' ? checkOne(request, shell) : checkList(request, shell);
}

async function checkOne(
  { model, run, maxStates }: Extract<SpecRequest, { type: 'one' }>,
  shell: Shell,
): Promise<number> {
  const limit = maxStates === undefined ? {} : { maxStates };
  const task: SpecTask = { type: 'run', model: model.name, run, ...limit };
  const [answer] = await answersTo([task], shell);
  if (answer === undefined) return ExitCode.interrupted;
  const result = (answer as Extract<SpecAnswer, { type: 'ran' }>).result;
  for (const line of renderOne(model, result)) shell.print(line);
  shell.printJson(runJson(model, result));
  return exitCodeOf(result.verdict);
}

async function checkList(
  { models, list }: Extract<SpecRequest, { type: 'list' }>,
  shell: Shell,
): Promise<number> {
  const startMs = performance.now();
  const pending = new Map(models.map((model) => [model.name, new Pending(model, list)]));
  const tasks = [...pending.values()].flatMap((one) => one.tasks);
  const results = new Map<string, ModelResult>();
  const isWhole = models.length === 1;
  await answersTo(tasks, shell, (task, answer) => {
    const one = pending.get(task.model) as Pending;
    const result = one.take(task, answer);
    if (result === undefined) return;
    results.set(task.model, result);
    shell.progress.line(`${task.model}: ${result.verdict}`);
  });
  const seconds = (performance.now() - startMs) / 1000;
  const verdict = worstVerdict([...results.values()].map((result) => result.verdict));
  const isInterrupted = results.size < models.length;
  for (const model of models) {
    const result = results.get(model.name);
    if (result === undefined) continue;
    for (const line of renderModel(model, result, isWhole)) shell.print(line);
  }
  summarize(models, results, seconds, shell);
  shell.printJson({
    verdict: isInterrupted ? 'unknown' : verdict,
    seconds,
    models: models.flatMap((model) => {
      const result = results.get(model.name);
      return result === undefined ? [] : [modelJson(model, result)];
    }),
  });
  return isInterrupted ? ExitCode.interrupted : exitCodeOf(verdict);
}

/** What has come in of one model. */
class Pending {
  readonly model: Model;
  readonly tasks: readonly SpecTask[];
  readonly #answers = new Map<SpecTask, SpecAnswer>();

  constructor(model: Model, list: string) {
    this.model = model;
    const { name } = model;
    this.tasks = [
      ...runsOf(model, list).map((run): SpecTask => ({ type: 'run', model: name, run })),
      ...mutantsOf(model).map((mutant): SpecTask => ({ type: 'mutant', model: name, mutant })),
    ];
  }

  /** The result, once the last answer is in. */
  take(task: SpecTask, answer: SpecAnswer): ModelResult | undefined {
    this.#answers.set(task, answer);
    if (this.#answers.size < this.tasks.length) return undefined;
    const runs: RunResult[] = [];
    const mutants: MutantResult[] = [];
    for (const wanted of this.tasks) {
      const found = this.#answers.get(wanted);
      if (found?.type === 'ran') runs.push(found.result);
      if (found?.type === 'tried') mutants.push(found.result);
    }
    return assess(this.model.name, runs, mutants);
  }
}

function summarize(
  models: readonly Model[],
  results: ReadonlyMap<string, ModelResult>,
  seconds: number,
  shell: Shell,
): void {
  const width = Math.max(...models.map(({ name }) => name.length));
  for (const { name } of models) {
    const result = results.get(name);
    if (result === undefined) {
      shell.print(`${name.padEnd(width)}  interrupted`);
      continue;
    }
    const states = result.runs.reduce((sum, run) => sum + run.distinct, 0);
    const depth = Math.max(...result.runs.map((run) => run.depth));
    const killed = result.mutants.filter(({ isKilled }) => isKilled).length;
    shell.print(
      `${name.padEnd(width)}  ${String(states).padStart(9)} states  depth ${String(depth).padStart(3)}  ` +
        `${result.seconds.toFixed(1).padStart(6)} s  ` +
        `${killed}/${result.mutants.length} mutants killed  ${result.verdict}`,
    );
  }
  shell.print(`${results.size} of ${models.length} models in ${seconds.toFixed(1)} s`);
}

/** Answers in the order of the tasks, as far as there was time; large tasks should come first. */
async function answersTo(
  tasks: readonly SpecTask[],
  shell: Shell,
  answered: (task: SpecTask, answer: SpecAnswer) => void = () => {},
): Promise<SpecAnswer[]> {
  const answers = new Map<SpecTask, SpecAnswer>();
  await runSpecTasks(tasks, {
    file: await specFile(),
    size: cores,
    signal: shell.signal,
    progress: (task, progress, done) => {
      shell.progress.update(
        `${done}/${tasks.length}  ${describe(task)}: ${showProgress(progress)}`,
      );
    },
    answered: (task, answer) => {
      if (answer.type === 'failed') throw brokenModel(task, answer.reason);
      answers.set(task, answer);
      answered(task, answer);
    },
  });
  shell.progress.done();
  return tasks.flatMap((task) => answers.get(task) ?? []);
}

function describe(task: SpecTask): string {
  return task.type === 'mutant'
    ? `${task.model}, ${task.mutant}`
    : `${task.model} ${showScope((task.run.scope ?? {}) as Record<string, number>)}`.trim();
}

function showProgress({ states, depth, queue, statesPerSecond }: Progress): string {
  return `${states} states, depth ${depth}, queue ${queue}, ${statesPerSecond}/s`;
}

function brokenModel(task: SpecTask, reason: string): EnvironmentError {
  return new EnvironmentError({
    code: 'broken-model',
    what: `${describe(task)} cannot be checked.`,
    why: reason,
  });
}
