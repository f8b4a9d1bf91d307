/**
 * Runs a plan in a world, whichever it is: everything is callbacks, nothing is awaited.
 *
 *   start, wait until the ensemble serves → setup → workload with faults → heal all, verified → settle →
 *   wait until everyone serves → the same clients go on → read everything from every server → close → stop, collect the files
 *
 * What it finds is only recorded here; the judge decides what it means.
 */
import type { ProtocolEvent } from '../base/protocol-event.ts';
import type { JournalRecord } from '../checker/zookeeper/journal.ts';
import type { Program } from '../client/core/program.ts';
import { ClientRunner, type RunContext } from './client-runner.ts';
import { awaitServing, describeModes, probeModes } from './ensemble.ts';
import type { Evidence, TimedEvent } from './evidence.ts';
import { HistoryRecorder } from './history.ts';
import { Nemesis } from './nemesis/nemesis.ts';
import type { Plan, PlanOperation } from './plan.ts';
import type { FaultRecord } from './result.ts';
import { SessionJournal } from './session-journal.ts';
import type { Workload } from './workload.ts';
import type { TapRecording } from './world/wire-tap/wire-tap.ts';
import type { ServerExit, ServerFiles, World } from './world/world.ts';

/** Something that was owed by the ensemble and did not come. */
export interface Unavailability {
  readonly phase: 'start' | 'setup' | 'final';
  readonly message: string;
  readonly time: number;
}

export interface Recording {
  readonly history: Evidence['history'];
  readonly sessions?: readonly JournalRecord[];
  readonly events: ReadonlyMap<number, readonly TimedEvent[]>;
  readonly files: ReadonlyMap<number, ServerFiles>;
  /** What passed on the wires, where the world taps them. */
  readonly wires?: TapRecording;
  readonly faults: readonly FaultRecord[];
  readonly unavailable: readonly Unavailability[];
  readonly exits: readonly ServerExit[];
  readonly logs: ReadonlyMap<number, readonly string[]>;
  /** Faults of the harness, the workload or the host: the run proves nothing. */
  readonly problems: readonly string[];
  readonly maxLagMs: number;
  /** Nanoseconds at which the workload phase began and ended. */
  readonly workloadNs: readonly [number, number];
  readonly durationNs: number;
}

const SETUP_ATTEMPTS = 5;
const SETUP_RETRY_MS = 1000;
const FINAL_ATTEMPTS = 8;
const FINAL_RETRY_MS = 500;
const LAG_POLL_MS = 250;
const CLOSE_TIMEOUT_MS = 3000;
/** After the last write, so that commits and flushes reach everyone. */
const QUIET_TICKS = 6;
const FINAL_CLIENT_ID = 1000;
const MAX_OVERTIME_MS = 20_000;
const MIN_RECOVERY_MS = 1000;
const MAX_RECOVERY_MS = 20_000;

export function interpret(
  plan: Plan,
  world: World,
  workload: Workload,
  done: (recording: Recording) => void,
): void {
  new Interpreter(plan, world, workload, done).start();
}

/** One shape for all, so that the checkers read hundreds of thousands of them quickly. */
function timedEvent(event: ProtocolEvent, time: number): TimedEvent {
  const { v, node, incarnation, n, now, wallMs, act, args, post } = event;
  return { v, node, incarnation, n, now, wallMs, act, args, post, time } as TimedEvent;
}

class Interpreter {
  readonly #plan: Plan;
  readonly #world: World;
  readonly #workload: Workload;
  readonly #done: (recording: Recording) => void;
  readonly #recorder: HistoryRecorder;
  readonly #journal: SessionJournal;
  readonly #nemesis: Nemesis;
  readonly #run: RunContext;
  readonly #nodes: readonly number[];
  readonly #events = new Map<number, TimedEvent[]>();
  readonly #unavailable: Unavailability[] = [];
  readonly #problems: string[] = [];
  readonly #runners: ClientRunner[] = [];
  #maxLagMs = 0;
  #workloadNs: [number, number] = [0, 0];
  #isHealing = false;
  #isFinished = false;

  constructor(plan: Plan, world: World, workload: Workload, done: (recording: Recording) => void) {
    this.#plan = plan;
    this.#world = world;
    this.#workload = workload;
    this.#done = done;
    this.#nodes = Array.from({ length: plan.cluster.nodes }, (_, index) => index + 1);
    for (const sid of this.#nodes) this.#events.set(sid, []);
    this.#recorder = new HistoryRecorder(world, plan.clients.length);
    this.#journal = new SessionJournal(world);
    this.#nemesis = new Nemesis(plan, world, this.#recorder);
    this.#run = {
      plan,
      world,
      workload,
      recorder: this.#recorder,
      journal: this.#journal,
      problem: (text) => this.#problem(text),
    };
    world.onEvent((event) => {
      this.#events.get(event.node)?.push(timedEvent(event, world.nowNs()));
    });
  }

