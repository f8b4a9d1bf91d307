/**
 * Brings a pattern of failure about in a world and looks who is served. It only looks:
 *
 *   served    a client of the group wrote during the fault, was acknowledged, and read what it had written
 *   refused   every server of the group answered, again and again and for a whole settling time, that it is
 *             not serving, no write of the group's client was acknowledged, and the same client was served
 *             before the fault and again after its heal
 *   unclear   anything else; it proves nothing
 *
 * Each client is pinned to the servers of its group. Silence is never taken for a refusal.
 */
import { prngStream } from '../../base/prng.ts';
import { awaitServing, describeModes, probeModes } from '../ensemble.ts';
import { LAG_MARGIN_MS } from '../judge.ts';
import type { Expectation } from '../nemesis/fault-kind.ts';
import { verify } from '../nemesis/verify.ts';
import type { ClusterSpec } from '../plan.ts';
import type { Injection, World } from '../world/world.ts';
import { type GroupObservation, GroupWatch, type ObserveOptions } from './group-watch.ts';
import { assignParts, type Pattern, sidsOf } from './pattern.ts';

export interface Observation {
  readonly pattern: Pattern;
  /** Who led when the fault struck. */
  readonly leader: number | null;
  readonly groups: readonly GroupObservation[];
  /** Faults of the harness or of the host: the observation proves nothing. */
  readonly problems: readonly string[];
}

const POLL_MS = 100;
const VERIFY_MS = 4000;
const VERIFY_HEAL_MS = 20_000;
/** After this a group that neither serves nor refuses is unclear. */
const DECIDE_MS = 120_000;
const SERVE_MS = 60_000;

/** Longer than an ensemble that can serve needs to notice a loss, to elect and to synchronize. */
export function settlingMs({ tickTimeMs, initLimit, syncLimit }: ClusterSpec): number {
  return (initLimit + syncLimit) * tickTimeMs;
}

/** The world has been started. Everything is healed when it calls back. */
export function observe(
  world: World,
  wanted: Pattern,
  options: ObserveOptions,
  done: (observation: Observation) => void,
): void {
  new Observer(world, wanted, options, done).start();
}

class Observer {
  readonly #world: World;
  readonly #options: ObserveOptions;
  readonly #done: (observation: Observation) => void;
  readonly #problems: string[] = [];
  readonly #nodes: readonly number[];
  #leader: number | null = null;
  #pattern: Pattern;
  #groups: GroupWatch[] = [];

  constructor(
    world: World,
    wanted: Pattern,
    options: ObserveOptions,
    done: (observation: Observation) => void,
  ) {
    this.#world = world;
    this.#options = options;
    this.#done = done;
    this.#nodes = sidsOf(wanted.size);
    this.#pattern = wanted;
  }

  start(): void {
    awaitServing(this.#world, this.#nodes, SERVE_MS, (isServing, modes) => {
      if (!isServing) {
        this.#problems.push(`before the fault the ensemble did not serve: ${describeModes(modes)}`);
        this.#finish();
        return;
      }
      this.#leader = this.#nodes.find((sid) => modes.get(sid) !== 'follower') ?? null;
      const prng = prngStream(this.#options.seed, `pattern/${this.#options.label}`);
      this.#pattern = assignParts(this.#pattern, this.#leader ?? 1, prng);
      this.#prove();
    });
  }

