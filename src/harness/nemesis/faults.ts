/**
 * The one table of faults. A kind says how it is drawn into a plan, which primitives it is made of and what
 * a probe must see while it holds; everything else (targets, verification, healing) is common to all.
 */
import type { Prng } from '../../base/prng.ts';
import type { FaultTarget } from '../plan.ts';
import type { Injection, WorldName } from '../world/world.ts';
import type {
  DrawContext,
  Expectation,
  FaultContext,
  FaultEffect,
  FaultKind,
} from './fault-kind.ts';

type Link = readonly [from: number, to: number];

function cutting(nodes: readonly number[], links: readonly Link[]): FaultEffect {
  return {
    nodes,
    injections: links.map(([from, to]) => ({ action: 'cut', from, to })),
    expectations: links.map(([from, to]) => ({ probe: 'link', from, to, state: 'blocked' })),
  };
}

/** Both directions of every pair between the two sides. */
function linksBetween(a: readonly number[], b: readonly number[]): Link[] {
  return a.flatMap((from) =>
    b.flatMap((to): Link[] => [
      [from, to],
      [to, from],
    ]),
  );
}

function others(context: FaultContext): number[] {
  return context.nodes.filter((sid) => !context.victims.includes(sid));
}

function drawOne(prng: Prng): FaultTarget {
  return { pick: prng.pick(['leader', 'leader', 'follower', 'any'] as const) };
}

/**
 * Every node sees a majority, and no two see the same one. The nodes stand on a ring; the node in the middle
 * of each window of a majority hears only that window. (After Jepsen's majorities-ring.)
 */
function ringLinks(context: FaultContext): Link[] {
  const ring = context.prng.shuffle(context.nodes);
  const majority = Math.floor(ring.length / 2) + 1;
  return ring.flatMap((_, start) => {
    const window = ring.map((__, step) => ring[(start + step) % ring.length] as number);
    const heard = window.slice(0, majority);
    const node = heard[Math.floor(majority / 2)] as number;
    return window.slice(majority).map((deaf): Link => [deaf, node]);
  });
}

/** Whole sites of near-equal size; the servers named as victims are one site, if it is not all of them. */
function sitesOf({ victims, nodes, params, prng }: FaultContext): readonly (readonly number[])[] {
  // A plan may name them: `1 2|3 4`. Whoever is not named is connected to all.
  if (typeof params.groups === 'string') {
    return params.groups.split('|').map((group) => group.split(' ').map(Number));
  }
  if (victims.length < nodes.length) {
    return [victims, nodes.filter((sid) => !victims.includes(sid))];
  }
  const count = Math.min(Number(params.sites), nodes.length);
  const sites = Array.from({ length: count }, (): number[] => []);
  for (const [place, sid] of prng.shuffle(nodes).entries()) sites[place % count]?.push(sid);
  return sites;
}

/** Every link between two sites is cut; with a period it is cut for one half of it and open for the other. */
function separatingSites(context: FaultContext): FaultEffect {
  const sites = sitesOf(context);
  const links = sites.flatMap((site, place) =>
    sites.slice(place + 1).flatMap((other) => linksBetween(site, other)),
  );
  const largest = sites.reduce((best, site) => (site.length > best.length ? site : best));
  const outside = context.nodes.filter((sid) => !largest.includes(sid));
  const effect = cutting(outside, links);
  const periodMs = Number(context.params.periodMs);
  if (periodMs <= 0) return effect;
  return {
    ...effect,
    expectations: [
      ...effect.expectations,
      ...links.map(([from, to]): Expectation => ({ probe: 'link', from, to, state: 'open' })),
    ],
    strobe: {
      everyMs: periodMs / 2,
      turn: (turn) => (turn % 2 === 0 ? effect.injections : []),
    },
  };
}

/** Shorter periods could not be told from an open link: a probe waits half a second. */
const MIN_FLAP_MS = 2500;

function drawSites(prng: Prng, { sessionTimeoutMs }: DrawContext): ReturnType<FaultKind['draw']> {
  const periodMs = prng.pick([0, 0, sessionTimeoutMs, 2 * sessionTimeoutMs]);
  const params = {
    sites: prng.pick([2, 2, 3]),
    periodMs: periodMs === 0 ? 0 : Math.max(MIN_FLAP_MS, periodMs),
  };
  return { target: { pick: 'all' }, params };
}

