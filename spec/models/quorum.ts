/**
 * Who may decide: quorums by plain enumeration of server sets, without any formula to trust. An ensemble
 * has at most 20 servers here, so a set of servers is a bit mask and "for every set" is a loop. The rules
 * are ZooKeeper's (`QuorumMaj`, `QuorumHierarchical`), and the one that people reach for by mistake,
 * `atLeastHalf`.
 *
 * The second half says what an ensemble owes under crashes and partitions (`servingGroups`), and lists
 * every pattern of crashes and partitions up to the names of the servers (`faultPatterns`): what a harness
 * observes of a real ensemble is compared with the first and driven by the second.
 */
import { assert } from '../../src/base/assert.ts';

/** Bit i − 1 stands for server i. */
export type ServerSet = number;

const SIZE_MAX = 20;

export const everyone = (size: number): ServerSet => 2 ** size - 1;

export function serverSet(servers: readonly number[]): ServerSet {
  return servers.reduce((set, server) => set | (1 << (server - 1)), 0);
}

export function serversOf(set: ServerSet): number[] {
  const servers: number[] = [];
  for (let server = 1; set >>> (server - 1) !== 0; server++) {
    if ((set >>> (server - 1)) & 1) servers.push(server);
  }
  return servers;
}

export function countServers(set: ServerSet): number {
  let count = 0;
  for (let rest = set; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** Which sets of servers may elect a leader and commit. */
export interface QuorumRule {
  readonly name: string;
  readonly size: number;
  readonly isQuorum: (servers: ServerSet) => boolean;
}

/** More than half of the servers (ZooKeeper's `QuorumMaj`). */
export function majority(size: number): QuorumRule {
  return { name: 'majority', size, isQuorum: (set) => 2 * countServers(set) > size };
}

/** The mistake: with an even number of servers, each half is "enough". */
export function atLeastHalf(size: number): QuorumRule {
  return { name: 'at least half', size, isQuorum: (set) => 2 * countServers(set) >= size };
}

/** More than half of the weight; `weights[i]` is that of server i + 1. */
export function weighted(weights: readonly number[]): QuorumRule {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return {
    name: `weights ${weights.join(' ')}`,
    size: weights.length,
    isQuorum: (set) => 2 * weightOf(set, weights) > total,
  };
}

/** More than half of the weight in more than half of the groups that have any (`QuorumHierarchical`). */
export function hierarchical(
  groups: readonly (readonly number[])[],
  weights: readonly number[],
): QuorumRule {
  const sets = groups.map(serverSet).filter((group) => weightOf(group, weights) > 0);
  const holds = (set: ServerSet, group: ServerSet): boolean =>
    2 * weightOf(set & group, weights) > weightOf(group, weights);
  return {
    name: `groups ${groups.map((group) => group.join('+')).join(' ')}`,
    size: weights.length,
    isQuorum: (set) => 2 * sets.filter((group) => holds(set, group)).length > sets.length,
  };
}

function weightOf(set: ServerSet, weights: readonly number[]): number {
  return serversOf(set).reduce((sum, server) => sum + (weights[server - 1] ?? 0), 0);
}

/** Every set of the rule's servers, the empty one included. */
export function* serverSets({ size }: QuorumRule): Generator<ServerSet> {
  assert(size >= 1 && size <= SIZE_MAX, 'an ensemble small enough to enumerate', { size });
  for (let set = 0; set <= everyone(size); set++) yield set;
}

/** Two quorums without a common server: two sides of a cut that could both decide. */
export function disjointQuorums(rule: QuorumRule): readonly [ServerSet, ServerSet] | undefined {
  for (const one of serverSets(rule)) {
    if (!rule.isQuorum(one)) continue;
    // Quorums only grow with servers, so the whole rest is the best other side.
    const rest = everyone(rule.size) & ~one;
    if (rule.isQuorum(rest)) return [one, rest];
  }
  return undefined;
}

/** The most servers that may be dead, *whichever* they are, while the rest still is a quorum. */
export function toleranceBySets(rule: QuorumRule): number {
  let leastFatal = rule.size + 1;
  for (const dead of serverSets(rule)) {
    if (rule.isQuorum(everyone(rule.size) & ~dead)) continue;
    leastFatal = Math.min(leastFatal, countServers(dead));
  }
  return leastFatal - 1;
}

/** The same for plain majorities of any size: only the number of the dead matters. */
export function toleranceByCount(size: number): number {
  let dead = 0;
  while (2 * (size - (dead + 1)) > size) dead++;
  return dead;
}

export interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** Exact probability that the living servers are a quorum when each lives with probability up/of. */
export function availability(rule: QuorumRule, up: bigint, of: bigint): Fraction {
  let numerator = 0n;
  for (const alive of serverSets(rule)) {
    if (!rule.isQuorum(alive)) continue;
    const count = BigInt(countServers(alive));
    numerator += up ** count * (of - up) ** (BigInt(rule.size) - count);
  }
  return { numerator, denominator: of ** BigInt(rule.size) };
}

export function isLess(one: Fraction, other: Fraction): boolean {
  return one.numerator * other.denominator < other.numerator * one.denominator;
}

/** Crashes and a partition: servers of different groups cannot reach each other. */
export interface Situation {
  readonly size: number;
  readonly crashed: readonly number[];
  /** Disjoint; a server that no group names is cut off from all others. */
  readonly groups: readonly (readonly number[])[];
}

/**
 * The groups that owe service: those whose living, mutually connected servers are a quorum, as sorted
 * lists of these servers. With majorities there is never more than one.
 */
export function servingGroups(
  situation: Situation,
  ruleOf: (size: number) => QuorumRule = majority,
): readonly (readonly number[])[] {
  const rule = ruleOf(situation.size);
  const dead = serverSet(situation.crashed);
  return connectedSets(situation)
    .map((group) => group & ~dead)
    .filter((group) => group !== 0 && rule.isQuorum(group))
    .map(serversOf);
}

/** The servers that must serve; undefined when every server must refuse. */
export function servingGroup(situation: Situation): readonly number[] | undefined {
  const groups = servingGroups(situation);
  assert(groups.length <= 1, 'two majorities never coexist', { groups });
  return groups[0];
}

function connectedSets({ size, groups }: Situation): ServerSet[] {
  const sets = groups.map(serverSet);
  const named = sets.reduce((union, set) => {
    assert((union & set) === 0, 'groups are disjoint', { groups });
    return union | set;
  }, 0);
  assert((named & ~everyone(size)) === 0, 'groups name servers of the ensemble', { size, groups });
  const alone = serversOf(everyone(size) & ~named).map((server) => serverSet([server]));
  return [...sets, ...alone];
}

/** One pattern of crashes and partitions, standing for all that differ only in who is who. */
export interface FaultPattern extends Situation {
  /** How many situations with named servers look like this one. */
  readonly standsFor: number;
}

/**
 * Every pattern of `size` servers: some crashed, the living ones partitioned. Crashed servers are in no
 * group: which side of a cut a dead server is on makes no difference. The largest groups come first, and
 * names are given in order, the crashed ones last.
 */
export function* faultPatterns(size: number): Generator<FaultPattern> {
  for (let crashed = 0; crashed <= size; crashed++) {
    for (const parts of integerPartitions(size - crashed)) {
      yield {
        size,
        crashed: consecutive(size - crashed + 1, crashed),
        groups: consecutiveGroups(parts),
        standsFor: waysToName(size, crashed, parts),
      };
    }
  }
}

/**
 * The same, told apart by where one special server (the leader, say) is: among the crashed, or in a group
 * of each length. It is the last server of its place.
 */
export function* faultPatternsWithLeader(
  size: number,
): Generator<Situation & { readonly leader: number }> {
  for (const pattern of faultPatterns(size)) {
    const seen = new Set<number>();
    for (const group of pattern.groups) {
      if (seen.has(group.length)) continue;
      seen.add(group.length);
      yield { ...withoutCount(pattern), leader: group.at(-1) as number };
    }
    const last = pattern.crashed.at(-1);
    if (last !== undefined) yield { ...withoutCount(pattern), leader: last };
  }
}

function withoutCount({ size, crashed, groups }: FaultPattern): Situation {
  return { size, crashed, groups };
}

/** Every way to write `total` as a sum of positive integers, largest first. */
function* integerPartitions(total: number, largest = total): Generator<readonly number[]> {
  if (total === 0) yield [];
  for (let first = Math.min(total, largest); first >= 1; first--) {
    for (const rest of integerPartitions(total - first, first)) yield [first, ...rest];
  }
}

function consecutive(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

function consecutiveGroups(lengths: readonly number[]): number[][] {
  let next = 1;
  return lengths.map((length) => {
    const group = consecutive(next, length);
    next += length;
    return group;
  });
}

/** Choose the crashed, then the members of each group; groups of equal length are interchangeable. */
function waysToName(size: number, crashed: number, parts: readonly number[]): number {
  const equal = new Map<number, number>();
  for (const part of parts) equal.set(part, (equal.get(part) ?? 0) + 1);
  const orders = [crashed, ...parts, ...equal.values()].map(factorial);
  return orders.reduce((ways, order) => ways / order, factorial(size));
}

function factorial(count: number): number {
  return count <= 1 ? 1 : count * factorial(count - 1);
}
