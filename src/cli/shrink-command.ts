/** `umpire shrink`: the smallest plan that still fails in the same way. Simulation only. */
import { basename, resolve } from 'node:path';
import { createRunDirectory, ExitCode, type Plan, signatureOf } from '../harness/index.ts';
import { parseDuration } from './arguments.ts';
import { engineFile } from './engine-bundle.ts';
import { UsageError } from './errors.ts';
import { summarizeRun, tell } from './outcome.ts';
import { readReplayed } from './replay-command.ts';
import { readCommit, type Shell } from './shell.ts';
import { SimulationPool } from './simulation-pool.ts';
import { simulatePlan } from './single-run.ts';

export interface ShrinkOptions {
  readonly budget?: string;
}

const DEFAULT_BUDGET_MS = 60_000;

export async function shrinkCommand(
  path: string,
  options: ShrinkOptions,
  shell: Shell,
): Promise<number> {
  const budgetMs =
    options.budget === undefined ? DEFAULT_BUDGET_MS : parseDuration(options.budget, '--budget');
  const { plan } = readReplayed(path);
  const commit = readCommit();
  shell.progress.update('shrinking: running the plan as it is');
  const first = await simulatePlan(plan, shell, commit);
  if (first.result.verdict !== 'violation') {
    throw new UsageError({
      code: 'nothing-to-shrink',
      what: `The plan does not fail in simulation: it ends as ${first.result.verdict}.`,
      next: 'Name a run that violates there.',
    });
  }
  const directory = createRunDirectory(
    shell.options.out,
    `shrink-${basename(resolve(path))}`,
    Date.now(),
  );
  shell.progress.update(`shrinking ${sizeOf(plan)}`);
  const pool = new SimulationPool(await engineFile(plan.zoo), 1, commit);
  const abort = () => void pool.close();
  shell.signal.addEventListener('abort', abort, { once: true });
  let shrunk: { readonly plan: Plan; readonly tries: number; readonly isMinimal: boolean };
  try {
    const signature = signatureOf(first.result);
    shrunk = await pool.shrink({ type: 'shrink', plan, signature, budgetMs });
  } catch (error) {
    if (!shell.signal.aborted) throw error;
    return ExitCode.interrupted;
  } finally {
    shell.signal.removeEventListener('abort', abort);
    await pool.close();
  }
  const end = shrunk.isMinimal ? '' : ', stopped by the budget';
  shell.progress.line(
    `shrunk from ${sizeOf(plan)} to ${sizeOf(shrunk.plan)} in ${shrunk.tries} runs${end}`,
  );
  const run = await simulatePlan(shrunk.plan, shell, commit);
  return tell(shell, summarizeRun(directory, run, shell.signal.aborted));
}

function sizeOf(plan: Plan): string {
  const operations = plan.clients.reduce((sum, { ops }) => sum + ops.length, 0);
  return `${plan.faults.length} faults and ${operations} operations`;
}
