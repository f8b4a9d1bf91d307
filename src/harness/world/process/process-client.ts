/** A client in the harness's own process: the client core on real sockets, through proxies of its own. */
import { ClientCore } from '../../../client/core/client-core.ts';
import type {
  Host,
  Program,
  ProgramId,
  ProgramOutcome,
  SessionView,
} from '../../../client/core/program.ts';
import { SocketDriver } from '../../../client/socket-driver.ts';
import type { WireTap } from '../wire-tap/wire-tap.ts';
import type { ClientSpec, WorldClient } from '../world.ts';
import { LinkProxy } from './link-proxy.ts';

export interface ProcessClientOptions {
  readonly spec: ClientSpec;
  readonly seed: string;
  readonly clientPortOf: (sid: number) => number;
  readonly tap: WireTap;
  readonly external: (target: string, value: unknown) => unknown;
  /** The world's clock, so that what clients believe can be compared with the history. */
  readonly monotonicMs: () => number;
}

export class ProcessClient implements WorldClient {
  readonly id: number;
  readonly #proxies: LinkProxy[];
  readonly #waiters = new Map<ProgramId, (outcome: ProgramOutcome) => void>();
  #driver: SocketDriver | undefined;
  #core: ClientCore | undefined;
  #waiting: (readonly [ProgramId, Program<unknown>])[] = [];
  #nextProgram = 1;
  #isDropped = false;

  constructor(options: ProcessClientOptions) {
    const { spec } = options;
    this.id = spec.id;
    this.#proxies = spec.servers.map(
      (sid) =>
        new LinkProxy(options.clientPortOf(sid), {
          announces: false,
          tap: () => options.tap.connection('client', `client ${spec.id}`, sid),
        }),
    );
    const opened = this.#proxies.map((proxy) => proxy.open());
    Promise.all(opened).then(
      (ports) => {
        const hosts = ports.map((port, index) => {
          const server = spec.servers[index] as number;
          return { host: '127.0.0.1', port, server };
        });
        this.#start(options, hosts);
      },
      (error: unknown) => this.#failAll(error),
    );
  }

  run(program: Program<unknown>, done: (outcome: ProgramOutcome) => void): { cancel(): void } {
    const id = this.#nextProgram++ as ProgramId;
    this.#waiters.set(id, done);
    if (this.#driver === undefined) this.#waiting.push([id, program]);
    else this.#driver.dispatch({ type: 'program-submitted', program: id, body: program });
    return {
      cancel: () => {
        if (!this.#waiters.delete(id)) return;
        this.#waiting = this.#waiting.filter(([waiting]) => waiting !== id);
        this.#driver?.dispatch({ type: 'program-cancelled', program: id });
      },
    };
  }

  session(): SessionView {
    return this.#core?.session ?? notStarted;
  }

  drop(): void {
    this.#isDropped = true;
    this.#waiters.clear();
    this.#waiting = [];
    this.#driver?.stop();
    for (const proxy of this.#proxies) proxy.close();
  }

  #start(options: ProcessClientOptions, hosts: readonly Host[]): void {
    if (this.#isDropped) return;
    const { seed, spec } = options;
    const { sessionTimeoutMs, label } = spec;
    const clientOptions = { hosts, sessionTimeoutMs, seed: `${seed}/${label}` };
    const core = new ClientCore(clientOptions, spec.observed);
    const handlers = {
      programEnded: (program: ProgramId, outcome: ProgramOutcome) => this.#settle(program, outcome),
      sessionChanged: () => {},
      external: async (target: string, value: unknown) => options.external(target, value),
    };
    const clocks = { monotonicMs: options.monotonicMs, wallMs: () => Date.now() };
    const driver = new SocketDriver(core, handlers, clocks);
    this.#core = core;
    this.#driver = driver;
    driver.dispatch({ type: 'started' });
    for (const [program, body] of this.#waiting) {
      driver.dispatch({ type: 'program-submitted', program, body });
    }
    this.#waiting = [];
  }

  /** Never from within `run`: a program may end in its first step. */
  #settle(program: ProgramId, outcome: ProgramOutcome): void {
    setImmediate(() => {
      const done = this.#waiters.get(program);
      this.#waiters.delete(program);
      done?.(outcome);
    });
  }

  #failAll(error: unknown): void {
    for (const program of [...this.#waiters.keys()]) this.#settle(program, { ok: false, error });
  }
}

const notStarted: SessionView = {
  state: 'connecting',
  sessionId: 0n as SessionView['sessionId'],
  negotiatedTimeoutMs: 0,
  lastContactMs: 0,
  lastAnsweredSendMs: 0,
  server: undefined,
};
