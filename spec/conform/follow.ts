/**
 * Follows the events of all servers through the model, as one behaviour. The order between servers is
 * nowhere written down; it is found: a server's next event is taken when the model can take it, and what
 * the model can take depends on what was sent before. Servers take turns, an event each, so that the
 * merged behaviour stays close to what happened. No clock is ever looked at.
 *
 * Everything that may be true is kept: a frontier of states, each of which explains all events so far.
 */
import type { ProtocolEvent } from '../../src/base/protocol-event.ts';
import { equal } from '../kernel/value.ts';
import type { State } from '../models/zab/system-state.ts';
import { acts, type Explanation } from './acts.ts';
import { Attempt } from './attempt.ts';
import { compact } from './compact.ts';
import { Connections } from './connections.ts';
import { EnsembleModel, type EnsembleScope, sidOf } from './ensemble-model.ts';
import { agreesWithPost, catchUp } from './projection.ts';
import type { Explained, Refused } from './rejection.ts';
import { Common, type Told, UNBORN, ZxidReader } from './told.ts';
import type { Refusal, Step } from './walk.ts';
import { Watch } from './watch.ts';

type Accepted = Explained<ProtocolEvent>;
export type Rejected = Refused<ProtocolEvent>;

export interface Followed {
  readonly rejected: Rejected | undefined;
  readonly events: number;
  /** Steps of the model, and those of them that no event tells of. */
  readonly steps: number;
  readonly silentSteps: number;
  /** At most so many of these explained one event. */
  readonly silentMax: number;
  readonly frontierMax: number;
  /** Connections that the leader never heard of. */
  readonly unheard: number;
  readonly watch: Watch;
}

export type EventsByNode = ReadonlyMap<number, readonly ProtocolEvent[]>;

const RECENT = 10;
const COMPACT_EVERY = 64;
const FRONTIER_LIMIT = 64;

type Explain = Explanation<ProtocolEvent>;

interface Stream {
  readonly node: number;
  readonly events: readonly ProtocolEvent[];
  at: number;
  told: Told;
}

interface Stuck {
  readonly stream: Stream;
  readonly refusals: readonly Refusal[];
}

type Connected = Extract<ProtocolEvent, { readonly act: 'Connected' }>;

export function follow(events: EventsByNode, scope: EnsembleScope): Followed {
  return new Follower(events, scope).run();
}

class Follower {
  readonly #model: EnsembleModel;
  readonly #watch = new Watch();
  readonly #zxids = new ZxidReader();
  readonly #common = new Common();
  readonly #streams: readonly Stream[];
  readonly #connections: Connections;
  readonly #released = new Set<ProtocolEvent>();
  #frontier: readonly State[];
  #recent: Accepted[] = [];
  #rejected: Rejected | undefined;
  #events = 0;
  #steps = 0;
  #silentSteps = 0;
  #silentMax = 0;
  #frontierMax = 1;
  #unheard = 0;

  constructor(events: EventsByNode, scope: EnsembleScope) {
    this.#model = new EnsembleModel(scope);
    this.#frontier = [this.#model.init];
    this.#connections = new Connections(events.values());
    this.#streams = [...events]
      .sort(([one], [other]) => one - other)
      .map(([node, list]) => ({ node, events: list, at: 0, told: { ...UNBORN } }));
  }

  run(): Followed {
    let isMoving = true;
    while (isMoving) isMoving = this.#round();
    return {
      rejected: this.#rejected,
      events: this.#events,
      steps: this.#steps,
      silentSteps: this.#silentSteps,
      silentMax: this.#silentMax,
      frontierMax: this.#frontierMax,
      unheard: this.#unheard,
      watch: this.#watch,
    };
  }