function strikingProcesses(
  action: 'kill' | 'pause' | 'power-loss',
  state: 'dead' | 'paused',
  { victims }: FaultContext,
): FaultEffect {
  return {
    nodes: victims,
    injections: victims.map((node) => ({ action, node })),
    expectations: victims.map((node): Expectation => ({ probe: 'process', node, state })),
  };
}

/** Servers that come back one by one form their first quorum without the last of them. */
function drawStagger(prng: Prng): { staggerMs: number } {
  return { staggerMs: prng.pick([0, 0, 400, 2000]) };
}

const CLOCK_STEPS_MS = [1000, 8000, 60_000, 600_000, 3_600_000] as const;

function drawClock(prng: Prng): { target: FaultTarget; params: { offsetMs: number } } {
  const offsetMs = prng.pick(CLOCK_STEPS_MS) * prng.pick([-1, 1]);
  return { target: drawOne(prng), params: { offsetMs } };
}

const rows: readonly FaultKind[] = [
  {
    name: 'none',
    family: 'none',
    title: 'no fault at all',
    needs: [],
    minNodes: 1,
    maxHoldMs: 0,
    draw: () => ({ target: { nodes: [] }, params: {} }),
    effect: () => ({ nodes: [], injections: [], expectations: [] }),
  },
  {
    name: 'partition-one',
    family: 'partition',
    title: 'one server is cut off from all others, both ways',
    needs: ['cut'],
    minNodes: 2,
    maxHoldMs: 6000,
    draw: (prng) => ({ target: drawOne(prng), params: {} }),
    effect: (context) => cutting(context.victims, linksBetween(context.victims, others(context))),
  },
  {
    name: 'partition-halves',
    family: 'partition',
    title: 'a random smaller half is cut off from the rest',
    needs: ['cut'],
    minNodes: 2,
    maxHoldMs: 6000,
    draw: () => ({ target: { pick: 'all' }, params: {} }),
    effect: (context) => {
      const shuffled = context.prng.shuffle(context.nodes);
      const half = Math.floor(shuffled.length / 2);
      const minority = shuffled.slice(0, half).sort((a, b) => a - b);
      return cutting(minority, linksBetween(minority, shuffled.slice(half)));
    },
  },
  {
    name: 'partition-one-way',
    family: 'partition',
    title: 'one server is no longer heard by the others, or no longer hears them',
    needs: ['cut'],
    minNodes: 2,
    maxHoldMs: 6000,
    draw: (prng) => ({
      target: drawOne(prng),
      params: { direction: prng.pick(['from', 'to']) },
    }),
    effect: (context) => {
      const links = context.victims.flatMap((victim) =>
        others(context).map(
          (other): Link => (context.params.direction === 'to' ? [other, victim] : [victim, other]),
        ),
      );
      return cutting(context.victims, links);
    },
  },
  {
    name: 'partition-majorities-ring',
    family: 'partition',
    title: 'every server hears a majority, no two the same',
    needs: ['cut'],
    minNodes: 3,
    maxHoldMs: 6000,
    draw: () => ({ target: { pick: 'all' }, params: {} }),
    effect: (context) => cutting(context.nodes, ringLinks(context)),
  },
  {
    name: 'partition-datacenters',
    family: 'partition',
    title: 'two or three sites lose their connection, for good or again and again',
    needs: ['cut'],
    minNodes: 2,
    maxHoldMs: 8000,
    draw: drawSites,
    effect: separatingSites,
  },
  {
    name: 'kill',
    family: 'process',
    title: 'kill -9 of one server; what it had not flushed is gone',
    needs: ['kill', 'start'],
    minNodes: 1,
    maxHoldMs: 4000,
    draw: (prng) => ({ target: drawOne(prng), params: {} }),
    effect: (context) => strikingProcesses('kill', 'dead', context),
  },
  {
    name: 'kill-all',
    family: 'process',
    title: 'kill -9 of every server at once',
    needs: ['kill', 'start'],
    minNodes: 1,
    maxHoldMs: 2500,
    draw: (prng) => ({ target: { pick: 'all' }, params: drawStagger(prng) }),
    effect: (context) => strikingProcesses('kill', 'dead', context),
  },
  {
    name: 'pause',
    family: 'process',
    title: 'one server stands still (SIGSTOP) and then goes on',
    needs: ['pause', 'resume'],
    minNodes: 1,
    maxHoldMs: 6000,
    draw: (prng) => ({ target: drawOne(prng), params: {} }),
    effect: (context) => strikingProcesses('pause', 'paused', context),
  },
  {
    name: 'power-loss',
    family: 'disk',
    title: 'machines lose their power: unflushed writes and names are lost, torn or reordered',
    needs: ['power-loss', 'start'],
    minNodes: 1,
    maxHoldMs: 2500,
    draw: (prng) => ({
      target: prng.chance(600) ? { pick: 'all' } : drawOne(prng),
      params: drawStagger(prng),
    }),
    effect: (context) => strikingProcesses('power-loss', 'dead', context),
  },
  {
    name: 'clock-bump',
    family: 'clock',
    title: 'the wall clock of one server jumps, and jumps back',
    needs: ['set-clock'],
    minNodes: 1,
    maxHoldMs: 5000,
    draw: drawClock,
    effect: ({ victims, params }) => {
      const offsetMs = Number(params.offsetMs);
      return {
        nodes: victims,
        injections: victims.map((node) => ({ action: 'set-clock', node, offsetMs })),
        expectations: victims.map((node) => ({ probe: 'clock', node, offsetMs })),
      };
    },
  },
  {
    name: 'clock-strobe',
    family: 'clock',
    title: 'the wall clock of one server swings to and fro many times',
    needs: ['set-clock'],
    minNodes: 1,
    maxHoldMs: 5000,
    draw: (prng) => {
      const drawn = drawClock(prng);
      return { ...drawn, params: { ...drawn.params, periodMs: prng.int(20, 300) } };
    },
    effect: ({ victims, params }) => {
      const offsetMs = Number(params.offsetMs);
      const swing = (turn: number) =>
        victims.map((node) => ({
          action: 'set-clock' as const,
          node,
          offsetMs: turn % 2 === 0 ? offsetMs : -offsetMs,
        }));
      return {
        nodes: victims,
        injections: swing(0),
        expectations: victims.map((node) => ({ probe: 'clock-swing', node, offsetMs })),
        strobe: { everyMs: Number(params.periodMs), turn: swing },
      };
    },
  },
  {
    name: 'clock-rate',
    family: 'clock',
    title: 'the wall clock of one server runs too fast or too slowly',
    needs: ['set-clock'],
    minNodes: 1,
    maxHoldMs: 5000,
    draw: (prng) => ({
      target: drawOne(prng),
      params: { ratePerMille: prng.pick([100, 500, 1500, 2000, 10_000]) },
    }),
    effect: ({ victims, params }) => {
      const ratePerMille = Number(params.ratePerMille);
      return {
        nodes: victims,
        injections: victims.map((node) => ({
          action: 'set-clock',
          node,
          offsetMs: 0,
          ratePerMille,
        })),
        expectations: victims.map((node) => ({ probe: 'clock-rate', node, ratePerMille })),
      };
    },
  },
];

