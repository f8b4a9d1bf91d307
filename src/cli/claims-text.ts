/** The claims ledger as a table on the terminal. */
import type { ClaimJudgement } from '../../spec/claims/index.ts';

const signs: Readonly<Record<string, string>> = {
  holds: '✓',
  qualified: '◐',
  refuted: '✕',
  undecided: '?',
  'not yet shown': '○',
};

const WIDTH = 100;

export function claimLine(judgement: ClaimJudgement): string {
  const { claim, verdict, soFar, isAsExpected, missing } = judgement;
  const partial = verdict === 'not yet shown' && soFar !== verdict ? ` (so far ${soFar})` : '';
  const lacks = missing.length === 0 ? '' : `, needs ${missing.join(', ')}`;
  const says = `${signs[verdict]} ${claim.id.padEnd(4)} ${clip(claim.says.en, WIDTH - 7)}`;
  const differs = isAsExpected ? '' : `   ✕ EXPECTED ${claim.expected}`;
  return `${says}\n       ${verdict}${partial}${lacks}${differs}`;
}

/** What decided, check by check: for one claim at a time. */
export function claimDetails({ model, recorded }: ClaimJudgement): readonly string[] {
  const groups = [
    ['as stated', model?.asStated ?? []],
    ['only if', model?.onlyIf ?? []],
    ['instead', model?.instead ?? []],
  ] as const;
  return [
    ...groups.flatMap(([title, findings]) =>
      findings.flatMap(({ answer, check, detail, scope, trace }) => [
        `       ${title}: ${answer.toUpperCase()}  ${check} — ${detail}`,
        `         ${scope}`,
        ...(trace === undefined ? [] : trace.text.split('\n').map((line) => `         ${line}`)),
      ]),
    ),
    ...recorded.map(
      ({ world, verdict, command, seed }) =>
        `       recorded in ${world}: ${verdict} — ${command}, seed ${seed}`,
    ),
  ];
}

/** What makes the command fail: a verdict that is not the expected one. */
export function differenceOf({ claim, verdict, soFar, missing }: ClaimJudgement): string {
  const shown = missing.length === 0 ? verdict : `${soFar} so far`;
  return `${claim.id}: ${shown}, expected ${claim.expected} — ${claim.says.en}`;
}

function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
