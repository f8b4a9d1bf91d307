/** Judgements → what the claims page is made of. */
import {
  type Chapter,
  type ClaimJudgement,
  type Finding,
  type Restatement,
  type ShownTrace,
  sources,
} from '../../spec/claims/index.ts';
import type {
  ClaimsPageInput,
  PageClaim,
  PageFinding,
  PageGroup,
  PageTrace,
} from '../report/claims/input.ts';

export interface ClaimsPageParts {
  readonly date: string;
  readonly commit: string | null;
  readonly chapters: readonly Chapter[];
  readonly judgements: readonly ClaimJudgement[];
  readonly problems: readonly string[];
}

export function claimsPageInput(parts: ClaimsPageParts): ClaimsPageInput {
  const { date, commit, chapters, judgements, problems } = parts;
  const byId = new Map(judgements.map((judgement) => [judgement.claim.id, judgement]));
  return {
    date,
    commit,
    problems,
    chapters: chapters
      .map(({ title, claims }) => ({
        title,
        claims: claims.flatMap(({ id }) => {
          const judgement = byId.get(id);
          return judgement === undefined ? [] : [pageClaim(judgement)];
        }),
      }))
      .filter(({ claims }) => claims.length > 0),
  };
}

function pageClaim(judgement: ClaimJudgement): PageClaim {
  const { claim, verdict, soFar, isAsExpected, model, recorded, missing } = judgement;
  const { onlyIf, instead } = claim.model ?? {};
  return {
    id: claim.id,
    says: claim.says,
    sources: claim.sources.map((id) => ({ id, title: sources[id] })),
    sourceNote: claim.byOmission
      ? 'by what it leaves out'
      : claim.sources.length === 0
        ? 'In none of the documents; others rest on it'
        : '',
    verdict,
    soFar,
    expected: claim.expected,
    isAsExpected,
    ...(claim.remark === undefined ? {} : { remark: claim.remark }),
    groups: [
      pageGroup('As stated', undefined, model?.asStated ?? []),
      pageGroup('Under a condition', onlyIf, model?.onlyIf ?? []),
      pageGroup('What holds instead', instead, model?.instead ?? []),
    ],
    recorded,
    missing,
  };
}

function pageGroup(
  title: string,
  restatement: Restatement | undefined,
  findings: readonly Finding[],
): PageGroup {
  const says = restatement === undefined ? {} : { says: restatement.says };
  return { title, ...says, findings: findings.map(pageFinding) };
}

function pageFinding({ check, answer, scope, detail, trace }: Finding): PageFinding {
  return {
    check,
    answer,
    scope,
    detail,
    ...(trace === undefined ? {} : { trace: pageTrace(trace) }),
  };
}

function pageTrace({ title, steps: { steps, loopsTo } }: ShownTrace): PageTrace {
  return {
    title,
    steps: steps.map(({ step, changes, arrows }) => ({ step, changes, arrows })),
    ...(loopsTo === undefined ? {} : { loopsTo }),
  };
}
