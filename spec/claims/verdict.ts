/**
 * From evidence to a verdict, and from the verdict to whether the expectation was right.
 *
 * A model holds a claim as stated, or breaks it; then the claim may still hold under a condition
 * (qualified), or something else holds in its place (refuted). The worst of all evidence counts. As long
 * as some evidence is missing the claim is not yet shown, whatever the rest says; but what was shown may
 * already contradict the expectation.
 */
import type { Claim, ExpectedVerdict, ModelEvidence, RecordedKind } from './claim.ts';
import type { Answer, Finding } from './finding.ts';
import type { Lab } from './lab.ts';
import { type Recorded, worldsOf } from './recorded.ts';

/** `undecided`: the evidence contradicts itself, or a search was not finished. */
export type Verdict = 'holds' | 'qualified' | 'refuted' | 'undecided' | 'not yet shown';

export interface ModelJudgement {
  readonly verdict: Verdict;
  readonly asStated: readonly Finding[];
  readonly onlyIf: readonly Finding[];
  readonly instead: readonly Finding[];
}

export interface ClaimJudgement {
  readonly claim: Claim;
  readonly verdict: Verdict;
  /** The worst of what was shown, also while something is missing. */
  readonly soFar: Verdict;
  readonly isAsExpected: boolean;
  readonly model: ModelJudgement | undefined;
  readonly recorded: readonly Recorded[];
  readonly missing: readonly string[];
}

/** From good to bad; `undecided` is worst, because it says that something is wrong with the evidence. */
const severity: readonly Verdict[] = ['holds', 'qualified', 'refuted', 'undecided'];

export function judgeClaim(claim: Claim, lab: Lab, recorded: readonly Recorded[]): ClaimJudgement {
  const model = claim.model === undefined ? undefined : judgeModel(claim.model, lab);
  const own = recorded.filter((one) => one.claim === claim.id);
  const missing = [
    ...(model?.verdict === 'not yet shown' ? ['model'] : []),
    ...(claim.recorded ?? []).filter((kind) => !isRecorded(own, kind)),
    ...(claim.model === undefined && (claim.recorded ?? []).length === 0 ? ['model'] : []),
  ];
  const shown = [...(model === undefined ? [] : [model.verdict]), ...own.map((one) => one.verdict)];
  const soFar = worst(shown.filter((verdict) => verdict !== 'not yet shown'));
  const verdict = missing.length > 0 ? 'not yet shown' : soFar;
  const isAsExpected =
    missing.length > 0 ? !exceeds(soFar, claim.expected) : soFar === claim.expected;
  return { claim, verdict, soFar, isAsExpected, model, recorded: own, missing };
}

function isRecorded(own: readonly Recorded[], kind: RecordedKind): boolean {
  return own.some(({ world }) => worldsOf[kind].includes(world));
}

export function judgeModel(evidence: ModelEvidence, lab: Lab): ModelJudgement {
  const asStated = evidence.asStated.map((check) => check.run(lab));
  const onlyIf = (evidence.onlyIf?.checks ?? []).map((check) => check.run(lab));
  const instead = (evidence.instead?.checks ?? []).map((check) => check.run(lab));
  const verdict = verdictOf(asStated, onlyIf, instead);
  return { verdict, asStated, onlyIf, instead };
}

function verdictOf(
  asStated: readonly Finding[],
  onlyIf: readonly Finding[],
  instead: readonly Finding[],
): Verdict {
  const all = [...asStated, ...onlyIf, ...instead];
  if (all.some(({ answer }) => answer === 'missing')) return 'not yet shown';
  const restated = [...onlyIf, ...instead];
  const stated = answerOf(asStated);
  // What is said to hold in other words must hold, whatever became of the plain sentence.
  if (stated === 'unknown' || answerOf(restated) !== 'yes') return 'undecided';
  if (stated === 'no') return onlyIf.length > 0 && instead.length === 0 ? 'qualified' : 'refuted';
  return 'holds';
}

/** One no is enough for no; all must say yes for yes. */
function answerOf(findings: readonly Finding[]): Answer {
  if (findings.some(({ answer }) => answer === 'no')) return 'no';
  return findings.every(({ answer }) => answer === 'yes') ? 'yes' : 'unknown';
}

function worst(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.length === 0) return 'not yet shown';
  return severity[Math.max(...verdicts.map((verdict) => severity.indexOf(verdict)))] as Verdict;
}

function exceeds(soFar: Verdict, expected: ExpectedVerdict): boolean {
  return soFar !== 'not yet shown' && severity.indexOf(soFar) > severity.indexOf(expected);
}

/** Findings with traces, named: each is pinned as a golden file. */
export function pinnedTraces(
  judgement: ClaimJudgement,
): readonly { readonly name: string; readonly finding: Finding }[] {
  const { claim, model } = judgement;
  if (model === undefined) return [];
  const named = (group: string, findings: readonly Finding[]) =>
    findings.flatMap((finding, index) =>
      finding.trace === undefined
        ? []
        : [{ name: `${claim.id}-${group}${index === 0 ? '' : `-${index + 1}`}`, finding }],
    );
  return [
    ...named('as-stated', model.asStated),
    ...named('only-if', model.onlyIf),
    ...named('instead', model.instead),
  ];
}

/** The text of one golden file. */
export function goldenText({ claim }: ClaimJudgement, finding: Finding): string {
  const { trace, scope } = finding;
  return `${claim.id}: ${claim.says.en}\n${trace?.title ?? ''}\n${scope}\n\n${trace?.text ?? ''}\n`;
}
