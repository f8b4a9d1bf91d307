/**
 * The world of one real server: turns what sockets, files and timers report into events, steps the core,
 * and carries out its effects. The simulator does the same with simulated parts; nothing here decides.
 *
 * One turn of the event loop: poll reads sockets and completions into the queue; then, in the check phase,
 * one batch of steps drains it; then every socket that has output gets one write. `step` is never
 * re-entered, since effects are carried out after it returned and completions that are ready at once only
 * join the queue. A batch ends after a few milliseconds even if the queue never empties, so that input
 * is never starved.
 *
 * Trace lines of a step reach the operating system before any other effect of that step: no message and no
 * flush is ever seen whose explanation a `kill -9` took along.
 */
import { AssertionError, assert, unreachable } from '../../base/assert.ts';
import type { Core } from '../../base/core.ts';
import { messageOf } from '../../base/thrown.ts';
import type { ServerEffect, ServerEvent, ServerInput } from '../core/seam.ts';
import type { Clock } from './clock.ts';
import { Files } from './files.ts';
import type { ServerLog } from './log.ts';
import { type DialMap, Sockets } from './sockets.ts';
import { Timers } from './timers.ts';
import type { TraceFile } from './trace-file.ts';

/** Evaluated when its turn comes; undefined where the event has become stale meanwhile. */
export type TakeInput = () => ServerInput | undefined;
export type Deliver = (take: TakeInput) => void;

export interface DriverOptions {
  readonly core: Core<ServerEvent, ServerEffect>;
  readonly clock: Clock;
  readonly log: ServerLog;
  /** Timers later than this give waiting input one turn first; a tick. */
  readonly lateTimerMs: number;
  readonly dialMap?: DialMap;
  readonly traceFile?: TraceFile;
  /** Called once, after the last byte of a clean end has left. */
  readonly onHalt: (code: number, reason: string) => void;
  /** Printed with the state dump of a crash. */
  readonly describeState?: () => unknown;
}

/** Exit code of a broken invariant (EX_SOFTWARE). */
export const CRASH_EXIT_CODE = 70;
const BATCH_BUDGET_MS = 10;
const REMEMBERED_EVENTS = 32;

export class Driver {
  readonly #options: DriverOptions;
  readonly #sockets: Sockets;
  readonly #files: Files;
  readonly #timers: Timers;
  #queue: TakeInput[] = [];
  #scheduled: NodeJS.Immediate | undefined;
  #isStepping = false;
  #ended = false;
  readonly #recent: string[] = [];

  constructor(options: DriverOptions) {
    this.#options = options;
    const deliver: Deliver = (take) => this.#deliver(take);
    this.#sockets = new Sockets(deliver, options.dialMap);
    this.#files = new Files(deliver);
    this.#timers = new Timers(options.clock, options.lateTimerMs, deliver);
  }

  start(incarnation: number, seed: string): void {
    this.enqueue({ type: 'started', incarnation, seed });
  }

  enqueue(input: ServerInput): void {
    this.#deliver(() => input);
  }

  isListening(listener: string): boolean {
    return this.#sockets.isListening(listener);
  }

  /** Drops the core and everything around it at once, as `kill -9` would: nothing is flushed. */
  abandon(): void {
    this.#end();
    this.#sockets.destroyAll();
  }

  #deliver(take: TakeInput): void {
    if (this.#ended) return;
    this.#queue.push(take);
    this.#scheduled ??= setImmediate(() => this.#runBatch());
  }

