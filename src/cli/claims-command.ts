/**
 * `umpire claims`: every claim of the ledger, judged from evidence; a table, and one HTML page with the
 * traces drawn. Exits 1 where a verdict is not the expected one or a pinned trace has changed, 3 while
 * evidence is missing.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type Claim,
  type ClaimJudgement,
  chapters,
  claims,
  judgeClaim,
  Lab,
  pinnedTraces,
  type Recorded,
} from '../../spec/claims/index.ts';
import { models, mutantsOf } from '../../spec/index.ts';
import { ExitCode } from '../harness/index.ts';
import { renderClaimsPage } from '../report/claims/page.ts';
import { parseNames, unknownName } from './arguments.ts';
import { comparePins, EVIDENCE_DIRECTORY, readEvidence, writePins } from './claims-files.ts';
import { claimsPageInput } from './claims-page.ts';
import { claimDetails, claimLine, differenceOf } from './claims-text.ts';
import { UsageError } from './errors.ts';
import { readCommit, type Shell, shownPath } from './shell.ts';

export interface ClaimsOptions {
  readonly evidence?: string;
  readonly mutant?: string;
  readonly update?: boolean;
  readonly verbose?: boolean;
}

export async function claimsCommand(
  ids: readonly string[],
  options: ClaimsOptions,
  shell: Shell,
): Promise<number> {
  const chosen = chooseClaims(ids);
  const replaced = parseMutant(options.mutant);
  const recorded = readEvidence(options.evidence ?? EVIDENCE_DIRECTORY);
  const judgements = await judgeAll(chosen, replaced, recorded, shell);
  shell.progress.done();
  printTable(judgements, options.verbose === true || ids.length > 0, shell);
  if (options.update === true && replaced.size === 0) {
    shell.print(`pinned ${writePins(judgements)} traces`);
  }
  const isInterrupted = judgements.length < chosen.length;
  const problems = [
    ...judgements.filter((one) => !one.isAsExpected).map(differenceOf),
    // With a mutant in it the traces are others, as they should be.
    ...(replaced.size === 0 ? comparePins(judgements) : []),
  ];
  const page = writePage(judgements, problems, shell);
  return tellClaims(judgements, problems, page, isInterrupted, shell);
}

function chooseClaims(ids: readonly string[]): readonly Claim[] {
  if (ids.length === 0) return claims;
  const known = claims.map(({ id }) => id);
  const names = parseNames(ids.join(','), 'claims', known);
  return claims.filter(({ id }) => names.includes(id));
}

/** `lock=ignoresThePredecessor`: shows which verdicts rest on a model. */
function parseMutant(text: string | undefined): ReadonlyMap<string, string> {
  if (text === undefined) return new Map();
  const [name = '', ...rest] = text.split('=');
  const mutant = rest.join('=');
  const model = models.get(name);
  if (model === undefined && name !== 'quorum') {
    throw unknownName(name, '--mutant', ['quorum', ...models.keys()]);
  }
  const mutants = model === undefined ? ['half'] : mutantsOf(model);
  if (!mutants.includes(mutant)) {
    throw new UsageError({
      code: 'unknown-mutant',
      what: `${name} has no mutant ${JSON.stringify(mutant)}.`,
      why: `There are: ${mutants.join(', ')}.`,
      next: `Use --mutant '${name}=${mutants[0] ?? ''}'.`,
    });
  }
  return new Map([[name, mutant]]);
}

async function judgeAll(
  chosen: readonly Claim[],
  replaced: ReadonlyMap<string, string>,
  recorded: readonly Recorded[],
  shell: Shell,
): Promise<readonly ClaimJudgement[]> {
  let label = '';
  const lab = new Lab({
    replaced,
    watch: {
      nowMs: () => performance.now(),
      progress: ({ states, depth, statesPerSecond }) =>
        shell.progress.update(`${label}  ${states} states, depth ${depth}, ${statesPerSecond}/s`),
      isAborted: () => shell.signal.aborted,
    },
  });
  const judgements: ClaimJudgement[] = [];
  for (const [index, claim] of chosen.entries()) {
    label = `claims  ${index + 1} of ${chosen.length}  ${claim.id}`;
    shell.progress.update(label);
    // Signals are heard between claims.
    await nextTurn();
    if (shell.signal.aborted) break;
    judgements.push(judgeClaim(claim, lab, recorded));
  }
  return judgements;
}

function printTable(judgements: readonly ClaimJudgement[], isLong: boolean, shell: Shell): void {
  const byId = new Map(judgements.map((one) => [one.claim.id, one]));
  for (const { title, claims: rows } of chapters) {
    const found = rows.flatMap(({ id }) => byId.get(id) ?? []);
    if (found.length === 0) continue;
    shell.print(`\n${title.en}  ${title.zh}`);
    for (const judgement of found) {
      shell.print(claimLine(judgement));
      if (isLong) for (const line of claimDetails(judgement)) shell.print(line);
    }
  }
}

function writePage(
  judgements: readonly ClaimJudgement[],
  problems: readonly string[],
  shell: Shell,
): string {
  const date = new Date().toISOString();
  const input = claimsPageInput({ date, commit: readCommit(), chapters, judgements, problems });
  mkdirSync(shell.options.out, { recursive: true });
  const path = join(shell.options.out, 'claims.html');
  writeFileSync(path, renderClaimsPage(input));
  return shownPath(path);
}

function tellClaims(
  judgements: readonly ClaimJudgement[],
  problems: readonly string[],
  page: string,
  isInterrupted: boolean,
  shell: Shell,
): number {
  const counts: Record<string, number> = {};
  for (const { verdict } of judgements) counts[verdict] = (counts[verdict] ?? 0) + 1;
  const open = judgements.filter(({ verdict }) => verdict === 'not yet shown').length;
  const exitCode = isInterrupted
    ? ExitCode.interrupted
    : problems.length > 0
      ? ExitCode.violation
      : open > 0
        ? ExitCode['not-exercised']
        : ExitCode.pass;
  const total = Object.entries(counts).map(([verdict, count]) => `${count} ${verdict}`);
  shell.print(`\n${judgements.length} claims: ${total.join(', ')}`);
  for (const problem of problems) shell.print(`  ✕ ${problem}`);
  shell.print(`\nreport  ${page}`);
  shell.printJson({
    counts,
    exitCode,
    problems,
    paths: { report: page },
    claims: rowsOf(judgements),
  });
  return exitCode;
}

function rowsOf(judgements: readonly ClaimJudgement[]) {
  return judgements.map((judgement) => ({
    id: judgement.claim.id,
    verdict: judgement.verdict,
    soFar: judgement.soFar,
    expected: judgement.claim.expected,
    isAsExpected: judgement.isAsExpected,
    missing: judgement.missing,
    traces: pinnedTraces(judgement).map(({ name }) => name),
  }));
}
