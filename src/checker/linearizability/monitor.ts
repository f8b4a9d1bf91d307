/**
 * The exact check online: events go in as they happen, a violation comes out with the answer that shows
 * it. Between events the monitor keeps the *frontier*: every configuration (linearized operations that
 * still run, state, crashed operations used) that explains all answers so far, the dominated ones left
 * out. What has returned is forgotten, so that memory depends on the concurrency and not on the length;
 * only operations that crashed stay, because they may take effect at any later time.
 *
 * An operation can be linearized only once its answer is known. So an answer is dealt with when all
 * operations that were under way at that moment have ended: a violation is told at most one operation
 * late.
 */
import type { HistoryEvent } from '../history/builder.ts';
import type { Op } from '../history/columns.ts';
import { Meter, SearchStopped, type UnknownCause } from './budget.ts';
import { Frontier, type FrontierCheckpoint } from './frontier.ts';
import type { Model } from './model.ts';

export interface MonitorOptions {
  /** Called once for each part of the object that fails. */
  readonly onViolation?: (violation: MonitorViolation) => void;
  /** Configurations and waiting events that a part may have; beyond, it is unknown. */
  readonly maxConfigurations?: number;
  readonly maxWaiting?: number;
}

export interface MonitorViolation {
  readonly key: string;
  /** Ordinal of the answer that no order explains, counted from 1 over all events. */
  readonly event: number;
  readonly op: Op;
  /** Why it is legal in none of the states that the answers before it allow. */
  readonly reasons: readonly string[];
}

export interface MonitorVerdict {
  readonly verdict: 'linearizable' | 'non-linearizable' | 'unknown';
  readonly violations: readonly MonitorViolation[];
  readonly unknown: readonly { readonly key: string; readonly cause: UnknownCause }[];
  readonly events: number;
}

/** Everything that a monitor needs to go on, as JSON. */
export interface MonitorCheckpoint {
  readonly model: string;
  readonly events: number;
  readonly violations: readonly MonitorViolation[];
  readonly parts: readonly {
    readonly key: string;
    readonly failed: 'violation' | UnknownCause | null;
    readonly waiting: readonly Waiting[];
    readonly frontier: FrontierCheckpoint;
  }[];
  readonly calls: readonly { readonly process: number | string; readonly call: RunningCall }[];
}

/** An event of a part that waits until all operations under way have ended. */
interface Waiting {
  readonly type: 'invoke' | 'end';
  readonly id: number;
  readonly event: number;
}

interface RunningCall {
  readonly id: number;
  readonly key: string;
  readonly f: string;
  readonly input: unknown;
}

interface MonitoredPart {
  readonly key: string;
  failed: 'violation' | UnknownCause | null;
  waiting: Waiting[];
  frontier: Frontier;
}

const STEPS_PER_EVENT = 1_000_000;

export class Monitor<State> {
  readonly #model: Model;
  readonly #options: MonitorOptions;
  readonly #parts = new Map<string, MonitoredPart>();
  readonly #calls = new Map<number | string, RunningCall>();
  readonly #violations: MonitorViolation[] = [];
  #events = 0;
  #nextId = 0;

  constructor(model: Model<State>, options: MonitorOptions = {}) {
    this.#model = model as Model;
    this.#options = options;
  }

