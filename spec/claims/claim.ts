/**
 * What a claim is: a sentence of an introductory document that evidence can break. A claim says what it
 * would take, never what came out: the verdict is computed in `verdict.ts` from findings, and the
 * expectation beside it is a hypothesis that is compared with it.
 */
import type { Finding } from './finding.ts';
import type { Lab } from './lab.ts';

/** The five introductory documents, by what they are about. */
export const sources = {
  S0: 'What ZooKeeper is, split brain, and what is built on znodes',
  S1: 'NameNode high availability, and ZooKeeper as the referee',
  S2: 'ZooKeeper in brief: features, node types, watches, Paxos, election',
  S3: 'Four situations that ZooKeeper is used in, and why ensembles are odd',
  S4: 'Distributed systems: Paxos, CAP, BASE, ids, Dubbo, gateways, ZooKeeper',
} as const;

export type SourceId = keyof typeof sources;

export interface Sentence {
  readonly en: string;
  readonly zh: string;
}

/** Evidence that other commands leave in files: from simulation, real servers, or measurements. */
export type RecordedKind = 'sim' | 'cluster' | 'measure';

/** One question to one model. It is answered yes (`held`), no, or not at all. */
export interface Check {
  readonly name: string;
  readonly run: (lab: Lab) => Finding;
}

/** What is true where the plain sentence is not, with the checks that show it. */
export interface Restatement {
  readonly says: Sentence;
  readonly checks: readonly Check[];
}

export interface ModelEvidence {
  /** The sentence as the document says it. */
  readonly asStated: readonly Check[];
  /** A condition under which it holds; needed where it does not hold without. */
  readonly onlyIf?: Restatement;
  /** What holds in its place, where no condition can save it. */
  readonly instead?: Restatement;
}

export type ExpectedVerdict = 'holds' | 'qualified' | 'refuted';

export interface Claim {
  readonly id: string;
  readonly says: Sentence;
  /** Empty where no document says it but the others rest on it. */
  readonly sources: readonly SourceId[];
  /** Where the documents leave out what decides. */
  readonly byOmission?: boolean;
  readonly expected: ExpectedVerdict;
  /** The condition, or what holds instead, in words; required unless the claim is expected to hold. */
  readonly remark?: Sentence;
  readonly model?: ModelEvidence;
  readonly recorded?: readonly RecordedKind[];
}

export interface Chapter {
  readonly title: Sentence;
  readonly claims: readonly Claim[];
}
