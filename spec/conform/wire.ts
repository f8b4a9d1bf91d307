/**
 * Follows what is seen on the wires through the model: every message between servers that tell nothing of
 * themselves, in the order in which they were seen. The rest of their behaviour is filled in (`wire-walk.ts`), in
 * whatever way explains the messages; so this accepts more than `follow.ts` does of events, and what it
 * rejects nothing could explain.
 */
import { equal } from '../kernel/value.ts';
import { compact } from './compact.ts';
import { EnsembleModel, type EnsembleScope } from './ensemble-model.ts';
import { type Observation, WireRecord } from './observation.ts';
import { explainObservation, type Left } from './observed.ts';
import type { Explained, Refused } from './rejection.ts';
import { Common } from './told.ts';
import type { Refusal, Step } from './walk.ts';
import { Watch } from './watch.ts';
import { type Branch, WireWalk } from './wire-walk.ts';

export interface FollowedWires {
  readonly rejected: Refused<Observation> | undefined;
  readonly messages: number;
  /** Steps of the model, and those of them that send nothing. */
  readonly steps: number;
  readonly silentSteps: number;
  /** At most so many of these came before one message. */
  readonly silentMax: number;
  readonly frontierMax: number;
  /** On connections that had been given up by one side. */
  readonly late: number;
  /** Acknowledgements that say nothing new. */
  readonly again: number;
  /** Messages after bytes that could not be read, or all of servers that had a past. */
  readonly unfollowed: number;
}

const RECENT = 10;
const COMPACT_EVERY = 64;
const FRONTIER_LIMIT = 64;

export function followWires(
  observations: readonly Observation[],
  scope: EnsembleScope,
): FollowedWires {
  return new WireFollower(observations, scope).run();
}

class WireFollower {
  readonly #observations: readonly Observation[];
  readonly #record: WireRecord;
  readonly #model: EnsembleModel;
  readonly #watch = new Watch();
  readonly #common = new Common();
  readonly #newest = new Map<number, number>();
  readonly #acknowledged = new Set<number>();
  /** Acknowledgements that came before their learner was told to be up to date. */
  readonly #early = new Map<number, Observation[]>();
  readonly #left: Record<Left, number> = { late: 0, again: 0, early: 0 };
  #frontier: readonly Branch[];
  #recent: Explained<Observation>[] = [];
  #rejected: Refused<Observation> | undefined;
  #messages = 0;
  #steps = 0;
  #silentSteps = 0;
  #silentMax = 0;
  #frontierMax = 1;

  constructor(observations: readonly Observation[], scope: EnsembleScope) {
    this.#observations = observations;
    this.#record = new WireRecord(observations, scope.servers);
    this.#model = new EnsembleModel(scope);
    this.#frontier = [{ state: this.#model.init, outbox: {} }];
  }

  run(): FollowedWires {
    const isExplained =
      !hasPast(this.#observations[0]) &&
      this.#observations.every((one) => one.message !== 'gap' && this.#follow(one));
    const isRejected = this.#rejected !== undefined;
    const unfollowed = isExplained || isRejected ? 0 : this.#observations.length - this.#messages;
    return {
      rejected: this.#rejected,
      messages: this.#messages,
      steps: this.#steps,
      silentSteps: this.#silentSteps,
      silentMax: this.#silentMax,
      frontierMax: this.#frontierMax,
      late: this.#left.late,
      again: this.#left.again,
      unfollowed,
    };
  }

  #follow(one: Observation): boolean {
    if (!this.#explain(one)) return false;
    this.#messages++;
    if (this.#messages % COMPACT_EVERY === 0) this.#frontier = this.#frontier.map(compacted);
    if (one.message === 'FOLLOWERINFO') this.#newest.set(one.from, one.connection);
    if (one.message !== 'UPTODATE') return true;
    const early = this.#early.get(one.connection) ?? [];
    this.#early.delete(one.connection);
    return early.every((ack) => this.#explain({ ...ack, n: one.n }));
  }

  #explain(one: Observation): boolean {
    const wire = this.#record.wire(one.connection);
    if (wire === undefined) return this.#reject(one, [NOT_BEGUN]);
    const around = {
      model: this.#model,
      watch: this.#watch,
      record: this.#record,
      common: this.#common,
      newest: this.#newest,
      acknowledged: this.#acknowledged,
    };
    let left: Left | undefined;
    const ways: WireWalk[] = [];
    const refusals: Refusal[] = [];
    for (const branch of this.#frontier) {
      const walk = new WireWalk(around, branch, one.n);
      const explained = explainObservation(walk, one, wire);
      if (typeof explained === 'string') left ??= explained;
      const all = typeof explained === 'string' ? [walk] : explained;
      ways.push(...all);
      if (all.length === 0 && walk.refusal !== undefined) refusals.push(walk.refusal);
    }
    if (left !== undefined) this.#leave(one, left);
    const [first] = ways;
    if (first !== undefined) return this.#accept(one, first, ways);
    return this.#reject(one, refusals);
  }

  #reject(event: Observation, refusals: readonly Refusal[]): false {
    const { state } = this.#frontier[0] as Branch;
    this.#rejected = { event, refusals, recent: this.#recent, state };
    return false;
  }

  #leave(one: Observation, reason: Left): void {
    this.#left[reason]++;
    if (reason !== 'early') return;
    this.#early.set(one.connection, [...(this.#early.get(one.connection) ?? []), one]);
  }

  #accept(one: Observation, first: WireWalk, ways: readonly WireWalk[]): true {
    for (const [name, value] of first.facts) this.#common.note(name, value);
    if (one.message === 'ACK' && this.#record.zxid(one.zxid)[1] === 0) {
      this.#acknowledged.add(one.connection);
    }
    this.#frontier = distinct(ways);
    this.#count(first.steps);
    this.#recent.push({ event: one, steps: first.steps });
    if (this.#recent.length > RECENT) this.#recent.shift();
    return true;
  }

  #count(steps: readonly Step[]): void {
    const silent = steps.filter(({ isSilent }) => isSilent).length;
    this.#steps += steps.length;
    this.#silentSteps += silent;
    this.#silentMax = Math.max(this.#silentMax, silent);
    this.#frontierMax = Math.max(this.#frontierMax, this.#frontier.length);
  }
}

const NOT_BEGUN: Refusal = { kind: 'order', reason: 'a connection begins with FOLLOWERINFO' };

/** What servers did before anything was seen is not known. */
function hasPast(first: Observation | undefined): boolean {
  return first?.message === 'FOLLOWERINFO' && first.acceptedEpoch > 0;
}

/** Places in snapshots that nobody has seen are counted from where the log begins. */
function compacted({ outbox, state }: Branch): Branch {
  const isPlain = Object.values(outbox).every((queue) => {
    return queue.every(({ type }) => type !== 'SNAP');
  });
  return { outbox, state: isPlain ? compact(state) : state };
}

function distinct(ways: readonly WireWalk[]): readonly Branch[] {
  const result: Branch[] = [];
  for (const { outbox, state } of ways) {
    const isNew = !result.some((other) => {
      return equal(other.state, state) && equal(other.outbox, outbox);
    });
    if (isNew && result.length < FRONTIER_LIMIT) result.push({ outbox, state });
  }
  return result;
}
