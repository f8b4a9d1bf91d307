/**
 * What the harness and an agent say to each other: one JSON object a line, requests on the agent's standard
 * input, messages on its standard output.
 */

export type AgentTask =
  /** Drops, or accepts again, every packet that comes from an address. */
  | { readonly task: 'drop'; readonly from: string }
  | { readonly task: 'accept'; readonly from: string }
  /** Datagrams that the agent at `host` reports as heard, and a TCP connect to `tcpPort`. */
  | {
      readonly task: 'reach';
      readonly host: string;
      readonly tcpPort: number;
      readonly nonce: string;
    }
  /** A four-letter word to the server of this network namespace. */
  | { readonly task: 'ask'; readonly port: number; readonly word: string }
  /** Sends what servers of this namespace send to others at these ports, until the second task. */
  | { readonly task: 'capture'; readonly ports: readonly number[] }
  | { readonly task: 'capture-end' }
  /** What faults can be had in a container of this host, each tried out. */
  | { readonly task: 'examine' };

export type AgentRequest = AgentTask & { readonly id: number };

/** How a server answered: with words; not at all although it accepted; it refused. */
export type AskOutcome = 'answered' | 'silent' | 'refused';

export interface AgentAnswer {
  readonly id: number;
  readonly error?: string;
  /** `reach`: the connect was answered, be it with a refusal: packets pass both ways. */
  readonly isReached?: boolean;
  readonly ask?: { readonly outcome: AskOutcome; readonly text: string };
  readonly examined?: Examination;
}

/** Reasons why something cannot be had; absent where it can. */
export interface Examination {
  readonly filter?: string;
  readonly netem?: string;
  readonly faketime?: string;
  readonly capture?: string;
  /** Of the kernel: clocks can be compared where it is the harness's own. */
  readonly bootId: string;
}

export type AgentMessage =
  | AgentAnswer
  | { readonly heard: string }
  | { readonly isReady: true }
  /** The next piece of a capture, in Base64. */
  | { readonly captured: string };

/** UDP port of every agent; nothing of ZooKeeper is near it. */
export const HEARING_PORT = 7181;
/** The directory of one server, in its own container and in its agent's. */
export const MOUNT = '/umpire';
export const FAKETIME_SOURCE = '/opt/umpire/libfaketime.so.1';
export const FAKETIME_LIBRARY = `${MOUNT}/libfaketime.so.1`;
/** How long a packet and its answer may take before the link counts as blocked. */
export const LINK_SILENCE_MS = 800;
/** How long a server may take to answer before it counts as silent. */
export const SERVER_SILENCE_MS = 1000;
