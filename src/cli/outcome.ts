/** From finished runs to files, a verdict on the terminal, the JSON line and the exit code. */

import {
  ExitCode,
  type Goal,
  type Plan,
  RESULT_VERSION,
  type Recording,
  RunDirectory,
  type RunResult,
  type Verdict,
} from '../harness/index.ts';
import { type PortfolioReportInput, writePortfolioReports } from '../report/index.ts';
import { tellGitHub } from './github.ts';
import type { CheckedItem } from './self-check.ts';
import { describeEnvironment, type Shell, shownPath } from './shell.ts';
import { reportInput, saveRun } from './stored-run.ts';
import { exitCodeOf, worstVerdict } from './verdicts.ts';

export interface FinishedRun {
  readonly plan: Plan;
  readonly result: RunResult;
  readonly recording: Recording;
}

export interface Summary {
  readonly verdict: Verdict;
  readonly sentence: string;
  readonly reasons: readonly string[];
  readonly seed: string;
  readonly planHash: string | null;
  readonly traceHash: string | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly exitCode: number;
  readonly paths: Readonly<Record<string, string>>;
  /** What to do next, a command a line. */
  readonly next: readonly string[];
}

export function countsOf(results: readonly RunResult[]): Record<string, number> {
  const counts = { runs: results.length, ok: 0, fail: 0, info: 0, faults: 0, faultsVerified: 0 };
  for (const { counts: kinds, faults } of results) {
    for (const { ok, fail, info } of Object.values(kinds)) {
      counts.ok += ok;
      counts.fail += fail;
      counts.info += info;
    }
    counts.faults += faults.length;
    counts.faultsVerified += faults.filter(({ verified }) => verified !== undefined).length;
  }
  return { ...counts, operations: counts.ok + counts.fail + counts.info };
}

/** Commands that run it again, by the place where it was saved. */
export function replayCommands(path: string, plan: Plan, result: RunResult): string[] {
  const shown = shownPath(path);
  const commands = [`npm run replay -- ${shown}`];
  if (result.world === 'simulation') {
    if (result.verdict === 'violation') commands.push(`npm run shrink -- ${shown}`);
    commands.push(`npm run replay -- ${shown} --world process --times 10`);
  }
  if (plan.zoo === undefined) commands.push(`npm run check -- ${shown}`);
  return commands;
}

/** Saves one run with its commands and environment in it; returns the result as saved. */
export function saveFinished(directory: RunDirectory, run: FinishedRun): RunResult {
  const result: RunResult = {
    ...run.result,
    replay: replayCommands(directory.path, run.plan, run.result),
    environment: { ...describeEnvironment(), ...run.result.environment },
  };
  saveRun(directory, run.plan, result, run.recording);
  return result;
}

export function summarizeRun(
  directory: RunDirectory,
  run: FinishedRun,
  isInterrupted: boolean,
): Summary {
  const result = saveFinished(directory, run);
  return {
    verdict: result.verdict,
    sentence: result.sentence,
    reasons: result.reasons,
    seed: result.seed,
    planHash: result.planHash,
    traceHash: result.traceHash,
    counts: countsOf([result]),
    exitCode: isInterrupted ? ExitCode.interrupted : exitCodeOf(result.verdict),
    paths: pathsOf(directory, { plan: 'plan.json', history: 'history.ndjson' }),
    next: result.replay,
  };
}

function pathsOf(
  directory: RunDirectory,
  more: Readonly<Record<string, string>>,
): Record<string, string> {
  const names = { report: 'report.html', result: 'result.json', junit: 'junit.xml', ...more };
  const files = Object.entries(names).map(([name, file]) => [
    name,
    shownPath(directory.file(file)),
  ]);
  return { directory: shownPath(directory.path), ...Object.fromEntries(files) };
}

export interface ManyRuns {
  readonly name: string;
  readonly seed: string;
  readonly commit: string | null;
  readonly startedMs: number;
  readonly results: readonly RunResult[];
  /** Those whose recording is at hand. */
  readonly kept: readonly FinishedRun[];
  readonly selfCheck: readonly CheckedItem[];
  readonly goals: readonly Goal[];
  readonly notInjected: Readonly<Record<string, string>>;
  /** Plans whose two runs gave two traces. */
  readonly nondeterministic: readonly Plan[];
  /** One seed gave two traces, in these plans or in the self-check. */
  readonly isNondeterministic: boolean;
  /** What else speaks against a pass, with the verdict that it leads to. */
  readonly doubts: readonly (readonly [Verdict, string])[];
  readonly isInterrupted: boolean;
  /** Commands to go on with. */
  readonly again: readonly string[];
}

