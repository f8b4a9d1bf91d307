/** Files of the claims ledger: recorded evidence, and the pinned traces. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ClaimJudgement,
  goldenText,
  parseRecorded,
  pinnedTraces,
  type Recorded,
} from '../../spec/claims/index.ts';
import { messageOf } from '../base/thrown.ts';
import { projectRoot } from '../harness/bundle.ts';
import { EnvironmentError } from './errors.ts';
import { shownPath } from './shell.ts';

export const EVIDENCE_DIRECTORY = 'evidence';
const goldenDirectory = join(projectRoot, 'spec/claims/golden');

export function evidencePath(directory: string, claim: string, world: string): string {
  return join(directory, `${claim}.${world}.json`);
}

/** All records of a directory; none where it does not exist. */
export function readEvidence(directory: string): readonly Recorded[] {
  if (!existsSync(directory)) return [];
  const names = readdirSync(directory).filter((name) => name.endsWith('.json'));
  return names.sort().map((name) => readRecord(join(directory, name), name));
}

function readRecord(path: string, name: string): Recorded {
  const broken = (why: string) =>
    new EnvironmentError({
      code: 'bad-evidence',
      what: `${shownPath(path)} is no evidence.`,
      why,
      next: 'Remove it, and write it again with: npm run evidence',
    });
  let parsed: Recorded | string;
  try {
    parsed = parseRecorded(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw broken(messageOf(error));
  }
  if (typeof parsed === 'string') throw broken(parsed);
  if (name !== `${parsed.claim}.${parsed.world}.json`) {
    throw broken(`its name does not say ${parsed.claim} and ${parsed.world}`);
  }
  return parsed;
}

export function writeEvidence(directory: string, recorded: Recorded): string {
  mkdirSync(directory, { recursive: true });
  const path = evidencePath(directory, recorded.claim, recorded.world);
  writeFileSync(path, `${JSON.stringify(recorded, null, 2)}\n`);
  return path;
}

interface Pin {
  readonly name: string;
  readonly path: string;
  readonly text: string;
}

function pinsOf(judgement: ClaimJudgement): readonly Pin[] {
  return pinnedTraces(judgement).map(({ name, finding }) => ({
    name,
    path: join(goldenDirectory, `${name}.txt`),
    text: goldenText(judgement, finding),
  }));
}

/** What differs from the pinned traces, in words. */
export function comparePins(judgements: readonly ClaimJudgement[]): readonly string[] {
  return judgements.flatMap(pinsOf).flatMap(({ name, path, text }) => {
    if (!existsSync(path)) return [`${name}: this trace is not pinned`];
    return readFileSync(path, 'utf8') === text
      ? []
      : [`${name}: another trace than the pinned one`];
  });
}

/** Pins the traces as they are now; traces that no claim has any more are removed. */
export function writePins(judgements: readonly ClaimJudgement[]): number {
  const pins = judgements.flatMap(pinsOf);
  const kept = new Set(pins.map(({ name }) => `${name}.txt`));
  const judged = new Set(judgements.map(({ claim }) => claim.id));
  mkdirSync(goldenDirectory, { recursive: true });
  for (const file of readdirSync(goldenDirectory)) {
    const isOurs = judged.has(file.split('-')[0] ?? '');
    if (isOurs && !kept.has(file)) rmSync(join(goldenDirectory, file));
  }
  for (const { path, text } of pins) writeFileSync(path, text);
  return pins.length;
}
