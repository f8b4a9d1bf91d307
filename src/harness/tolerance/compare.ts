/**
 * Observations → a table, and the table against somebody's word on who may serve. The word is given from
 * outside (the model's); nothing here could compute it.
 */
import { Findings } from '../../checker/report.ts';
import type { CheckResult } from '../../checker/verdict.ts';
import type { WorldName } from '../world/world.ts';
import type { GroupObservation, Outcome } from './group-watch.ts';
import type { Observation } from './observe.ts';
import { describePattern, type Pattern } from './pattern.ts';

/** The groups that must serve under a pattern; all others must refuse. */
export type Word = (pattern: Pattern) => readonly (readonly number[])[];

export interface WorldObservations {
  readonly world: WorldName;
  readonly observations: readonly Observation[];
}

/** Every number of crashed servers of one size, over all the subsets that were tried. */
export interface Cell {
  readonly size: number;
  readonly crashed: number;
  readonly counts: Readonly<Record<Outcome, number>>;
  /** Subsets with the one who led among them. */
  readonly withLeader: number;
}

/** Only patterns without a partition are cells. */
export function crashTable(observations: readonly Observation[]): Cell[] {
  const cells = new Map<string, Cell & { counts: Record<Outcome, number>; withLeader: number }>();
  for (const { pattern, groups, leader } of observations) {
    const [group] = groups;
    if (groups.length !== 1 || group === undefined) continue;
    const { size } = pattern;
    const crashed = pattern.crashed.length;
    const key = `${size} ${crashed}`;
    const counts = { served: 0, refused: 0, unclear: 0 };
    const cell = cells.get(key) ?? { size, crashed, counts, withLeader: 0 };
    cells.set(key, cell);
    cell.counts[group.outcome]++;
    if (leader !== null && pattern.crashed.includes(leader)) cell.withLeader++;
  }
  return [...cells.values()].sort((a, b) => a.size - b.size || a.crashed - b.crashed);
}

/** What a cell says as a whole; undefined where its subsets differ. */
export function outcomeOf({ counts }: Cell): Outcome | undefined {
  const seen = (['served', 'refused', 'unclear'] as const).filter((name) => counts[name] > 0);
  return seen.length === 1 ? seen[0] : undefined;
}

/** The most crashed servers, whichever they were, that left every observed ensemble of this size serving. */
export function observedTolerance(cells: readonly Cell[], size: number): number | null {
  let tolerated: number | null = null;
  for (const cell of cells.filter((each) => each.size === size)) {
    if (outcomeOf(cell) !== 'served') break;
    tolerated = cell.crashed;
  }
  return tolerated;
}

export function compareWithWord(
  { world, observations }: WorldObservations,
  word: Word,
): CheckResult {
  const findings = new Findings();
  for (const observation of observations) compareOne(findings, world, observation, word);
  checkPatience(findings, observations);
  return findings.result(
    `tolerance-${world}`,
    'groups of servers',
    'Every group was served or refused as the model says',
    { cells: crashTable(observations) },
  );
}

function compareOne(
  findings: Findings,
  world: WorldName,
  { pattern, groups }: Observation,
  word: Word,
): void {
  const mustServe = new Set(word(pattern).map((group) => group.join(' ')));
  const where = `${describePattern(pattern)} (${world})`;
  for (const { members, outcome, evidence } of groups) {
    findings.looked++;
    const name = members.join(' ');
    if (outcome === 'unclear') {
      findings.leaveOpen(`${where}: nothing is proven of ${name}: ${evidence}`);
    } else if (outcome === 'served' && !mustServe.has(name)) {
      findings.add({
        kind: 'served-without-quorum',
        message: `${where}: ${name} served, which the model forbids: ${evidence}`,
        entries: [],
        nodes: members,
      });
    } else if (outcome === 'refused' && mustServe.has(name)) {
      findings.add({
        kind: 'refused-with-quorum',
        message: `${where}: ${name} refused, where the model says that it serves: ${evidence}`,
        entries: [],
        nodes: members,
      });
    }
  }
  const served = groups.filter(({ outcome }) => outcome === 'served');
  if (served.length > 1) {
    findings.add({
      kind: 'two-groups-served',
      message: `${where}: groups that cannot reach each other were served at the same time`,
      entries: [],
      nodes: served.flatMap(({ members }) => members),
    });
  }
}

/**
 * A refusal says something only if whoever could serve did so in less time than it was watched for. Ensembles
 * of one size are compared with each other: larger ones take longer, and are given longer.
 */
function checkPatience(findings: Findings, observations: readonly Observation[]): void {
  for (const size of new Set(observations.map(({ pattern }) => pattern.size))) {
    const groups = observations
      .filter(({ pattern }) => pattern.size === size)
      .flatMap((observation) => observation.groups);
    const slowest = Math.max(0, ...groups.map(({ servedAfterMs }) => servedAfterMs ?? 0));
    const shortest = Math.min(...groups.filter(isRefused).map(({ watchedMs }) => watchedMs));
    if (slowest < shortest) continue;
    findings.leaveOpen(
      `of ${size} servers one group needed ${slowest} ms until it served, and another was given up ` +
        `after ${shortest} ms`,
    );
  }
}

function isRefused({ outcome }: GroupObservation): boolean {
  return outcome === 'refused';
}