  /** Goes on where another monitor of the same model stood. */
  static resume<State>(
    model: Model<State>,
    checkpoint: MonitorCheckpoint,
    options: MonitorOptions = {},
  ): Monitor<State> {
    const monitor = new Monitor(model, options);
    monitor.#events = checkpoint.events;
    monitor.#violations.push(...checkpoint.violations);
    for (const { key, failed, waiting, frontier } of checkpoint.parts) {
      const revived = Frontier.resume(monitor.#model, frontier);
      monitor.#parts.set(key, { key, failed, waiting: [...waiting], frontier: revived });
      for (const { id } of frontier.calls) monitor.#nextId = Math.max(monitor.#nextId, id + 1);
    }
    for (const { process, call } of checkpoint.calls) {
      monitor.#calls.set(process, call);
      monitor.#nextId = Math.max(monitor.#nextId, call.id + 1);
    }
    return monitor;
  }

  push(event: HistoryEvent): void {
    const ordinal = ++this.#events;
    const { process, type } = event;
    if (process === 'nemesis') return;
    if (type === 'invoke') {
      this.#invoke(event, ordinal);
      return;
    }
    const call = this.#calls.get(process);
    if (call === undefined) return;
    this.#calls.delete(process);
    const { f, input, id } = call;
    const op: Op = { f, input, output: type === 'ok' ? event.value : undefined, outcome: type };
    const part = this.#part(call.key);
    if (part.failed !== null) return;
    part.frontier.resolve(id, op);
    part.waiting.push({ type: 'end', id, event: ordinal });
    this.#proceed(part);
  }

  /** What is still under way crashed; the verdict on all that was pushed. */
  end(): MonitorVerdict {
    for (const [process, { f }] of [...this.#calls]) this.push({ process, type: 'info', f });
    return this.verdict();
  }

  /** The verdict on all that could be dealt with so far. */
  verdict(): MonitorVerdict {
    const unknown = [...this.#parts.values()].flatMap(({ key, failed }) =>
      failed === null || failed === 'violation' ? [] : [{ key, cause: failed }],
    );
    const violations = [...this.#violations];
    const verdict =
      violations.length > 0 ? 'non-linearizable' : unknown.length > 0 ? 'unknown' : 'linearizable';
    return { verdict, violations, unknown, events: this.#events };
  }

  checkpoint(): MonitorCheckpoint {
    return {
      model: this.#model.name,
      events: this.#events,
      violations: [...this.#violations],
      parts: [...this.#parts.values()].map(({ key, failed, waiting, frontier }) => {
        return { key, failed, waiting: [...waiting], frontier: frontier.checkpoint() };
      }),
      calls: [...this.#calls].map(([process, call]) => ({ process, call })),
    };
  }

  /** How much is kept, over all parts. */
  get size(): { readonly configurations: number; readonly waiting: number } {
    let configurations = 0;
    let waiting = 0;
    for (const part of this.#parts.values()) {
      configurations += part.frontier.size;
      waiting += part.waiting.length;
    }
    return { configurations, waiting };
  }

  #part(key: string): MonitoredPart {
    let part = this.#parts.get(key);
    if (part === undefined) {
      part = { key, failed: null, waiting: [], frontier: new Frontier(this.#model) };
      this.#parts.set(key, part);
    }
    return part;
  }

  #invoke({ process, f, key, value }: HistoryEvent, ordinal: number): void {
    const asked: Op = { f, input: value, output: undefined, outcome: 'info' };
    const inner = this.#model.partition?.(asked);
    const name = [key, inner].filter((label) => label !== undefined && label !== null).join('/');
    const part = this.#part(name);
    const id = this.#nextId++;
    this.#calls.set(process, { id, key: name, f, input: value });
    if (part.failed !== null) return;
    part.frontier.begin(id);
    part.waiting.push({ type: 'invoke', id, event: ordinal });
    if (part.waiting.length > (this.#options.maxWaiting ?? 100_000)) this.#give(part, 'bytes');
  }

  /** Deals with what waits, as long as nothing under way has an open end. */
  #proceed(part: MonitoredPart): void {
    const { frontier } = part;
    let done = 0;
    try {
      for (; done < part.waiting.length; done++) {
        const { type, id, event } = part.waiting[done] as Waiting;
        if (type === 'invoke') {
          frontier.enter(id);
          continue;
        }
        if (!frontier.isReady()) break;
        const meter = new Meter({ maxSteps: STEPS_PER_EVENT, maxBytes: Infinity });
        const failure = frontier.leave(id, meter);
        if (failure !== undefined) {
          this.#violate(part, { key: part.key, event, ...failure });
          return;
        }
        if (frontier.size > (this.#options.maxConfigurations ?? 100_000)) {
          this.#give(part, 'bytes');
          return;
        }
      }
    } catch (thrown) {
      if (!(thrown instanceof SearchStopped)) throw thrown;
      this.#give(part, thrown.cause);
      return;
    }
    part.waiting = part.waiting.slice(done);
  }

  #violate(part: MonitoredPart, violation: MonitorViolation): void {
    this.#give(part, 'violation');
    this.#violations.push(violation);
    this.#options.onViolation?.(violation);
  }

  /** Nothing more will be said about the part, and nothing is kept of it. */
  #give(part: MonitoredPart, failed: 'violation' | UnknownCause): void {
    part.failed = failed;
    part.waiting = [];
    part.frontier = new Frontier(this.#model);
  }
}
