/**
 * The wire tap of the container world. Peers speak to each other directly here, so each agent captures what
 * its own server sends; after the run the packets of all of them, ordered by the one clock of the kernel
 * below them, are put together into the connections that they were.
 */
import { messageOf } from '../../../base/thrown.ts';
import { PcapReader, type Segment } from '../wire-tap/pcap.ts';
import { Reassembly } from '../wire-tap/reassembly.ts';
import type { TapLink } from '../wire-tap/tap-event.ts';
import { type TapRecording, WireTap } from '../wire-tap/wire-tap.ts';
import type { ContainerAgent } from './container-agent.ts';

/** Payload that is kept for the end of a run. */
const MAX_KEPT_BYTES = 1024 * 1024 * 1024;

export class Capture {
  readonly #agents: ReadonlyMap<number, ContainerAgent>;
  readonly #links: ReadonlyMap<number, TapLink>;
  readonly #segments: Segment[] = [];
  #keptBytes = 0;
  #failure: string | undefined;

  private constructor(
    agents: ReadonlyMap<number, ContainerAgent>,
    links: ReadonlyMap<number, TapLink>,
  ) {
    this.#agents = agents;
    this.#links = links;
  }

  /** Sees everything that servers send from now on; `links` says what which port carries. */
  static async start(
    agents: ReadonlyMap<number, ContainerAgent>,
    links: ReadonlyMap<number, TapLink>,
  ): Promise<Capture> {
    const capture = new Capture(agents, links);
    const ports = [...links.keys()];
    await Promise.all(
      [...agents.values()].map((agent) => {
        const reader = new PcapReader((segment) => capture.#keep(segment));
        return agent.capture(ports, (chunk) => capture.#read(reader, chunk));
      }),
    );
    return capture;
  }

  /** Ends the capture; throws where it was none to rely on. */
  async recording(worldTime: (wallNs: bigint) => number): Promise<TapRecording> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.endCapture()));
    if (this.#failure !== undefined) throw new Error(`the capture failed: ${this.#failure}`);
    let now = 0;
    const tap = new WireTap([...this.#links.values()], () => now);
    const sids = new Map([...this.#agents].map(([sid, { address }]) => [address, sid]));
    const reassembly = new Reassembly((from, to) => {
      const [dialler, acceptor] = [sids.get(hostOf(from)), sids.get(hostOf(to))];
      const link = this.#links.get(Number(to.slice(hostOf(to).length + 1)));
      if (link === undefined || dialler === undefined || acceptor === undefined) return undefined;
      return tap.connection(link, dialler, acceptor);
    });
    this.#segments.sort((a, b) => Number(a.timeNs - b.timeNs));
    for (const segment of this.#segments) {
      now = worldTime(segment.timeNs);
      reassembly.push(segment);
    }
    reassembly.end();
    return tap.recording();
  }

  #read(reader: PcapReader, chunk: Uint8Array): void {
    try {
      reader.push(chunk);
    } catch (error) {
      this.#failure ??= messageOf(error);
    }
  }

  #keep(segment: Segment): void {
    this.#keptBytes += segment.payload.length;
    if (this.#keptBytes <= MAX_KEPT_BYTES) this.#segments.push(segment);
    else this.#failure ??= 'more was captured than is kept';
  }
}

const hostOf = (endpoint: string): string => endpoint.slice(0, endpoint.lastIndexOf(':'));
