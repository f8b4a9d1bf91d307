/**
 * What an experiment is written against: one ensemble in any world, its clients, and faults. An experiment
 * is a *script*, a generator that yields whatever takes time, so that the same text runs in simulation,
 * where nothing may be awaited, and on real servers.
 *
 *   const client = scene.client([2]);
 *   yield* client.ask(zk.create('/a'));
 *   yield* scene.inject({ action: 'kill', node: 2 });
 *
 * A script that cannot do what it wants throws, and its run proves nothing.
 */
import type { ProtocolEvent } from '../../base/protocol-event.ts';
import { messageOf } from '../../base/thrown.ts';
import { type Program, type SessionView, ZkError } from '../../client/index.ts';
import type { Injection, ProbeResult, World, WorldClient } from '../../harness/index.ts';

type Resume = (value: unknown) => void;
/** Starts something and calls back once. */
type Step = (resume: Resume) => void;
export type Script<T> = Generator<Step, T, unknown>;

/** Answered at once, or by a script. */
type Question = () => boolean | Script<boolean>;

export type Mode = Extract<ProbeResult, { probe: 'mode' }>['mode'];
export type Attempt<T> =
  | { readonly ok: true; readonly value: T }
  /** The error's code; `timeout` where no answer came. */
  | { readonly ok: false; readonly error: string };

/** The longest that anything may take; on a loaded host everything takes longer. */
const PATIENCE_MS = 60_000;
const POLL_MS = 50;

export class SceneError extends Error {
  override readonly name = 'SceneError';
}

export interface SeenEvent {
  /** On the world's clock, when it was heard of. */
  readonly atMs: number;
  readonly event: ProtocolEvent;
}

export interface ClientWish {
  readonly sessionTimeoutMs?: number;
  /** Called for each watch event. */
  readonly onNotified?: () => void;
}

export class Scene {
  readonly world: World;
  readonly nodes: readonly number[];
  readonly tickMs: number;
  /** After this a leader or follower that hears nobody gives up. */
  readonly syncLimitMs: number;
  /** The longest that the servers grant. */
  readonly sessionTimeoutMs: number;
  readonly seed: string;
  /** In the order in which they were heard of; of one server in the order of its own. */
  readonly events: SeenEvent[] = [];
  #nextClient = 1;

  constructor(world: World, options: SceneOptions) {
    this.world = world;
    this.seed = options.seed;
    this.nodes = Array.from({ length: options.nodes }, (_, index) => index + 1);
    this.tickMs = options.tickTimeMs;
    this.syncLimitMs = options.tickTimeMs * options.syncLimit;
    this.sessionTimeoutMs = options.sessionTimeoutMs;
    world.onEvent((event) => this.events.push({ atMs: this.nowMs(), event }));
  }

  nowMs(): number {
    return this.world.nowNs() / 1e6;
  }

  /** A new session on these servers, in any order; one entry pins it. */
  client(servers: readonly number[] = this.nodes, wish: ClientWish = {}): Actor {
    const id = this.#nextClient++;
    const { sessionTimeoutMs = this.sessionTimeoutMs, onNotified } = wish;
    const client = this.world.openClient({
      id,
      servers,
      sessionTimeoutMs,
      label: `experiment/${id}`,
      observed: ({ type }) => {
        if (type === 'notified') onNotified?.();
      },
    });
    return new Actor(this.world, client);
  }

  *sleep(durationMs: number): Script<void> {
    yield (resume) => this.world.schedule(durationMs, () => resume(undefined));
  }

  *inject(...injections: readonly Injection[]): Script<void> {
    for (const injection of injections) {
      const error = (yield (resume) => this.world.inject(injection, resume)) as string | undefined;
      if (error !== undefined) throw new SceneError(`${injection.action}: ${error}`);
    }
  }

  *modes(): Script<ReadonlyMap<number, Mode>> {
    const found = new Map<number, Mode>();
    for (const node of this.nodes) found.set(node, yield* this.mode(node));
    return found;
  }

  *mode(node: number): Script<Mode> {
    const result = (yield (resume) =>
      this.world.probe({ probe: 'mode', node }, resume)) as ProbeResult;
    return result.probe === 'mode' ? result.mode : 'unreachable';
  }

  /** Asks again and again; false after `limitMs`. */
  *until(isSo: Question, limitMs = PATIENCE_MS): Script<boolean> {
    const deadlineMs = this.nowMs() + limitMs;
    for (;;) {
      const answer = isSo();
      if (typeof answer === 'boolean' ? answer : yield* answer) return true;
      if (this.nowMs() >= deadlineMs) return false;
      yield* this.sleep(POLL_MS);
    }
  }

  *must(what: string, isSo: Question): Script<void> {
    if (!(yield* this.until(isSo))) throw new SceneError(`this did not come: ${what}`);
  }

  /** Waits until one of them leads and the others follow it; answers with the leader. */
  *serving(nodes: readonly number[] = this.nodes): Script<number> {
    let leader = 0;
    yield* this.must(
      `servers ${nodes.join(', ')} serve`,
      function* (this: Scene): Script<boolean> {
        const modes: Mode[] = [];
        for (const node of nodes) modes.push(yield* this.mode(node));
        leader = nodes[modes.findIndex((mode) => mode === 'leader' || mode === 'standalone')] ?? 0;
        return (
          leader > 0 && modes.filter((mode) => mode === 'follower').length === nodes.length - 1
        );
      }.bind(this),
    );
    return leader;
  }

  others(node: number): readonly number[] {
    return this.nodes.filter((one) => one !== node);
  }