  /** Bounded: a workload that breaks on every operation would drown the first reason. */
  #problem(text: string): void {
    if (this.#problems.length < 20) this.#problems.push(text);
  }

  start(): void {
    const { services } = this.#workload;
    for (const [target, answer] of services?.call(this.#workload) ?? []) {
      this.#world.serve(target, answer);
    }
    this.#pollLag();
    this.#phase('start');
    this.#world.start((error) => {
      if (error !== undefined) {
        this.#problem(`the ensemble cannot be started: ${error}`);
        this.#stop();
        return;
      }
      this.#awaitServing('start', () => this.#setup(1));
    });
  }

  #phase(name: string): void {
    this.#recorder.add({ process: 'nemesis', type: 'info', f: 'phase', value: name });
  }

  #pollLag(): void {
    this.#maxLagMs = Math.max(this.#maxLagMs, this.#world.takeLagMs());
    if (!this.#isFinished) this.#world.schedule(LAG_POLL_MS, () => this.#pollLag());
  }

  #unavailableIn(phase: Unavailability['phase'], message: string): void {
    this.#unavailable.push({ phase, message, time: this.#world.nowNs() });
  }

  /** Goes on only where the ensemble serves; otherwise the run ends with that as its finding. */
  #awaitServing(phase: 'start' | 'final', next: () => void): void {
    const { timeoutMs } = this.#plan.final;
    awaitServing(this.#world, this.#nodes, timeoutMs, (isServing, modes) => {
      if (isServing) {
        next();
        return;
      }
      const when = phase === 'start' ? 'its start' : 'everything was healed';
      this.#unavailableIn(
        phase,
        `the ensemble did not serve within ${timeoutMs} ms after ${when}: ${describeModes(modes)}`,
      );
      this.#stop();
    });
  }

  #setup(attempt: number): void {
    const label = `setup/${attempt}`;
    const client = this.#world.openClient({
      id: -1,
      servers: this.#nodes,
      sessionTimeoutMs: this.#plan.knobs.sessionTimeoutMs,
      label,
      observed: this.#journal.observer(label),
    });
    const { workload, plan, world } = {
      workload: this.#workload,
      plan: this.#plan,
      world: this.#world,
    };
    function* body(): Program<void> {
      yield { call: 'connected' };
      yield* workload.setup(plan.workloadParams);
      yield { call: 'request', request: { op: 'close' } };
    }
    let isDone = false;
    const finish = (error: string | undefined): void => {
      if (isDone) return;
      isDone = true;
      timeout.cancel();
      client.drop();
      if (error === undefined) {
        this.#work();
      } else if (attempt < SETUP_ATTEMPTS) {
        world.schedule(SETUP_RETRY_MS, () => this.#setup(attempt + 1));
      } else {
        this.#unavailableIn('setup', `the setup failed ${attempt} times, last with: ${error}`);
        this.#stop();
      }
    };
    client.run(body(), (outcome) => finish(outcome.ok ? undefined : String(outcome.error)));
    // As long as everything else that is awaited: a setup may be many operations.
    const timeout = world.schedule(plan.final.timeoutMs, () => finish('a timeout'));
  }

  #work(): void {
    this.#phase('workload');
    const { clients, knobs } = this.#plan;
    const startNs = this.#world.nowNs();
    const endNs = startNs + knobs.timeLimitMs * 1e6;
    this.#workloadNs = [startNs, endNs];
    this.#nemesis.start();
    this.#noteModes();
    // A fault that had to wait for another still meets operations.
    const lastNs = endNs + MAX_OVERTIME_MS * 1e6;
    const isOver = (): boolean => {
      const nowNs = this.#world.nowNs();
      return nowNs >= lastNs || (nowNs >= endNs && !this.#nemesis.hasMore);
    };
    let left = clients.length;
    const finish = (): void => {
      if (--left === 0) this.#heal();
    };
    if (left === 0) {
      this.#world.schedule(knobs.timeLimitMs, () => this.#heal());
      return;
    }
    for (const [index, client] of clients.entries()) {
      const runner = new ClientRunner(this.#run, {
        id: client.id,
        servers: this.#nodes,
        startNs,
        firstProcess: index,
      });
      this.#runners.push(runner);
      runner.work(client.ops, isOver, finish);
    }
  }

  /** Who serves, by the servers' own word, where the plan wants to know. */
  #noteModes(): void {
    const { modesEveryMs } = this.#plan;
    if (modesEveryMs === undefined || this.#isHealing) return;
    probeModes(this.#world, this.#nodes, (modes) => {
      if (this.#isHealing) return;
      const value = Object.fromEntries(modes);
      this.#recorder.add({ process: 'nemesis', type: 'info', f: 'modes', value });
      this.#world.schedule(modesEveryMs, () => this.#noteModes());
    });
  }

  #heal(): void {
    this.#isHealing = true;
    this.#workloadNs[1] = this.#world.nowNs();
    this.#phase('heal');
    this.#nemesis.healAll(() => this.#restartEnded(() => this.#settle()));
  }

  /** Servers that ended by themselves are started again: their data must still be there. */
  #restartEnded(next: () => void): void {
    let left = this.#nodes.length;
    const finish = (): void => {
      if (--left === 0) next();
    };
    for (const node of this.#nodes) {
      this.#world.probe({ probe: 'process', node }, (result) => {
        if (result.probe !== 'process' || result.state !== 'dead') finish();
        else this.#world.inject({ action: 'start', node }, finish);
      });
    }
  }

  #settle(): void {
    this.#phase('settle');
    this.#world.schedule(this.#plan.final.settleMs, () =>
      this.#awaitServing('final', () => this.#recover()),
    );
  }

  /**
   * The same clients are served again: they go on with their plans, for a second at least, and until every
   * owed kind of operation has succeeded once more or the time for it is over.
   */
  #recover(): void {
    this.#phase('recovery');
    const startNs = this.#world.nowNs();
    const startIndex = this.#recorder.entries.length;
    const { owedKinds } = this.#workload;
    const isOver = (): boolean => {
      const elapsedMs = (this.#world.nowNs() - startNs) / 1e6;
      if (elapsedMs < MIN_RECOVERY_MS) return false;
      if (elapsedMs >= MAX_RECOVERY_MS) return true;
      return owedKinds.every((f) => this.#recorder.hasSucceeded(f, startIndex));
    };
    const finish = (): void => {
      this.#phase('final');
      this.#closeRunners(this.#runners, () => this.#readFrom(0));
    };
    let left = this.#runners.length;
    if (left === 0) finish();
    for (const [index, runner] of this.#runners.entries()) {
      runner.work(this.#plan.clients[index]?.ops ?? [], isOver, () => {
        if (--left === 0) finish();
      });
    }
  }

  #closeRunners(runners: readonly ClientRunner[], next: () => void): void {
    let left = runners.length;
    if (left === 0) next();
    for (const runner of runners) {
      runner.close(CLOSE_TIMEOUT_MS, () => {
        if (--left === 0) next();
      });
    }
  }

  #readFrom(index: number): void {
    const sid = this.#nodes[index];
    if (sid === undefined) {
      const quietMs = QUIET_TICKS * this.#plan.cluster.tickTimeMs;
      this.#world.schedule(quietMs, () => this.#stop());
      return;
    }
    const now = this.#world.nowNs();
    const runner = new ClientRunner(this.#run, {
      id: FINAL_CLIENT_ID + sid,
      servers: [sid],
      startNs: now,
      firstProcess: this.#recorder.newProcess(),
    });
    const ops = this.#workload.final(this.#plan.workloadParams).map((op) => ({
      ...op,
      id: `${op.id}@${sid}`,
    }));
    this.#readAll(runner, ops, 0, sid, () =>
      runner.close(CLOSE_TIMEOUT_MS, () => this.#readFrom(index + 1)),
    );
  }

  #readAll(
    runner: ClientRunner,
    ops: readonly PlanOperation[],
    index: number,
    sid: number,
    next: () => void,
  ): void {
    const op = ops[index];
    if (op === undefined) {
      next();
      return;
    }
    const attempt = (count: number): void =>
      runner.runOne(op, (ending) => {
        if (ending.type === 'ok') {
          this.#readAll(runner, ops, index + 1, sid, next);
        } else if (count < FINAL_ATTEMPTS) {
          this.#world.schedule(FINAL_RETRY_MS, () => attempt(count + 1));
        } else {
          // A program that breaks says nothing about the server; it is noted as a problem already.
          if (ending.problem !== undefined) {
            next();
            return;
          }
          const error = ending.error ?? ending.type;
          this.#unavailableIn(
            'final',
            `server ${sid} did not answer ${op.f} ${op.key ?? ''} after the heal: ${error}`,
          );
          next();
        }
      });
    attempt(1);
  }

  #stop(): void {
    const world = this.#world;
    const durationNs = world.nowNs();
    this.#isFinished = true;
    world.stop((files, error) => {
      if (error !== undefined) this.#problems.push(`the world could not be stopped well: ${error}`);
      const wires = world.wires?.();
      this.#done({
        ...(wires === undefined ? {} : { wires }),
        history: this.#recorder.entries,
        sessions: this.#journal.records,
        events: this.#events,
        files,
        faults: this.#nemesis.records,
        unavailable: this.#unavailable,
        exits: world.exits(),
        logs: new Map(this.#nodes.map((sid) => [sid, world.logs(sid)] as const)),
        problems: this.#problems,
        maxLagMs: this.#maxLagMs,
        workloadNs: this.#workloadNs,
        durationNs,
      });
    });
  }
}