export function summarizeMany(directory: RunDirectory, many: ManyRuns): Summary {
  const { results, selfCheck, goals } = many;
  const findings = findingsOf(many);
  const verdict = worstVerdict([...findings.map(([found]) => found), 'pass']);
  const reasons = findings.filter(([found]) => found === verdict).map(([, reason]) => reason);
  const others = findings.filter(([found]) => found !== verdict).map(([, reason]) => reason);
  const counts = countsOf(results);
  const sentence =
    verdict === 'pass'
      ? `Nothing wrong in ${counts.runs} runs and ${counts.operations} operations; ` +
        `${counts.faultsVerified} faults verified${goalsPart(goals)}.`
      : (reasons[0] ?? '');
  const saved = saveKept(directory, many);
  // Of passes the last one, which is the one on real processes where there is one.
  const telling = saved.find(({ run }) => run.result.verdict === verdict);
  const focus = verdict === 'pass' ? saved.at(-1) : (telling ?? saved.at(-1));
  const links = new Map(saved.map(({ run, path }) => [run.result.planHash, path] as const));
  const next = [
    ...(focus === undefined || verdict === 'pass' ? [] : focus.result.replay),
    ...many.again,
  ];
  const input: PortfolioReportInput = {
    name: many.name,
    verdict,
    sentence,
    reasons: verdict === 'pass' ? notesOf(many) : [...reasons.slice(1), ...others],
    date: new Date(many.startedMs).toISOString(),
    durationMs: Date.now() - many.startedMs,
    commit: many.commit,
    seed: many.seed,
    selfCheck,
    rows: results.map((result) => {
      const path = links.get(result.planHash);
      return path === undefined ? { result } : { result, link: `${path}/report.html` };
    }),
    goals,
    notInjected: many.notInjected,
    replay: next,
    environment: describeEnvironment(),
    ...(focus === undefined
      ? {}
      : { focus: reportInput(focus.run.plan, focus.result, focus.run.recording) }),
  };
  writePortfolioReports(directory.path, input);
  const { focus: _, rows, ...rest } = input;
  const listed = rows.map(({ result, link }) => ({ ...shortResult(result), link: link ?? null }));
  const stored = {
    v: RESULT_VERSION,
    ...rest,
    counts,
    selfCheck: selfCheck.map(({ name, passed, text }) => ({ name, passed, text })),
    focus: focus?.path ?? null,
    runs: listed,
  };
  directory.write('result.json', `${JSON.stringify(stored, null, 1)}\n`);
  const exitCode = many.isInterrupted
    ? ExitCode.interrupted
    : exitCodeOf(verdict, many.isNondeterministic);
  return {
    verdict,
    sentence,
    reasons: input.reasons,
    seed: many.seed,
    planHash: null,
    traceHash: null,
    counts,
    exitCode,
    paths: pathsOf(directory, focus === undefined ? {} : { plan: `${focus.path}/plan.json` }),
    next,
  };
}

function goalsPart(goals: readonly Goal[]): string {
  if (goals.length === 0) return '';
  return `, ${goals.filter(({ count }) => count > 0).length} of ${goals.length} goals reached`;
}

function shortResult(result: RunResult): Record<string, unknown> {
  const { name, verdict, sentence, world, workload, nemesis, nodes, seed } = result;
  const { planHash, traceHash, durationMs } = result;
  return {
    ...{ name, verdict, sentence, world, workload, nemesis, nodes, seed },
    ...{ planHash, traceHash, durationMs },
  };
}