  /** Nothing passes between the two sides, in either direction; verified from both. */
  *cut(side: readonly number[], rest: readonly number[]): Script<void> {
    yield* this.sever(linksBetween(side, rest));
    yield* this.verify(linksBetween(side, rest), 'blocked');
  }

  *join(side: readonly number[], rest: readonly number[]): Script<void> {
    const links = linksBetween(side, rest);
    yield* this.inject(...links.map(([from, to]) => ({ action: 'join', from, to }) as const));
    yield* this.verify(links, 'open');
  }

  /** Directed links. To verify takes time, which some scripts do not have just then. */
  *sever(links: readonly Link[]): Script<void> {
    yield* this.inject(...links.map(([from, to]) => ({ action: 'cut', from, to }) as const));
  }

  *verify(links: readonly Link[], state: 'open' | 'blocked'): Script<void> {
    const { world } = this;
    const names = links.map((link) => link.join(' → ')).join(', ');
    yield* this.must(`the links ${names} are ${state}`, function* (): Script<boolean> {
      const found: ProbeResult[] = [];
      yield (resume) => {
        for (const [from, to] of links) {
          world.probe({ probe: 'link', from, to }, (result) => {
            if (found.push(result) === links.length) resume(undefined);
          });
        }
      };
      return found.every((one) => one.probe === 'link' && one.state === state);
    });
  }

  /** What a server told since the given moment. */
  told(act: ProtocolEvent['act'], since = 0): readonly SeenEvent[] {
    return this.events.filter(({ atMs, event }) => atMs >= since && event.act === act);
  }
}

export interface SceneOptions {
  readonly seed: string;
  readonly nodes: number;
  readonly tickTimeMs: number;
  readonly syncLimit: number;
  readonly sessionTimeoutMs: number;
}

export type Link = readonly [from: number, to: number];

/** Both directions of every pair. */
export function linksBetween(side: readonly number[], rest: readonly number[]): readonly Link[] {
  return side.flatMap((one) =>
    rest.flatMap((other): Link[] => [
      [one, other],
      [other, one],
    ]),
  );
}

/** One client. */
export class Actor {
  readonly #world: World;
  readonly #client: WorldClient;

  constructor(world: World, client: WorldClient) {
    this.#world = world;
    this.#client = client;
  }

  get session(): SessionView {
    return this.#client.session();
  }

  /** The answer; anything else ends the script. */
  *ask<T>(program: Program<T>): Script<T> {
    const outcome = yield* this.attempt(program, PATIENCE_MS);
    if (!outcome.ok) throw new SceneError(`a client was not served: ${outcome.error}`);
    return outcome.value;
  }

  *attempt<T>(program: Program<T>, withinMs = PATIENCE_MS): Script<Attempt<T>> {
    return yield* this.start(program, withinMs).ending();
  }

  /** Goes on beside the script. */
  start<T>(program: Program<T>, withinMs = PATIENCE_MS): Running<T> {
    return new Running(this.#world, this.#client, program, withinMs);
  }

  /** Asks until the ensemble is back; the program must bear repeating. */
  *persist<T>(make: () => Program<T>): Script<T> {
    const deadlineNs = this.#world.nowNs() + PATIENCE_MS * 1e6;
    for (;;) {
      const outcome = yield* this.attempt(make());
      if (outcome.ok) return outcome.value;
      const isOver = outcome.error !== 'ConnectionLoss' || this.#world.nowNs() > deadlineNs;
      if (isOver) throw new SceneError(`a client was not served: ${outcome.error}`);
    }
  }

  /** As a process that crashes or is paused: its session is left to expire. */
  drop(): void {
    this.#client.drop();
  }
}

export class Running<T> {
  #outcome: Attempt<T> | undefined;
  #resume: Resume | undefined;

  constructor(world: World, client: WorldClient, program: Program<T>, withinMs: number) {
    const running = client.run(program, (ended) => {
      timeout.cancel();
      this.#end(
        ended.ok
          ? { ok: true, value: ended.value as T }
          : { ok: false, error: nameOf(ended.error) },
      );
    });
    const timeout = world.schedule(withinMs, () => {
      running.cancel();
      this.#end({ ok: false, error: 'timeout' });
    });
  }

  #end(outcome: Attempt<T>): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    this.#resume?.(undefined);
  }

  /** Undefined while it goes on. */
  get outcome(): Attempt<T> | undefined {
    return this.#outcome;
  }

  *ending(): Script<Attempt<T>> {
    if (this.#outcome === undefined) {
      yield (resume) => {
        this.#resume = resume;
      };
    }
    return this.#outcome as Attempt<T>;
  }
}

function nameOf(error: unknown): string {
  if (error instanceof ZkError) return error.code;
  return messageOf(error);
}

export type Ending = { readonly ok: true } | { readonly ok: false; readonly error: string };

/** Runs a script to its end; callbacks may come at once or later. */
export function play(script: Script<void>, done: (ending: Ending) => void): void {
  const advance = (first: unknown): void => {
    let value = first;
    for (;;) {
      let isAtOnce = true;
      let hasCome = false;
      let step: IteratorResult<Step, void>;
      try {
        step = script.next(value);
      } catch (error) {
        done({ ok: false, error: wordsOf(error) });
        return;
      }
      if (step.done === true) {
        done({ ok: true });
        return;
      }
      step.value((answer) => {
        if (!isAtOnce) {
          advance(answer);
          return;
        }
        hasCome = true;
        value = answer;
      });
      isAtOnce = false;
      if (!hasCome) return;
    }
  };
  advance(undefined);
}

function wordsOf(error: unknown): string {
  if (error instanceof SceneError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
