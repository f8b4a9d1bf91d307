/**
 * Partitions by packet filter: a cut from one server to another drops, in the network namespace of the one
 * who should hear, every packet that comes from the other's address. So a cut in one direction is one
 * direction of packets; what runs over TCP stalls in both, as it does in a real network.
 *
 * The probe does not ask the filter: the one side sends datagrams and connects to the other's election
 * port, the other side reports which datagrams arrived.
 */
import { messageOf } from '../../../base/thrown.ts';
import type { LinkState, PeerNetwork } from '../process/real-world.ts';
import type { TapRecording } from '../wire-tap/wire-tap.ts';
import { LINK_SILENCE_MS } from './agent-protocol.ts';
import type { Capture } from './capture.ts';
import type { ContainerAgent } from './container-agent.ts';

const LOOK_EVERY_MS = 20;

type Done = (error?: string) => void;

export class ContainerNetwork implements PeerNetwork {
  readonly #agents: ReadonlyMap<number, ContainerAgent>;
  readonly #electionPort: number;
  readonly #capture: Capture | undefined;
  #probes = 0;

  constructor(
    agents: ReadonlyMap<number, ContainerAgent>,
    electionPort: number,
    capture: Capture | undefined,
  ) {
    this.#agents = agents;
    this.#electionPort = electionPort;
    this.#capture = capture;
  }

  cut(from: number, to: number, done: Done): void {
    this.#filter('drop', from, to, done);
  }

  join(from: number, to: number, done: Done): void {
    this.#filter('accept', from, to, done);
  }

  /** Open where anything comes through. */
  probe(from: number, to: number, done: (state: LinkState) => void): void {
    const hearing = this.#agent(to);
    const nonce = `${from}-${to}-${++this.#probes}`;
    const startedMs = performance.now();
    let reached: boolean | undefined;
    const look = (): void => {
      const isHeard = hearing.hasHeard(nonce);
      const isLate = performance.now() - startedMs >= LINK_SILENCE_MS;
      if (isHeard || reached === true) done('open');
      else if (isLate && reached === false) done('blocked');
      else if (!hasFailed) setTimeout(look, LOOK_EVERY_MS);
    };
    let hasFailed = false;
    this.#agent(from)
      .reach(hearing.address, this.#electionPort, nonce)
      .then(
        (isReached) => {
          reached = isReached;
        },
        () => {
          hasFailed = true;
          done('unknown');
        },
      );
    look();
  }

  async wires(worldTime: (wallNs: bigint) => number): Promise<TapRecording | undefined> {
    return await this.#capture?.recording(worldTime);
  }

  #filter(task: 'drop' | 'accept', from: number, to: number, done: Done): void {
    this.#agent(to)
      .filter(task, this.#agent(from).address)
      .then(
        () => done(),
        (error: unknown) => done(messageOf(error)),
      );
  }

  #agent(sid: number): ContainerAgent {
    const agent = this.#agents.get(sid);
    if (agent === undefined) throw new Error(`there is no server ${sid}`);
    return agent;
  }
}
