/**
 * Patterns of failure: who has crashed, and which of the living can still talk to each other. The fields are
 * those of `spec/models/quorum`, whose lists of patterns drive the harness; which group may serve is not
 * known here. That is for the world to show and for the model to say.
 */
import type { Prng } from '../../base/prng.ts';

export interface Pattern {
  readonly size: number;
  readonly crashed: readonly number[];
  /** The living; between two groups nothing passes. */
  readonly groups: readonly (readonly number[])[];
  /**
   * With it the names are only parts to be given: whoever leads when the fault strikes takes this one's. A
   * leader that loses its quorum and followers that lose their leader go different ways.
   */
  readonly leader?: number;
}

/** Every subset of victims that leaves somebody to ask. */
export function crashPatterns(size: number): Pattern[] {
  const sids = sidsOf(size);
  return Array.from({ length: 2 ** size - 1 }, (_, subset) => {
    const isCrashed = (sid: number): boolean => (subset & (1 << (sid - 1))) !== 0;
    return {
      size,
      crashed: sids.filter(isCrashed),
      groups: [sids.filter((sid) => !isCrashed(sid))],
    };
  });
}

/** Gives the parts of a pattern to servers: the leader has its own, the others are drawn. */
export function assignParts(pattern: Pattern, leader: number, prng: Prng): Pattern {
  if (pattern.leader === undefined) return pattern;
  const { size, crashed, groups, leader: leaderPart } = pattern;
  const parts = sidsOf(size).filter((part) => part !== leaderPart);
  const others = prng.shuffle(sidsOf(size).filter((sid) => sid !== leader));
  const sidOf = new Map([[leaderPart, leader], ...parts.map((part, at) => [part, others[at]])] as [
    number,
    number,
  ][]);
  const named = (servers: readonly number[]): number[] =>
    servers.map((part) => sidOf.get(part) as number).sort((a, b) => a - b);
  return { size, crashed: named(crashed), groups: groups.map(named), leader };
}

export function sidsOf(size: number): number[] {
  return Array.from({ length: size }, (_, index) => index + 1);
}

/** `6 servers: 1 2 3 | 4 5, crashed 6` */
export function describePattern({ size, crashed, groups }: Pattern): string {
  const living = groups.map((group) => group.join(' ')).join(' | ');
  const dead = crashed.length === 0 ? '' : `, crashed ${crashed.join(' ')}`;
  return `${size} ${size === 1 ? 'server' : 'servers'}: ${living}${dead}`;
}
