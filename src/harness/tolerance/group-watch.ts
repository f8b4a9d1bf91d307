/**
 * One group of servers that can reach each other: its client, which is pinned to it, and what its servers say
 * of themselves while a fault holds.
 */
import type { Program, ProgramOutcome } from '../../client/core/program.ts';
import { toBytes, toText, zk } from '../../client/core/zk.ts';
import { describeModes, type Mode } from '../ensemble.ts';
import type { ClusterSpec } from '../plan.ts';
import type { World, WorldClient } from '../world/world.ts';

export type Outcome = 'served' | 'refused' | 'unclear';

export interface GroupObservation {
  readonly members: readonly number[];
  readonly outcome: Outcome;
  /** The one who led when the fault struck was among them. */
  readonly hadLeader: boolean;
  /** Milliseconds from the verified fault to the acknowledged write, where there was one. */
  readonly servedAfterMs: number | null;
  /** How long every member had answered nothing else but that it is not serving. */
  readonly refusedForMs: number;
  /** From the verified fault to its heal. */
  readonly watchedMs: number;
  /** Answers `not serving`, by sid. */
  readonly refusals: Readonly<Record<number, number>>;
  /** The client was served again after the heal. */
  readonly isServedAgain: boolean;
  /** In one sentence, for the table. */
  readonly evidence: string;
}

export interface ObserveOptions {
  readonly cluster: ClusterSpec;
  readonly sessionTimeoutMs: number;
  readonly seed: string;
  /** Unique within the world: names nodes and client streams. */
  readonly label: string;
  /** So long must every server of a group say that it is not serving. */
  readonly patienceMs: number;
}

const RETRY_MS = 100;
const CLOSE_MS = 2000;

export class GroupWatch {
  readonly name: string;
  readonly members: readonly number[];
  readonly #world: World;
  readonly #options: ObserveOptions;
  readonly #hadLeader: boolean;
  readonly #path: string;
  readonly #label: string;
  #client: WorldClient;
  #sessions = 0;
  #writes = 0;
  readonly #refusals = new Map<number, number>();
  #modes: ReadonlyMap<number, Mode> = new Map();
  #beganNs = 0;
  #refusedSinceNs: number | undefined;
  #refusedForMs = 0;
  #watchedMs = 0;
  #servedAfterMs: number | null = null;
  #asking: { cancel(): void } | undefined;
  #isWatching = false;
  isServedAgain = false;
  lastError = 'nothing was answered';

  constructor(
    world: World,
    options: ObserveOptions,
    members: readonly number[],
    index: number,
    leader: number,
  ) {
    this.#world = world;
    this.#options = options;
    this.members = members;
    this.name = `the client of ${members.join(' ')}`;
    this.#hadLeader = members.includes(leader);
    this.#label = `tolerance/${options.label}/${index}`;
    this.#path = `/tolerance-${options.label}-${index}`;
    this.#client = this.#open();
  }

