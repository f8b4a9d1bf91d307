/** One simulated client process: a client core on a machine of its own, and the programs it runs. */

import type { Prng } from '../../../base/prng.ts';
import { prngStream } from '../../../base/prng.ts';
import { ClientCore } from '../../../client/core/client-core.ts';
import type {
  ClientEffect,
  ClientInput,
  Program,
  ProgramId,
  ProgramOutcome,
  SessionView,
} from '../../../client/core/program.ts';
import type { ClientSpec, WorldClient } from '../world.ts';
import { CoreHost, type Stage } from './host.ts';
import type { Machine } from './network.ts';

export type Service = (value: unknown, client: number) => unknown;

export interface ClientHostOptions {
  readonly stage: Stage;
  readonly machine: Machine;
  /** Distinguishes hosts in the trace hash. */
  readonly hostId: number;
  readonly spec: ClientSpec;
  readonly addressOf: (sid: number) => string;
  readonly clientPort: number;
  readonly services: ReadonlyMap<string, Service>;
  readonly serviceLatencyUs: readonly [number, number];
  /** A client core that throws is a fault of the harness. */
  readonly onCrash: (error: unknown) => void;
}

export class ClientHost extends CoreHost<ClientInput, ClientEffect> implements WorldClient {
  readonly id: number;
  readonly #options: ClientHostOptions;
  readonly #client: ClientCore;
  readonly #latency: Prng;
  readonly #programs = new Map<ProgramId, (outcome: ProgramOutcome) => void>();
  #nextProgram = 1;

  constructor(options: ClientHostOptions) {
    const { stage, machine, hostId, spec } = options;
    const hosts = spec.servers.map((sid) => ({
      host: options.addressOf(sid),
      port: options.clientPort,
      server: sid,
    }));
    const { sessionTimeoutMs } = spec;
    const seed = `${stage.seed}/${spec.label}`;
    const client = new ClientCore({ hosts, sessionTimeoutMs, seed }, spec.observed);
    super(stage, machine, hostId, spec.label, client);
    this.id = spec.id;
    this.#options = options;
    this.#client = client;
    this.#latency = prngStream(stage.seed, `services/${spec.label}`);
    this.enqueue({ type: 'started' });
  }

  run(program: Program<unknown>, done: (outcome: ProgramOutcome) => void): { cancel(): void } {
    const id = this.#nextProgram++ as ProgramId;
    this.#programs.set(id, done);
    this.enqueue({ type: 'program-submitted', program: id, body: program });
    return {
      cancel: () => {
        if (this.#programs.delete(id)) this.enqueue({ type: 'program-cancelled', program: id });
      },
    };
  }

  session(): SessionView {
    return this.#client.session;
  }

  drop(): void {
    if (this.isDead) return;
    this.end();
    this.#programs.clear();
    this.stage.network.resetAll(this.machine);
  }

  override monotonicMs(): number {
    return Math.floor(this.stage.queue.nowUs / 1000);
  }

  override wallMs(): number {
    return this.stage.epochMs + Math.floor(this.stage.queue.nowUs / 1000);
  }

  protected override timeOfUs(atMs: number): number {
    return atMs * 1000;
  }

  protected override mayGoOn(): boolean {
    return true;
  }

  protected override crashed(error: unknown): void {
    this.end();
    this.#options.onCrash(error);
  }

  protected override carryOutOwn(effect: ClientEffect): void {
    switch (effect.type) {
      case 'program-ended': {
        const done = this.#programs.get(effect.program);
        this.#programs.delete(effect.program);
        // Called from the queue: the harness may submit the next program at once.
        if (done !== undefined) this.stage.queue.after(0, () => done(effect.outcome));
        return;
      }
      case 'external-requested':
        this.#external(effect.external, effect.target, effect.value);
        return;
      case 'session-changed':
        return;
      default:
        throw new Error(`the effect ${effect.type} has no meaning here`);
    }
  }

  /** There and back, with a latency each: the answer is decided in between. */
  #external(external: number, target: string, value: unknown): void {
    const { services, serviceLatencyUs } = this.#options;
    const { queue } = this.stage;
    const [low, high] = serviceLatencyUs;
    queue.after(this.#latency.int(low, high), () => {
      const service = services.get(target);
      const backUs = this.#latency.int(low, high);
      if (service === undefined) {
        const error = new Error(`no service is called ${target}`);
        queue.after(backUs, () => this.enqueue({ type: 'external-failed', external, error }));
        return;
      }
      const answer = service(value, this.id);
      queue.after(backUs, () =>
        this.enqueue({ type: 'external-completed', external, value: answer }),
      );
    });
  }
}