  /** One event of every server that can go on. False at the end. */
  #round(): boolean {
    let isMoving = false;
    const stuck: Stuck[] = [];
    for (const stream of this.#streams) {
      const event = stream.events[stream.at];
      if (event === undefined) continue;
      const refusals = this.#try(stream, event);
      if (refusals.length === 0) isMoving = true;
      else if (!mayWait(event, refusals)) return this.#reject(stream, refusals);
      else stuck.push({ stream, refusals });
    }
    if (isMoving || stuck.length === 0) return isMoving;
    if (this.#release(stuck)) return true;
    const [first] = stuck.sort((one, other) => urgency(one.refusals) - urgency(other.refusals));
    return first !== undefined && this.#reject(first.stream, first.refusals);
  }

  /** Empty when the event is accepted. */
  #try(stream: Stream, event: ProtocolEvent): readonly Refusal[] {
    const { told } = stream;
    const order = orderOf(event, told);
    if (order !== undefined) return [{ kind: 'order', reason: order }];
    const isNewLife = event.incarnation > told.incarnation;
    const before = isNewLife ? newLife(told, event.incarnation) : told;
    if (event.act === 'Connected' && !this.#released.has(event)) {
      if (!this.#connections.isHeard(event) && this.#passOver(stream, event)) return [];
      if (!this.#isAwaited(event)) return [NOT_AWAITED];
    }
    const around = {
      model: this.#model,
      watch: this.#watch,
      zxids: this.#zxids,
      common: this.#common,
      connections: this.#connections,
      told: before,
    };
    const ways: Attempt[] = [];
    const refusals: Refusal[] = [];
    for (const state of this.#frontier) {
      const attempt = new Attempt(around, state, event);
      const explained = explain(attempt, event).filter((way) => agreesWithPost(way));
      ways.push(...explained);
      if (explained.length === 0 && attempt.refusal !== undefined) refusals.push(attempt.refusal);
    }
    const [first] = ways;
    if (first === undefined) return refusals;
    this.#accept(stream, before, first, ways);
    return [];
  }

  #accept(stream: Stream, before: Told, first: Attempt, ways: readonly Attempt[]): void {
    const { event, steps, facts, tells } = first;
    if (event.act === 'Connected') this.#connections.made(event);
    if (event.act === 'FollowerInfoReceived') this.#connections.hears(event);
    for (const [name, value] of facts) this.#common.note(name, value);
    tells.n = event.n;
    tells.post = event.post;
    // In place: it is done for every event.
    stream.told = Object.assign(before, NOTHING_CERTAIN, tells);
    stream.at++;
    this.#frontier = ways.length === 1 ? [first.state] : distinct(ways.map(({ state }) => state));
    this.#count(steps);
    this.#recent.push({ event, steps });
    if (this.#recent.length > RECENT) this.#recent.shift();
    if (this.#events % COMPACT_EVERY === 0) this.#frontier = this.#frontier.map(compact);
  }

  #count(steps: readonly Step[]): void {
    this.#events++;
    this.#steps += steps.length;
    let silent = 0;
    for (const { isSilent } of steps) if (isSilent) silent++;
    this.#silentSteps += silent;
    this.#silentMax = Math.max(this.#silentMax, silent);
    this.#frontierMax = Math.max(this.#frontierMax, this.#frontier.length);
  }

  #reject({ at, events }: Stream, refusals: readonly Refusal[]): false {
    const event = events[at] as ProtocolEvent;
    const state = this.#frontier[0] as State;
    this.#rejected = { event, refusals, recent: this.#recent, state };
    return false;
  }

  // --- connections -------------------------------------------------------------------------------