  /** Every client is served while all is well; else its refusal would say nothing later. */
  #prove(): void {
    this.#groups = this.#pattern.groups.map(
      (members, index) =>
        new GroupWatch(this.#world, this.#options, members, index, this.#leader ?? 0),
    );
    this.#forAll(
      (group, next) => group.serve(SERVE_MS, next),
      (failed) => {
        for (const group of failed) {
          this.#problems.push(`before the fault ${group.name} was not served: ${group.lastError}`);
        }
        if (failed.length > 0) this.#finish();
        else this.#strike();
      },
    );
  }

  #strike(): void {
    const { injections, expectations } = effectOf(this.#pattern);
    this.#injectAll(injections, () =>
      verify(this.#world, expectations, VERIFY_MS, (failures) => {
        for (const failure of failures) this.#problems.push(`not verified: ${failure}`);
        if (failures.length > 0) this.#heal();
        else this.#watch();
      }),
    );
  }

  /** Until every group is decided; a group that has refused goes on being asked meanwhile. */
  #watch(): void {
    const deadlineNs = this.#world.nowNs() + DECIDE_MS * 1e6;
    this.#world.takeLagMs();
    for (const group of this.#groups) group.begin();
    const look = (): void =>
      probeModes(this.#world, this.#pattern.groups.flat(), (modes) => {
        for (const group of this.#groups) group.saw(modes);
        const isDecided = this.#groups.every((group) => group.outcome !== 'unclear');
        if (isDecided || this.#world.nowNs() >= deadlineNs) {
          const lagMs = this.#world.takeLagMs();
          for (const group of this.#groups) group.end();
          if (lagMs > LAG_MARGIN_MS) this.#problems.push(`the harness stood still for ${lagMs} ms`);
          this.#heal();
        } else this.#world.schedule(POLL_MS, look);
      });
    look();
  }

  #heal(): void {
    const { injections, expectations } = undoOf(this.#pattern);
    this.#injectAll(injections, () =>
      verify(this.#world, expectations, VERIFY_HEAL_MS, (failures) => {
        for (const failure of failures) this.#problems.push(`the heal is not verified: ${failure}`);
        if (this.#groups.length === 0) this.#finish();
        else this.#serveAgain();
      }),
    );
  }

  #serveAgain(): void {
    this.#forAll(
      (group, next) => group.serve(SERVE_MS, next),
      (failed) => {
        for (const group of this.#groups) group.isServedAgain = !failed.includes(group);
        this.#forAll(
          (group, next) => group.close(next),
          () => this.#finish(),
        );
      },
    );
  }

  #forAll(
    act: (group: GroupWatch, next: (isDone: boolean) => void) => void,
    done: (failed: readonly GroupWatch[]) => void,
  ): void {
    const failed: GroupWatch[] = [];
    let left = this.#groups.length;
    for (const group of this.#groups) {
      act(group, (isDone) => {
        if (!isDone) failed.push(group);
        if (--left === 0) done(failed);
      });
    }
  }

  #injectAll(injections: readonly Injection[], done: () => void): void {
    let left = injections.length;
    if (left === 0) {
      this.#world.schedule(0, done);
      return;
    }
    for (const injection of injections) {
      this.#world.inject(injection, (error) => {
        if (error !== undefined) this.#problems.push(`${injection.action}: ${error}`);
        if (--left === 0) done();
      });
    }
  }

  #finish(): void {
    this.#done({
      pattern: this.#pattern,
      leader: this.#leader,
      groups: this.#groups.map((group) => group.observation()),
      problems: this.#problems,
    });
  }
}

interface Effect {
  readonly injections: readonly Injection[];
  readonly expectations: readonly Expectation[];
}

/** Links of the dead need no cut. */
function effectOf(pattern: Pattern): Effect {
  const links = linksBetweenGroups(pattern);
  return {
    injections: [
      ...links.map(([from, to]) => ({ action: 'cut', from, to }) as const),
      ...pattern.crashed.map((node) => ({ action: 'kill', node }) as const),
    ],
    expectations: [
      ...links.map(([from, to]) => ({ probe: 'link', from, to, state: 'blocked' }) as const),
      ...pattern.crashed.map((node) => ({ probe: 'process', node, state: 'dead' }) as const),
    ],
  };
}

function undoOf(pattern: Pattern): Effect {
  const links = linksBetweenGroups(pattern);
  return {
    injections: [
      ...links.map(([from, to]) => ({ action: 'join', from, to }) as const),
      ...pattern.crashed.map((node) => ({ action: 'start', node }) as const),
    ],
    expectations: [
      ...links.map(([from, to]) => ({ probe: 'link', from, to, state: 'open' }) as const),
      ...pattern.crashed.map((node) => ({ probe: 'process', node, state: 'running' }) as const),
    ],
  };
}

function linksBetweenGroups({ groups }: Pattern): (readonly [number, number])[] {
  return groups.flatMap((group) =>
    groups
      .filter((other) => other !== group)
      .flatMap((other) => group.flatMap((from) => other.map((to) => [from, to] as const))),
  );
}