  #runBatch(): void {
    const startedMs = this.#options.clock.now();
    let taken = 0;
    while (taken < this.#queue.length && !this.#ended) {
      const input = (this.#queue[taken++] as TakeInput)();
      if (input !== undefined) this.#step(input);
      if (this.#options.clock.now() - startedMs >= BATCH_BUDGET_MS) break;
    }
    if (this.#ended) return;
    this.#queue = taken === this.#queue.length ? [] : this.#queue.slice(taken);
    this.#sockets.flush();
    this.#scheduled = this.#queue.length > 0 ? setImmediate(() => this.#runBatch()) : undefined;
  }

  #step(input: ServerInput): void {
    assert(!this.#isStepping, 'a step is never re-entered', { input: input.type });
    const { clock, core } = this.#options;
    this.#remember(input);
    const effects: ServerEffect[] = [];
    this.#isStepping = true;
    try {
      core.step({ ...input, now: clock.now(), wallMs: clock.wallMs() }, effects);
      this.#writeTrace(effects);
      for (const effect of effects) {
        this.#carryOut(effect);
        if (this.#ended) break;
      }
    } catch (error) {
      this.#crash(error);
    } finally {
      this.#isStepping = false;
    }
  }

  #writeTrace(effects: readonly ServerEffect[]): void {
    const { traceFile } = this.#options;
    if (traceFile === undefined) return;
    for (const effect of effects) if (effect.type === 'trace') traceFile.add(effect.event);
    traceFile.flush();
  }

  #carryOut(effect: ServerEffect): void {
    switch (effect.type) {
      case 'dial':
        this.#sockets.dial(effect.connection, effect.host, effect.port, effect.timeoutMs);
        break;
      case 'send':
        this.#sockets.send(effect.connection, effect.bytes);
        break;
      case 'close':
        this.#sockets.close(effect.connection);
        break;
      case 'pause-reading':
        this.#sockets.pauseReading(effect.connection);
        break;
      case 'resume-reading':
        this.#sockets.resumeReading(effect.connection);
        break;
      case 'listen':
        this.#sockets.listen(effect.listener, effect.host, effect.port);
        break;
      case 'unlisten':
        this.#sockets.unlisten(effect.listener);
        break;
      case 'set-timer':
        this.#timers.set(effect.timer, effect.atMs);
        break;
      case 'cancel-timer':
        this.#timers.cancel(effect.timer);
        break;
      case 'file':
        this.#files.request(effect.operation, effect.request);
        break;
      case 'trace':
        // Written by writeTrace, ahead of the other effects of its step.
        break;
      case 'log':
        this.#options.log.write(effect.level, effect.message, effect.fields);
        break;
      case 'halt':
        this.#halt(effect.code, effect.reason);
        break;
      default:
        unreachable(effect);
    }
  }

  #halt(code: number, reason: string): void {
    this.#end();
    this.#sockets.endAll(() => {
      this.#options.traceFile?.close();
      this.#options.onHalt(code, reason);
    });
  }

  #crash(error: unknown): void {
    this.#end();
    this.#sockets.destroyAll();
    const dump = {
      crash: messageOf(error),
      values: error instanceof AssertionError ? error.values : undefined,
      stack: error instanceof Error ? error.stack : undefined,
      recentEvents: this.#recent,
      state: this.#describeState(),
    };
    this.#options.log.dump(dump);
    this.#options.traceFile?.close();
    this.#options.onHalt(CRASH_EXIT_CODE, `a broken invariant: ${dump.crash}`);
  }

  /** The state may be what is broken, so that describing it must not hide the first error. */
  #describeState(): unknown {
    try {
      return this.#options.describeState?.();
    } catch (error) {
      return `the state cannot be described: ${String(error)}`;
    }
  }

  #end(): void {
    this.#ended = true;
    this.#queue = [];
    clearImmediate(this.#scheduled);
    this.#timers.stop();
    this.#files.stop();
  }

  #remember(input: ServerInput): void {
    const detail =
      'connection' in input
        ? ` ${input.connection}`
        : 'timer' in input
          ? ` ${input.timer}`
          : 'operation' in input
            ? ` ${input.operation}`
            : '';
    this.#recent.push(`${input.type}${detail}`);
    if (this.#recent.length > REMEMBERED_EVENTS) this.#recent.shift();
  }
}