  /**
   * A connection is made when its leader is about to hear of it, and no earlier: it replaces an older one
   * of the same two servers, of which the leader may still be reading.
   */
  #isAwaited(event: Connected): boolean {
    const { node, args, post } = event;
    const leader = this.#streams.find((stream) => stream.node === args.leader);
    const next = leader?.events[leader.at];
    return (
      next?.act === 'FollowerInfoReceived' &&
      next.args.from === node &&
      next.args.epoch === post.acceptedEpoch
    );
  }

  /** Its leader never hears of it: nothing has happened. */
  #passOver(stream: Stream, event: Connected): boolean {
    const i = sidOf(event.node);
    const leader = sidOf(event.args.leader);
    const isDialling = this.#frontier.every(({ servers }) => {
      return servers[i].phase === 'connecting' && servers[i].leader === leader;
    });
    if (!isDialling || stream.told.isUnheard) return false;
    const { n, post } = event;
    stream.told = { ...stream.told, n, post, isUnheard: true };
    stream.at++;
    this.#events++;
    this.#unheard++;
    return true;
  }

  /**
   * Nobody else can go on: a leader hears of a connection that a newer one has replaced; or hears of one when
   * its learner has left already.
   */
  #release(stuck: readonly Stuck[]): boolean {
    for (const { stream } of stuck) {
      const event = stream.events[stream.at];
      if (event?.act !== 'FollowerInfoReceived') continue;
      const isExplained = (): boolean => this.#try(stream, event).length === 0;
      if (this.#connections.comesLate(event, isExplained)) return true;
    }
    for (const { stream, refusals } of stuck) {
      if (refusals[0] !== NOT_AWAITED) continue;
      const event = stream.events[stream.at] as Connected;
      this.#released.add(event);
      if (this.#try(stream, event).length === 0) return true;
    }
    return false;
  }
}

/** What comes next, as long as an event says nothing about it. */
const NOTHING_CERTAIN: Pick<Told, 'next'> = { next: undefined };

const NOT_AWAITED: Refusal = {
  kind: 'guard',
  reason: 'the leader does not hear of this connection',
};

function explain(attempt: Attempt, event: ProtocolEvent): readonly Attempt[] {
  const { by, explain: explainAct } = acts[event.act] as Explain;
  // What ends a life, a role or a log is explained from where that was left.
  if (by !== 'composition' && attempt.told.isUp && !catchUp(attempt)) return [];
  const explained = explainAct(attempt, event);
  if (typeof explained === 'object') return explained;
  return explained ? [attempt] : [];
}

/** A broken promise is no matter of order. */
function mayWait({ act }: ProtocolEvent, refusals: readonly Refusal[]): boolean {
  const waits = (acts[act] as Explain).waits === true;
  return waits && refusals.every(({ kind }) => kind === 'guard' || kind === 'order');
}

/** Who only waits for others is the last to be blamed. */
function urgency([refusal]: readonly Refusal[]): number {
  if (refusal === NOT_AWAITED) return 2;
  return refusal?.kind === 'guard' ? 1 : 0;
}

/** Each server numbers its events. */
function orderOf(event: ProtocolEvent, told: Told): string | undefined {
  const { incarnation, n, act, post } = event;
  if (incarnation < told.incarnation) return `incarnation ${incarnation} is over`;
  const isNewLife = incarnation > told.incarnation;
  const last = isNewLife ? 0 : told.n;
  if (n !== last + 1) return `event ${last + 1} is missing: this is event ${n}`;
  if (isNewLife) return undefined;
  const { next } = told;
  if (next !== undefined && (act !== next.act || next.says?.(event) === false)) {
    return `${next.because}: ${next.act} should come next`;
  }
  const mayTell = !told.isEnding || act === 'ClockTicked' || act === 'Recovered';
  if (!mayTell) return 'its role has ended, and the disk was not read back yet';
  if (!told.isUp && act !== 'ClockTicked' && act !== 'Recovered') {
    return `nothing was read back from disk yet (${post.role})`;
  }
  return undefined;
}

/** All that was told is void, but for what the disk may have gone on with. */
const newLife = ({ snapshot }: Told, incarnation: number): Told => ({
  ...UNBORN,
  incarnation,
  snapshot,
});

function distinct(states: readonly State[]): readonly State[] {
  const result: State[] = [];
  for (const state of states) {
    if (result.length < FRONTIER_LIMIT && !result.some((other) => equal(other, state))) {
      result.push(state);
    }
  }
  return result;
}
