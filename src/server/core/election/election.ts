/**
 * The election port and the algorithm behind it as one part of the server. It outlives the roles:
 * while the server leads or follows, it goes on answering those that look for a leader.
 * Upstream: QuorumCnxManager.Listener, Election.
 */
import type { ConnectionEvent, ConnectionId } from '../../../base/core.ts';
import type { Zxid } from '../../../base/zxid.ts';
import type { CoreContext } from '../context.ts';
import type { QuorumVerifier } from '../quorum-verifier.ts';
import { Listener } from '../seam.ts';
import { ElectionConnections } from './connections.ts';
import {
  type ElectionState,
  FastLeaderElection,
  type SettledState,
} from './fast-leader-election.ts';
import type { Vote } from './vote.ts';

export { electionBoundMs } from './fast-leader-election.ts';
export type { ElectionState, SettledState, Vote };

/** The port of a former life may still be held for a moment. */
const LISTEN_ATTEMPTS = 3;
const LISTEN_RETRY_MS = 1000;
const LISTEN_TIMER = 'election/listen';
/** Upstream's ExitCode UNABLE_TO_BIND_QUORUM_PORT. */
const EXIT_UNABLE_TO_BIND = 14;

export class Election {
  readonly #context: CoreContext;
  readonly #verifier: QuorumVerifier;
  readonly #connections: ElectionConnections;
  readonly #algorithm: FastLeaderElection;
  #listenAttempts = 0;

  constructor(context: CoreContext, verifier: QuorumVerifier, onElected: (vote: Vote) => void) {
    this.#context = context;
    this.#verifier = verifier;
    this.#connections = new ElectionConnections(context, verifier, {
      connected: (sid) => this.#algorithm.connected(sid),
      received: (sid, payload) => this.#algorithm.received(sid, payload),
    });
    this.#algorithm = new FastLeaderElection(context, verifier, this.#connections, onElected);
  }

  /** Opens the election port. */
  start(): void {
    const own = this.#verifier.members.get(this.#context.config.sid);
    if (own === undefined) return;
    this.#listenAttempts++;
    this.#context.listen(Listener.election, own.host, own.electionPort);
  }

  listening(): void {
    this.#listenAttempts = 0;
  }

  listenFailed(reason: string): void {
    if (this.#listenAttempts >= LISTEN_ATTEMPTS) {
      this.#context.halt(EXIT_UNABLE_TO_BIND, `the election port cannot be opened: ${reason}`);
      return;
    }
    this.#context.log('warn', 'the election port cannot be opened yet', { reason });
    this.#context.setTimer(LISTEN_TIMER, LISTEN_RETRY_MS, () => this.start());
  }

  /** Begins a new round. `zxid` is the last one in the log, committed or not, and durable. */
  look(own: { readonly zxid: Zxid; readonly currentEpoch: number }): void {
    this.#algorithm.look(own);
  }

  settle(state: SettledState, vote: Vote): void {
    this.#algorithm.settle(state, vote);
  }

  /** The role has ended; until `look` others get no answer, rather than an outdated one. */
  retire(): void {
    this.#algorithm.retire();
  }

  updatePeerEpoch(epoch: number): void {
    this.#algorithm.updatePeerEpoch(epoch);
  }

  owns(connection: ConnectionId): boolean {
    return this.#connections.owns(connection);
  }

  handle(event: ConnectionEvent): void {
    this.#connections.handle(event);
  }

  stop(): void {
    this.#context.cancelTimer(LISTEN_TIMER);
    this.#context.unlisten(Listener.election);
    this.#algorithm.retire();
    this.#connections.stop();
  }

  get round(): bigint {
    return this.#algorithm.round;
  }
  get state(): ElectionState {
    return this.#algorithm.state;
  }
}
