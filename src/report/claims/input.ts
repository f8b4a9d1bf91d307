/** What the claims page is made of: plain data, whoever computed it. */
export interface PageSentence {
  readonly en: string;
  readonly zh: string;
}

export interface PageArrow {
  readonly from: string;
  readonly to?: string;
  readonly text: string;
}

export interface PageStep {
  readonly step: string;
  readonly changes: readonly string[];
  readonly arrows: readonly PageArrow[];
}

export interface PageTrace {
  readonly title: string;
  readonly steps: readonly PageStep[];
  /** After the last step everything repeats from the state after this many steps. */
  readonly loopsTo?: number;
}

export interface PageFinding {
  readonly check: string;
  readonly answer: 'yes' | 'no' | 'unknown' | 'missing';
  readonly scope: string;
  readonly detail: string;
  readonly trace?: PageTrace;
}

export interface PageGroup {
  readonly title: string;
  readonly says?: PageSentence;
  readonly findings: readonly PageFinding[];
}

export interface PageRecorded {
  readonly world: string;
  readonly verdict: string;
  readonly command: string;
  readonly commit: string | null;
  readonly seed: string;
  readonly date: string;
  readonly counts: Readonly<Record<string, number>>;
}

export interface PageClaim {
  readonly id: string;
  readonly says: PageSentence;
  readonly sources: readonly { readonly id: string; readonly title: string }[];
  readonly sourceNote: string;
  readonly verdict: string;
  readonly soFar: string;
  readonly expected: string;
  readonly isAsExpected: boolean;
  readonly remark?: PageSentence;
  readonly groups: readonly PageGroup[];
  readonly recorded: readonly PageRecorded[];
  readonly missing: readonly string[];
}

export interface PageChapter {
  readonly title: PageSentence;
  readonly claims: readonly PageClaim[];
}

export interface ClaimsPageInput {
  readonly date: string;
  readonly commit: string | null;
  readonly chapters: readonly PageChapter[];
  /** Differences that make the command fail, in words. */
  readonly problems: readonly string[];
}
