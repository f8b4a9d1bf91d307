/**
 * The life of a member of an ensemble: looking, then leading or following, then looking again. Before
 * every election memory is read back from disk, so that the vote is exactly what this disk holds.
 * Upstream: QuorumPeer.run.
 */
import type { ConnectionEvent, ConnectionId } from '../../base/core.ts';
import type { RoleName } from '../../base/protocol-event.ts';
import { formatHex } from '../../base/zxid.ts';
import type { ClientPort } from './client-port.ts';
import type { CoreContext } from './context.ts';
import { Election, type Vote } from './election/election.ts';
import { Follower } from './follower.ts';
import { Leader } from './leader.ts';
import type { QuorumVerifier } from './quorum-verifier.ts';
import type { Replica } from './replica.ts';
import type { Role } from './role.ts';
import { Listener } from './seam.ts';

export class Peer {
  readonly #context: CoreContext;
  readonly #replica: Replica;
  readonly #clientPort: ClientPort;
  readonly #verifier: QuorumVerifier;
  readonly #election: Election;
  #role: Role | undefined;
  #roleName: RoleName = 'looking';

  constructor(options: {
    readonly context: CoreContext;
    readonly replica: Replica;
    readonly clientPort: ClientPort;
    readonly verifier: QuorumVerifier;
  }) {
    this.#context = options.context;
    this.#replica = options.replica;
    this.#clientPort = options.clientPort;
    this.#verifier = options.verifier;
    this.#election = new Election(options.context, options.verifier, (vote) => this.#elected(vote));
  }

  get roleName(): RoleName {
    return this.#roleName;
  }
  get leader(): Leader | undefined {
    return this.#role instanceof Leader ? this.#role : undefined;
  }

  /** Recovery has been done; nothing was told to anybody yet. */
  start(): void {
    this.#election.start();
    this.#look();
  }

  #look(): void {
    const { storage } = this.#replica;
    this.#roleName = 'looking';
    this.#election.look({ zxid: storage.lastLogged, currentEpoch: storage.currentEpoch });
  }

  #elected(vote: Vote): void {
    const common = {
      context: this.#context,
      replica: this.#replica,
      clientPort: this.#clientPort,
      verifier: this.#verifier,
      onEnd: (reason: string) => this.#ended(reason),
    };
    if (vote.leader === this.#context.config.sid) {
      this.#roleName = 'leading';
      this.#election.settle('leading', vote);
      this.#role = new Leader({
        ...common,
        onEstablished: (epoch) => this.#election.updatePeerEpoch(epoch),
      });
    } else {
      this.#roleName = 'following';
      this.#election.settle('following', vote);
      this.#role = new Follower({
        ...common,
        leader: vote.leader,
        onActivated: (epoch) => this.#election.updatePeerEpoch(epoch),
      });
    }
    this.#role.start();
  }

  #ended(reason: string): void {
    const role = this.#roleName;
    this.#role = undefined;
    this.#roleName = 'looking';
    this.#election.retire();
    this.#context.log('warn', `stopped ${role}`, { reason });
    this.#context.trace('RoleEnded', { role, reason });
    this.#clientPort.stopServing();
    this.#replica.recover((recovered) => {
      if (!recovered.ok) {
        this.#context.halt(3, `the data directory cannot be read back: ${recovered.reason}`);
        return;
      }
      this.#context.log('info', 'looking', { zxid: formatHex(this.#replica.storage.lastLogged) });
      this.#look();
    });
  }

  accepted(connection: ConnectionId, listener: string): boolean {
    if (listener !== Listener.quorum) return false;
    if (this.#role === undefined) this.#context.close(connection);
    else this.#role.accepted(connection);
    return true;
  }

  handle(event: ConnectionEvent): boolean {
    if (this.#election.owns(event.connection)) this.#election.handle(event);
    else if (this.#role?.owns(event.connection) === true) this.#role.handle(event);
    else return false;
    return true;
  }

  electionAccepted(event: ConnectionEvent): void {
    this.#election.handle(event);
  }

  listening(listener: string): void {
    if (listener === Listener.election) this.#election.listening();
  }

  /** True when it was one of ours. */
  listenFailed(listener: string, reason: string): boolean {
    if (listener === Listener.quorum) this.#role?.listenFailed(reason);
    else if (listener === Listener.election) this.#election.listenFailed(reason);
    else return false;
    return true;
  }

  stop(): void {
    this.#role?.stop();
    this.#election.stop();
    this.#roleName = 'stopped';
  }
}
