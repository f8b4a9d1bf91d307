/**
 * One server as a core: events in, effects out. It reads its disk back, then serves alone or as a member
 * of an ensemble. This file only routes; the protocol is in the parts that it wires together.
 */
import type { Core, Effects } from '../../base/core.ts';
import type { ProtocolState, RoleName } from '../../base/protocol-event.ts';
import { formatHex, ZXID_NONE } from '../../base/zxid.ts';
import { ClientPort } from './client-port.ts';
import type { ServerConfig } from './config.ts';
import { fourLetterWord, type ServerStatus } from './four-letter-words.ts';
import { Peer } from './peer.ts';
import { QuorumVerifier } from './quorum-verifier.ts';
import { Replica } from './replica.ts';
import { Listener, type ServerEffect, type ServerEvent } from './seam.ts';
import { ServerContext } from './server-context.ts';
import { serverStatus } from './server-status.ts';
import { Standalone } from './standalone.ts';
import { Storage } from './storage/storage.ts';

const EXIT_DATA_DIR = 3;
const EXIT_BIND = 14;

interface Life {
  readonly context: ServerContext;
  readonly replica: Replica;
  readonly clientPort: ClientPort;
  readonly startedMs: number;
  peer: Peer | undefined;
  standalone: Standalone | undefined;
}

export class Server implements Core<ServerEvent, ServerEffect> {
  readonly config: ServerConfig;
  #life: Life | undefined;

  constructor(config: ServerConfig) {
    this.config = config;
  }

  step(event: ServerEvent, effects: Effects<ServerEffect>): void {
    if (event.type === 'started') {
      this.#start(event, effects);
      return;
    }
    const life = this.#life;
    if (life === undefined || life.context.isHalted) return;
    life.context.enter(event.now, event.wallMs, effects);
    this.#handle(life, event);
    life.context.leave();
  }

  #start(event: Extract<ServerEvent, { type: 'started' }>, effects: Effects<ServerEffect>): void {
    const context = new ServerContext(this.config, event, () => this.#protocolState());
    const replica = new Replica(context, new Storage(context));
    const clientPort = new ClientPort(context, replica, (word) => this.#fourLetterWord(word));
    this.#life = {
      context,
      replica,
      clientPort,
      startedMs: event.now,
      peer: undefined,
      standalone: undefined,
    };
    context.enter(event.now, event.wallMs, effects);
    clientPort.listen();
    this.#boot(this.#life);
    if (this.config.isTraced) this.#tickClock(context);
    context.leave();
  }

  /** An observer compares clocks by these lines, whatever the role. */
  #tickClock(context: ServerContext): void {
    context.setTimer('clock-tick', this.config.tickTimeMs, () => {
      context.trace('ClockTicked', {});
      this.#tickClock(context);
    });
  }

  #boot(life: Life): void {
    const { context, replica, clientPort } = life;
    const { servers } = this.config;
    replica.recover((recovered) => {
      if (!recovered.ok) {
        context.halt(EXIT_DATA_DIR, `recovery failed: ${recovered.reason}`);
        return;
      }
      context.log('info', 'recovered', { zxid: formatHex(replica.storage.lastLogged) });
      if (servers.length === 0) {
        life.standalone = new Standalone(context, replica, clientPort);
        return;
      }
      const verifier = new QuorumVerifier(servers);
      replica.onRecovered = () =>
        replica.database.setConfigData(verifier.toText(), verifier.version, context.wallMs());
      replica.onRecovered();
      life.peer = new Peer({ context, replica, clientPort, verifier });
      life.peer.start();
    });
  }

  #handle(life: Life, event: ServerEvent): void {
    switch (event.type) {
      case 'timer-fired':
        life.context.timerFired(event.timer);
        return;
      case 'file-completed':
        life.context.fileCompleted(event);
        return;
      case 'connection-accepted':
        this.#accepted(life, event);
        return;
      case 'listening':
        life.peer?.listening(event.listener);
        return;
      case 'listen-failed':
        if (life.peer?.listenFailed(event.listener, event.reason) === true) return;
        life.context.halt(EXIT_BIND, `the client port cannot be opened: ${event.reason}`);
        return;
      case 'stop-requested':
        this.#stop(life);
        return;
      case 'started':
        return;
      default:
        if (life.clientPort.owns(event.connection)) life.clientPort.handle(event);
        else life.peer?.handle(event);
    }
  }

  #accepted(life: Life, event: Extract<ServerEvent, { type: 'connection-accepted' }>): void {
    if (event.listener === Listener.client)
      life.clientPort.accepted(event.connection, event.remote);
    else if (event.listener === Listener.election) life.peer?.electionAccepted(event);
    else if (life.peer?.accepted(event.connection, event.listener) !== true) {
      life.context.close(event.connection);
    }
  }

  /** What was logged is flushed first: a clean stop loses nothing, acknowledged or not. */
  #stop(life: Life): void {
    const { context, replica, clientPort } = life;
    clientPort.stopServing();
    life.peer?.stop();
    const halt = (): void => {
      context.log('info', 'stopped');
      context.halt(0, 'stop requested');
    };
    if (replica.storage.lastFlushed >= replica.storage.lastLogged) {
      halt();
      return;
    }
    replica.storage.onFlushed((zxid) => {
      if (zxid >= replica.storage.lastLogged) halt();
    });
    replica.storage.flush();
  }

  get roleName(): RoleName {
    const life = this.#life;
    if (life === undefined || life.context.isHalted) return 'stopped';
    if (life.standalone !== undefined) return 'standalone';
    return life.peer?.roleName ?? 'looking';
  }

  #protocolState(): ProtocolState {
    const storage = this.#life?.replica.storage;
    return {
      role: this.roleName,
      acceptedEpoch: storage?.acceptedEpoch ?? 0,
      currentEpoch: storage?.currentEpoch ?? 0,
      lastLogged: formatHex(storage?.lastLogged ?? ZXID_NONE),
      lastFlushed: formatHex(storage?.lastFlushed ?? ZXID_NONE),
      lastApplied: formatHex(this.#life?.replica.lastProcessed ?? ZXID_NONE),
    };
  }

  #fourLetterWord(word: string): string | undefined {
    return fourLetterWord(word, this.status());
  }

  status(): ServerStatus {
    const life = this.#life;
    return serverStatus({
      config: this.config,
      roleName: this.roleName,
      replica: life?.replica,
      clientPort: life?.clientPort,
      leader: life?.peer?.leader,
      uptimeMs: life === undefined ? 0 : life.context.now() - life.startedMs,
    });
  }
}
