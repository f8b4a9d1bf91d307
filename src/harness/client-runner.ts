/**
 * Runs the operations of one client of the plan, one after another. An operation that is not answered in
 * time ends as `info`, and its client with it: like a crashed process it leaves its session to expire,
 * and a new process with a new session goes on. So does a client whose session was lost.
 */
import { prngStream } from '../base/prng.ts';
import { formatHex } from '../base/zxid.ts';
import type { Program } from '../client/core/program.ts';
import type { HistoryRecorder } from './history.ts';
import { type Ending, endingOf } from './outcome.ts';
import type { Plan, PlanOperation } from './plan.ts';
import type { SessionJournal } from './session-journal.ts';
import type { OperationResult, Workload } from './workload.ts';
import type { World, WorldClient } from './world/world.ts';

export interface RunContext {
  readonly plan: Plan;
  readonly world: World;
  readonly workload: Workload;
  readonly recorder: HistoryRecorder;
  readonly journal: SessionJournal;
  /** Adds a fault of the harness or of the workload. */
  readonly problem: (text: string) => void;
}

export interface RunnerOptions {
  readonly id: number;
  readonly servers: readonly number[];
  /** Nanoseconds on the world's clock to which `at` refers. */
  readonly startNs: number;
  readonly firstProcess: number;
}

export class ClientRunner {
  readonly #run: RunContext;
  readonly #options: RunnerOptions;
  #client: WorldClient;
  #generation = 0;
  #process: number;
  #nextOp = 0;
  readonly #memory = new Map<string, unknown>();

  constructor(run: RunContext, options: RunnerOptions) {
    this.#run = run;
    this.#options = options;
    this.#process = options.firstProcess;
    this.#client = this.#open();
  }

  #open(): WorldClient {
    const { id, servers } = this.#options;
    const { world, plan, journal } = this.#run;
    const label = `client/${id}/${this.#generation++}`;
    return world.openClient({
      id,
      servers,
      sessionTimeoutMs: plan.knobs.sessionTimeoutMs,
      label,
      observed: journal.observer(label),
    });
  }

  #reopen(): void {
    this.#client.drop();
    this.#memory.clear();
    this.#client = this.#open();
  }

  /** Goes on with the operations of its plan until there are none or `isOver`; the session stays open. */
  work(ops: readonly PlanOperation[], isOver: () => boolean, done: () => void): void {
    const { world } = this.#run;
    const step = (): void => {
      const op = ops[this.#nextOp];
      if (op === undefined || isOver()) {
        done();
        return;
      }
      const { at, after = 0 } = op;
      const waitMs = at === undefined ? after : (this.#options.startNs - world.nowNs()) / 1e6 + at;
      world.schedule(Math.max(0, waitMs), () => {
        if (isOver()) {
          done();
          return;
        }
        this.#nextOp++;
        this.runOne(op, step);
      });
    };
    step();
  }

  /** One operation; calls back with how it ended. */
  runOne(op: PlanOperation, done: (ending: Ending) => void): void {
    const { plan, world, workload, recorder } = this.#run;
    const { id } = this.#options;
    const context = {
      client: id,
      memory: this.#memory,
      prng: prngStream(plan.seed, `op/${op.id}`),
    };
    let hasBegun = false;
    let isDone = false;
    function* body(): Program<OperationResult> {
      yield { call: 'connected' };
      // Given up at this very moment: it was told that nothing happened, so nothing may.
      if (isDone) return { type: 'fail', error: 'NotConnected' };
      hasBegun = true;
      return yield* workload.operation(op, context);
    }
    recorder.add({ ...this.#entry(op), type: 'invoke', ...valueOf(op.value) });
    const finish = (ending: Ending): void => {
      if (isDone) return;
      isDone = true;
      timeout.cancel();
      this.#complete(op, ending);
      done(ending);
    };
    const running = this.#client.run(body(), (outcome) => finish(endingOf(outcome, hasBegun)));
    const timeout = world.schedule(plan.knobs.operationTimeoutMs, () => {
      if (isDone) return;
      running.cancel();
      finish({ type: hasBegun ? 'info' : 'fail', error: hasBegun ? 'timeout' : 'NotConnected' });
    });
  }

  #entry(op: PlanOperation): {
    process: number;
    f: string;
    key?: string;
    client: number;
    op: string;
  } {
    const { id } = this.#options;
    const entry = { process: this.#process, f: op.f, client: id, op: op.id };
    return op.key === undefined ? entry : { ...entry, key: op.key };
  }

  #complete(op: PlanOperation, ending: Ending): void {
    const { recorder, problem } = this.#run;
    const view = this.#client.session();
    const { type, value = op.value, zxid, error } = ending;
    const { servers } = this.#options;
    const node = view.server ?? (servers.length === 1 ? servers[0] : undefined);
    recorder.add({
      ...this.#entry(op),
      type,
      ...valueOf(value),
      ...(error === undefined ? {} : { error }),
      ...(node === undefined ? {} : { node }),
      ...(view.sessionId === 0n ? {} : { session: formatHex(view.sessionId) }),
      ...(zxid === undefined ? {} : { zxid }),
    });
    if (ending.problem !== undefined) problem(`operation ${op.id} (${op.f}): ${ending.problem}`);
    if (type === 'info') this.#process = recorder.newProcess();
    if (error === 'timeout' || view.state === 'lost') this.#reopen();
  }

  /** Ends the session in good order, or drops it after `timeoutMs`. */
  close(timeoutMs: number, done: () => void): void {
    const { world } = this.#run;
    let isDone = false;
    const finish = (): void => {
      if (isDone) return;
      isDone = true;
      timeout.cancel();
      this.#client.drop();
      done();
    };
    function* body(): Program<unknown> {
      return yield { call: 'request', request: { op: 'close' } };
    }
    this.#client.run(body(), finish);
    const timeout = world.schedule(timeoutMs, finish);
  }
}

function valueOf(value: unknown): { value?: unknown } {
  return value === undefined ? {} : { value };
}
