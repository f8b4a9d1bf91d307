/**
 * The environment contract, as tests see it: hosts that run a scripted core on some network, disk and
 * clock. The simulator and the real runtime each give one; the same assertions hold for both.
 */
import type { Core, Effects } from '../../../src/base/core.ts';
import type { ServerEffect, ServerEvent } from '../../../src/server/core/seam.ts';

export interface ContractHost {
  /** The core of the present life. */
  readonly core: ScriptedCore;
  /** How other hosts name this one in a dial. */
  readonly address: string;
  /** Absolute, empty at first; outlives kills. */
  readonly directory: string;
  /** Runs one step of the core, soon: it pushes what `core.perform` collected. */
  poke(): void;
  /** `kill -9`. */
  kill(): void;
  /** A new life with a new core on the same disk. */
  start(): void;
}

export interface ContractWorld {
  /** More than the buffers between a sender and a receiver that does not read can hold. */
  readonly overwhelmingBytes: number;
  host(name: string): ContractHost;
  /** Lets the world run until the condition holds; fails with the sentence if it never does. */
  until(sentence: string, condition: () => boolean): Promise<void>;
  /** Lets so much of the hosts' time pass. */
  pass(durationMs: number): Promise<void>;
  /** A port that nothing listens on. */
  freePort(): Promise<number>;
  stop(): Promise<void>;
}

/** Records what it is told, does what the test says. */
export class ScriptedCore implements Core<ServerEvent, ServerEffect> {
  readonly events: ServerEvent[] = [];
  /** Called within each step, for reactions that must be part of it. */
  react: ((event: ServerEvent, effects: Effects<ServerEffect>) => void) | undefined;
  #outbox: ServerEffect[] = [];
  #isStepping = false;

  step(event: ServerEvent, effects: Effects<ServerEffect>): void {
    if (this.#isStepping) throw new Error('step was re-entered');
    this.#isStepping = true;
    this.events.push(event);
    const outbox = this.#outbox;
    this.#outbox = [];
    for (const effect of outbox) effects.push(effect);
    this.react?.(event, effects);
    this.#isStepping = false;
  }

  /** Pushed in the next step. */
  perform(...effects: readonly ServerEffect[]): void {
    this.#outbox.push(...effects);
  }

  of<T extends ServerEvent['type']>(type: T): Extract<ServerEvent, { type: T }>[] {
    return this.events.filter((event) => event.type === type) as Extract<
      ServerEvent,
      { type: T }
    >[];
  }
}

/** Name of the timer event that a poke may arrive as. */
export const POKE = 'contract/poke';
