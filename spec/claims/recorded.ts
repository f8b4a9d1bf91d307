/**
 * Evidence from outside of the models: what a simulation, real servers or a measurement showed, as a small
 * file that says which command, seed, plan and commit it came from. `<claim>.<world>.json`.
 */
import type { RecordedKind } from './claim.ts';

export const evidenceWorlds = ['simulation', 'process', 'container', 'measure'] as const;
export type EvidenceWorld = (typeof evidenceWorlds)[number];

/** Which worlds can stand for a kind of evidence: one of them is enough. */
export const worldsOf: Readonly<Record<RecordedKind, readonly EvidenceWorld[]>> = {
  sim: ['simulation'],
  cluster: ['process', 'container'],
  measure: ['measure'],
};

export const recordedVerdicts = ['holds', 'qualified', 'refuted', 'undecided'] as const;
export type RecordedVerdict = (typeof recordedVerdicts)[number];

export interface Recorded {
  readonly claim: string;
  readonly world: EvidenceWorld;
  readonly command: string;
  readonly commit: string | null;
  readonly seed: string;
  readonly planHash: string;
  readonly verdict: RecordedVerdict;
  readonly counts: Readonly<Record<string, number>>;
  /** ISO date. */
  readonly date: string;
}

/** A whole record, or a sentence that says what is wrong with it. */
export function parseRecorded(value: unknown): Recorded | string {
  if (typeof value !== 'object' || value === null) return 'not a record';
  const record = value as Readonly<Record<string, unknown>>;
  for (const field of ['claim', 'command', 'seed', 'planHash', 'date']) {
    if (typeof record[field] !== 'string') return `${field} is not text`;
  }
  if (record.commit !== null && typeof record.commit !== 'string') return 'commit is not text';
  if (!evidenceWorlds.some((world) => world === record.world)) return 'world is unknown';
  if (!recordedVerdicts.some((verdict) => verdict === record.verdict)) return 'verdict is unknown';
  const { counts } = record;
  if (typeof counts !== 'object' || counts === null) return 'counts is no record';
  const isCounted = Object.values(counts).every((count) => typeof count === 'number');
  return isCounted ? (value as Recorded) : 'counts has something that is no number';
}