/** Everything that keeps it from being a pass. */
function findingsOf(many: ManyRuns): [Verdict, string][] {
  const findings: [Verdict, string][] = [];
  const reached = goalsReached(many.results);
  for (const result of many.results) {
    if (result.verdict === 'pass' || isMadeUpFor(result, reached)) continue;
    const faults = result.nemesis.join(', ');
    findings.push([
      result.verdict,
      `${result.sentence} (${result.workload} under ${faults}, ${result.world}, seed ${result.seed})`,
    ]);
  }
  for (const item of many.selfCheck) {
    if (item.passed) continue;
    // Two traces have an exit code of their own, which tells more than this verdict.
    const verdict = item.isAboutTraces ? 'not-exercised' : 'harness-error';
    findings.push([verdict, `Self-check ${item.name}: ${item.text}.`]);
  }
  for (const plan of many.nondeterministic) {
    findings.push(['not-exercised', `Seed ${plan.seed} gave two different traces.`]);
  }
  for (const [verdict, reason] of many.doubts) findings.push([verdict, reason]);
  const missed = many.goals.filter(({ count, isOwed }) => isOwed && count === 0);
  if (missed.length > 0 && !many.isInterrupted) {
    const names = missed.map(({ name }) => name).join(', ');
    findings.push(['not-exercised', `Never reached in these runs: ${names}.`]);
  }
  if (many.isInterrupted) findings.push(['unknown', 'Interrupted before the end.']);
  return findings;
}

const goalKey = (result: RunResult, name: string) => `${result.workload}: ${name}`;

function goalsReached(results: readonly RunResult[]): Set<string> {
  const reached = new Set<string>();
  for (const result of results) {
    for (const { name, count } of result.goals) if (count > 0) reached.add(goalKey(result, name));
  }
  return reached;
}

/**
 * One of many runs need not exercise all that it would owe alone, as long as another run of its workload
 * did: a fault that struck when nobody had anything left to do.
 */
function isMadeUpFor(result: RunResult, reached: ReadonlySet<string>): boolean {
  if (result.verdict !== 'not-exercised') return false;
  const missed = result.goals.filter(({ count, isOwed }) => isOwed && count === 0);
  return missed.length > 0 && missed.every(({ name }) => reached.has(goalKey(result, name)));
}

/** What a pass does not hide. */
function notesOf(many: ManyRuns): string[] {
  const thin = many.results.filter(({ verdict }) => verdict !== 'pass').length;
  return thin === 0
    ? []
    : [`${thin} of the runs did not exercise all that they owed; others of their workload did.`];
}

interface SavedRun {
  readonly run: FinishedRun;
  readonly result: RunResult;
  /** Below the directory. */
  readonly path: string;
}

function saveKept(directory: RunDirectory, many: ManyRuns): SavedRun[] {
  for (const { name, run } of many.selfCheck) {
    if (run === undefined) continue;
    saveFinished(new RunDirectory(directory.file(`canaries/${name}`)), run);
  }
  return many.kept.map((run) => {
    const path = `runs/${run.result.world}-${run.result.name.replace(/[^\w.-]/g, '_')}`;
    const result = saveFinished(new RunDirectory(directory.file(path)), run);
    return { run, result, path };
  });
}

const words: Readonly<Record<Verdict, string>> = {
  pass: '✓ PASS',
  violation: '✕ VIOLATION',
  unknown: '? UNKNOWN',
  'not-exercised': '○ NOT EXERCISED',
  'harness-error': '! HARNESS ERROR',
};

const REASONS_SHOWN_MAX = 5;

export function tell(shell: Shell, summary: Summary): number {
  shell.progress.done();
  const { verdict, sentence, reasons, paths, next } = summary;
  const others = reasons.filter((reason) => reason !== sentence);
  const lines = ['', `${words[verdict]}  ${sentence}`];
  for (const reason of others.slice(0, REASONS_SHOWN_MAX)) lines.push(`  · ${reason}`);
  if (others.length > REASONS_SHOWN_MAX) {
    lines.push(`  · … and ${others.length - REASONS_SHOWN_MAX} more, in the report`);
  }
  lines.push('');
  if (paths.report !== undefined) lines.push(`report  ${paths.report}`);
  for (const [index, command] of next.slice(0, 3).entries()) {
    lines.push(`${index === 0 ? 'next' : '    '}    ${command}`);
  }
  shell.print(lines.join('\n'));
  tellGitHub(summary);
  const { next: _, ...rest } = summary;
  shell.printJson(rest);
  return summary.exitCode;
}