export const faultKinds: ReadonlyMap<string, FaultKind> = new Map(
  rows.map((kind) => [kind.name, kind] as const),
);

/** The kinds that a name or the prefix of a family asks for; undefined where it names nothing. */
export function faultKindsNamed(name: string): readonly FaultKind[] | undefined {
  const exact = faultKinds.get(name);
  if (exact !== undefined) return [exact];
  const family = rows.filter(
    (kind) => kind.name.startsWith(`${name}-`) || (kind.family === name && name !== 'none'),
  );
  return family.length === 0 ? undefined : family;
}

/** Faults that no real world offers yet, beside what a host may lack. */
const simulationOnly: ReadonlySet<string> = new Set(['power-loss']);

/** Why a kind cannot be injected here; undefined where it can. */
export function whyNotInjectable(
  kind: FaultKind,
  world: { readonly name: WorldName; readonly missing: ReadonlyMap<Injection['action'], string> },
  nodes: number,
): string | undefined {
  if (nodes < kind.minNodes) return `${kind.name} needs ${kind.minNodes} servers`;
  for (const action of kind.needs) {
    const reason = world.missing.get(action);
    if (reason !== undefined) return reason;
  }
  if (world.name !== 'simulation' && simulationOnly.has(kind.name)) {
    return `${kind.name} exists only in simulation`;
  }
  return undefined;
}
