/** All worlds' observations → one verdict, and the tables that terminal and report show side by side. */
import type { CheckResult } from '../../checker/verdict.ts';
import type { Verdict } from '../result.ts';
import type { WorldName } from '../world/world.ts';
import {
  compareWithWord,
  crashTable,
  observedTolerance,
  outcomeOf,
  type Word,
  type WorldObservations,
} from './compare.ts';
import type { Outcome } from './group-watch.ts';
import type { Observation } from './observe.ts';
import { describePattern } from './pattern.ts';

export interface TableCell {
  readonly size: number;
  readonly crashed: number;
  /** `mixed`: some subsets were served and others not. */
  readonly outcome: Outcome | 'mixed';
  /** Subsets that were tried, and how many of them had the leader in them. */
  readonly tried: number;
  readonly withLeader: number;
}

/** Nobody crashed, but the groups cannot reach each other. */
export interface TableCut {
  readonly groups: readonly { readonly servers: number; readonly outcome: Outcome }[];
  readonly hadLeader: number;
}

export interface ToleranceTable {
  readonly source: 'model' | WorldName;
  readonly cells: readonly TableCell[];
  readonly cuts: readonly TableCut[];
  /** By size: the most crashed servers, whichever they were, that left the rest serving. */
  readonly tolerates: readonly { readonly size: number; readonly crashed: number | null }[];
}

export interface ToleranceJudgement {
  readonly verdict: Verdict;
  readonly sentence: string;
  readonly reasons: readonly string[];
  readonly checks: readonly CheckResult[];
  /** The model's first. */
  readonly tables: readonly ToleranceTable[];
}

export function judgeTolerance(
  seen: readonly WorldObservations[],
  word: Word,
  errors: readonly string[],
  isInterrupted: boolean,
): ToleranceJudgement {
  const checks = seen.map((world) => compareWithWord(world, word));
  const problems = seen.flatMap(({ world, observations }) =>
    observations.flatMap((observation) =>
      observation.problems.map(
        (problem) => `${describePattern(observation.pattern)} (${world}): ${problem}`,
      ),
    ),
  );
  const found: [Verdict, readonly string[]][] = [
    ['violation', messagesOf(checks, 'violation')],
    ['harness-error', [...errors, ...problems]],
    ['not-exercised', [...messagesOf(checks, 'not-exercised'), ...oneSided(seen)]],
    ['unknown', messagesOf(checks, 'unknown')],
  ];
  if (isInterrupted) found.push(['unknown', ['Interrupted before the end.']]);
  const worst = found.find(([, reasons]) => reasons.length > 0);
  const tables = seen.map(({ world, observations }) => tableOf(world, observations));
  const model = modelTable(seen, word);
  const verdict = worst?.[0] ?? 'pass';
  return {
    verdict,
    sentence: worst?.[1][0] ?? goodSentence(seen, tables),
    reasons: found.flatMap(([, reasons]) => reasons),
    checks,
    tables: [model, ...tables],
  };
}

function messagesOf(checks: readonly CheckResult[], verdict: CheckResult['verdict']): string[] {
  return checks
    .filter((check) => check.verdict === verdict)
    .flatMap(({ anomalies, summary }) =>
      anomalies.length > 0 ? anomalies.map(({ message }) => message) : [summary],
    );
}

/** A table without a single refusal, or without a single group that served, compares nothing. */
function oneSided(seen: readonly WorldObservations[]): string[] {
  return seen.flatMap(({ world, observations }) => {
    const outcomes = new Set(
      observations.flatMap(({ groups }) => groups.map((one) => one.outcome)),
    );
    const hasCrashes = observations.some(({ pattern }) => pattern.crashed.length > 0);
    if (outcomes.size === 0 || !hasCrashes || outcomes.has('unclear')) return [];
    const missing = (['served', 'refused'] as const).filter((name) => !outcomes.has(name));
    return missing.map((name) => `In the world ${world} nobody was ever ${name}.`);
  });
}

function goodSentence(
  seen: readonly WorldObservations[],
  tables: readonly ToleranceTable[],
): string {
  const patterns = seen.reduce((sum, { observations }) => sum + observations.length, 0);
  const worlds = seen.map(({ world }) => world).join(', ');
  const pairs = pairsOf(tables);
  const equal =
    pairs.length === 0 ? '' : `; ${pairs.map(([odd, even]) => `${odd} ≡ ${even}`).join(', ')}`;
  return `Who was served is who the model says, in ${patterns} patterns (${worlds})${equal}.`;
}

/** Sizes 2n − 1 and 2n for which every world saw the same tolerance. */
function pairsOf(tables: readonly ToleranceTable[]): (readonly [number, number])[] {
  const sizes = [...new Set(tables.flatMap(({ tolerates }) => tolerates.map(({ size }) => size)))];
  const all = (size: number): Set<number | null> =>
    new Set(
      tables.flatMap(({ tolerates }) =>
        tolerates.filter((one) => one.size === size).map(({ crashed }) => crashed),
      ),
    );
  return sizes
    .filter((size) => size % 2 === 1 && sizes.includes(size + 1))
    .map((odd) => [odd, odd + 1] as const)
    .filter(([odd, even]) => {
      const [one, ...others] = new Set([...all(odd), ...all(even)]);
      return others.length === 0 && typeof one === 'number';
    });
}

function tableOf(source: WorldName, observations: readonly Observation[]): ToleranceTable {
  const cells = crashTable(observations);
  const sizes = [...new Set(cells.map(({ size }) => size))];
  return {
    source,
    cells: cells.map((cell) => ({
      size: cell.size,
      crashed: cell.crashed,
      outcome: outcomeOf(cell) ?? 'mixed',
      tried: cell.counts.served + cell.counts.refused + cell.counts.unclear,
      withLeader: cell.withLeader,
    })),
    cuts: observations
      .filter(({ groups }) => groups.length > 1)
      .map(({ groups }) => ({
        groups: groups.map(({ members, outcome }) => ({ servers: members.length, outcome })),
        hadLeader: groups.findIndex(({ hadLeader }) => hadLeader),
      })),
    tolerates: sizes.map((size) => ({ size, crashed: observedTolerance(cells, size) })),
  };
}

/** What the model says of everything that was tried anywhere. */
function modelTable(seen: readonly WorldObservations[], word: Word): ToleranceTable {
  const observations = seen.flatMap((world) => world.observations);
  const told = observations.map((observation): Observation => {
    const serving = new Set(word(observation.pattern).map((group) => group.join(' ')));
    const groups = observation.groups.map((group) => {
      const outcome: Outcome = serving.has(group.members.join(' ')) ? 'served' : 'refused';
      return { ...group, outcome };
    });
    return { ...observation, groups };
  });
  const { cells, cuts, tolerates } = tableOf('simulation', told);
  // The model does not ask who led.
  const distinct = new Map(cuts.map((cut) => [JSON.stringify(cut.groups), cut] as const));
  return { source: 'model', cells, cuts: [...distinct.values()], tolerates };
}