  get outcome(): Outcome {
    if (this.#servedAfterMs !== null) return 'served';
    return this.#refusedForMs >= this.#options.patienceMs ? 'refused' : 'unclear';
  }

  #open(): WorldClient {
    return this.#world.openClient({
      id: 1,
      servers: this.members,
      sessionTimeoutMs: this.#options.sessionTimeoutMs,
      label: `${this.#label}/${this.#sessions++}`,
    });
  }

  /** Writes and reads back until it is served once. */
  serve(timeoutMs: number, done: (isServed: boolean) => void): void {
    const timeout = this.#world.schedule(timeoutMs, () => {
      asking.cancel();
      done(false);
    });
    const asking = this.#ask(() => {
      timeout.cancel();
      done(true);
    });
  }

  /** The fault holds: from now on every acknowledged write counts. */
  begin(): void {
    this.#beganNs = this.#world.nowNs();
    this.#isWatching = true;
    this.#asking = this.#ask(() => {
      this.#servedAfterMs ??= Math.round((this.#world.nowNs() - this.#beganNs) / 1e6);
    });
  }

  saw(modes: ReadonlyMap<number, Mode>): void {
    if (!this.#isWatching) return;
    this.#modes = new Map(
      this.members.map((sid) => [sid, modes.get(sid) ?? 'unreachable'] as const),
    );
    for (const [sid, mode] of this.#modes) {
      if (mode === 'not-serving') this.#refusals.set(sid, (this.#refusals.get(sid) ?? 0) + 1);
    }
    const nowNs = this.#world.nowNs();
    if ([...this.#modes.values()].every((mode) => mode === 'not-serving')) {
      this.#refusedSinceNs ??= nowNs;
      this.#refusedForMs = Math.round((nowNs - this.#refusedSinceNs) / 1e6);
    } else {
      this.#refusedSinceNs = undefined;
      this.#refusedForMs = 0;
    }
  }

  end(): void {
    this.#isWatching = false;
    this.#watchedMs = Math.round((this.#world.nowNs() - this.#beganNs) / 1e6);
    this.#asking?.cancel();
  }

  /** A write that is acknowledged, and a read of the same session that sees it; retried until then. */
  #ask(served: () => void): { cancel(): void } {
    let isOver = false;
    let running: { cancel(): void } | undefined;
    const attempt = (): void => {
      if (isOver) return;
      const text = `${++this.#writes}`;
      running = this.#client.run(writeAndRead(this.#path, text), (outcome) => {
        if (isOver) return;
        if (outcome.ok && outcome.value === text) {
          isOver = true;
          served();
          return;
        }
        this.lastError = errorOf(outcome);
        // A session that ended while its group was cut off: the same client asks for a new one.
        if (this.#client.session().state === 'lost') {
          this.#client.drop();
          this.#client = this.#open();
        }
        this.#world.schedule(RETRY_MS, attempt);
      });
    };
    attempt();
    return {
      cancel: () => {
        isOver = true;
        running?.cancel();
      },
    };
  }

  close(done: (isDone: boolean) => void): void {
    let isOver = false;
    const finish = (): void => {
      if (isOver) return;
      isOver = true;
      timeout.cancel();
      this.#client.drop();
      done(true);
    };
    const timeout = this.#world.schedule(CLOSE_MS, finish);
    this.#client.run(closeSession(), finish);
  }

  observation(): GroupObservation {
    const outcome = this.outcome === 'refused' && !this.isServedAgain ? 'unclear' : this.outcome;
    return {
      members: this.members,
      outcome,
      hadLeader: this.#hadLeader,
      servedAfterMs: this.#servedAfterMs,
      refusedForMs: this.#refusedForMs,
      watchedMs: this.#watchedMs,
      refusals: Object.fromEntries(this.#refusals),
      isServedAgain: this.isServedAgain,
      evidence: this.#evidence(outcome),
    };
  }

  #evidence(outcome: Outcome): string {
    const again = this.isServedAgain ? 'served again after the heal' : 'NOT served after the heal';
    if (outcome === 'served') {
      return `a write was acknowledged and read back ${this.#servedAfterMs} ms into the fault; ${again}`;
    }
    const counts = this.members.map((sid) => `${sid} ${this.#refusals.get(sid) ?? 0}×`).join(', ');
    if (outcome === 'refused') {
      return `not serving for ${this.#refusedForMs} ms, answered by ${counts}; ${again}`;
    }
    return (
      `last seen ${describeModes(this.#modes)}; not serving answered by ${counts}; ` +
      `the client last heard ${this.lastError}; ${again}`
    );
  }
}

function* writeAndRead(path: string, text: string): Program<string | null> {
  yield { call: 'connected' };
  if ((yield* zk.exists(path)).stat === null) yield* zk.create(path, toBytes(text));
  yield* zk.setData(path, toBytes(text));
  const { data } = yield* zk.getData(path);
  return toText(data);
}

function* closeSession(): Program<unknown> {
  return yield { call: 'request', request: { op: 'close' } };
}

function errorOf(outcome: ProgramOutcome): string {
  if (outcome.ok) return `another value than it had written: ${String(outcome.value)}`;
  return outcome.error instanceof Error ? outcome.error.message : String(outcome.error);
}
