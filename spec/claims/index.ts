/** The claims ledger: every checkable sentence of the five documents, in their order. */
import type { Chapter, Claim } from './claim.ts';
import { capAndBaseChapter } from './ledger/cap-and-base.ts';
import { dataModelChapter } from './ledger/data-model.ts';
import { guaranteesChapter } from './ledger/guarantees.ts';
import { idsChapter, operationChapter } from './ledger/ids-and-operation.ts';
import { majorityChapter } from './ledger/majority.ts';
import { paxosChapter } from './ledger/paxos.ts';
import { recipesChapter } from './ledger/recipes.ts';
import { zabChapter } from './ledger/zab.ts';

export const chapters: readonly Chapter[] = [
  paxosChapter,
  majorityChapter,
  zabChapter,
  guaranteesChapter,
  capAndBaseChapter,
  dataModelChapter,
  recipesChapter,
  idsChapter,
  operationChapter,
];

export const claims: readonly Claim[] = chapters.flatMap((chapter) => chapter.claims);

export type { Chapter, Claim, Restatement } from './claim.ts';
export { sources } from './claim.ts';
export type { Finding, ShownTrace } from './finding.ts';
export { Lab } from './lab.ts';
export {
  type EvidenceWorld,
  parseRecorded,
  type Recorded,
  type RecordedVerdict,
} from './recorded.ts';
export { type ClaimJudgement, goldenText, judgeClaim, pinnedTraces } from './verdict.ts';
