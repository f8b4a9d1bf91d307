/**
 * The other voters of an election, played by a schedule: whoever it says is elected gets their votes. (Fast
 * Leader Election has a model and tests of its own; here a server may believe in anybody.) One vote beside
 * the server's own is a majority of two and of three.
 */
import type { ConnectionId } from '../../src/base/core.ts';
import { encodeInitialMessage, encodeNotification } from '../../src/wire/election.ts';
import { JuteWriter } from '../../src/wire/jute.ts';
import type { ScheduledServer } from './schedule-server.ts';

export class Electorate {
  readonly #server: ScheduledServer;
  /** Connections that the server has dialled and that nobody has answered, by the sid they go to. */
  readonly #dials = new Map<number, ConnectionId>();
  #voter: { readonly sid: number; readonly connection: ConnectionId } | undefined;

  constructor(server: ScheduledServer) {
    this.#server = server;
  }

  dialled(sid: number, connection: ConnectionId): void {
    if (sid < this.#server.sid) {
      this.#dials.set(sid, connection);
      return;
    }
    // Only the larger sid opens connections; from us this would be a knock.
    this.#server.give({ type: 'connection-closed', connection, reason: 'refused' });
  }

  owns(connection: ConnectionId): boolean {
    return this.#voter?.connection === connection || [...this.#dials.values()].includes(connection);
  }

  crashed(): void {
    this.#dials.clear();
    this.#voter = undefined;
  }

  /** Everybody votes for `leader`. */
  elect(leader: number): void {
    const server = this.#server;
    this.#voter ??= this.#introduce();
    const { connection } = this.#voter;
    const { round, zxid, peerEpoch } = server.lastEvent('VoteCast').args;
    const vote = encodeNotification({
      state: 'looking',
      leader: BigInt(leader),
      zxid: BigInt(zxid),
      electionEpoch: BigInt(round),
      // A better vote than its own, or exactly its own.
      peerEpoch: BigInt(leader === server.sid ? peerEpoch : peerEpoch + 1),
    });
    const writer = new JuteWriter();
    writer.buffer(vote);
    server.give({ type: 'bytes-received', connection, bytes: writer.finish() });
    server.fire('election/finalize');
  }

  #introduce(): { readonly sid: number; readonly connection: ConnectionId } {
    const server = this.#server;
    const [smaller] = this.#dials;
    if (smaller !== undefined) {
      const [sid, connection] = smaller;
      this.#dials.delete(sid);
      server.give({ type: 'connection-established', connection });
      return { sid, connection };
    }
    const sid = server.config.servers.at(-1)?.sid as number;
    const connection = server.nextAccepted() as ConnectionId;
    const remote = `10.0.0.${sid}:40000`;
    server.give({ type: 'connection-accepted', connection, listener: 'election', remote });
    const bytes = encodeInitialMessage({ sid: BigInt(sid), address: `10.0.0.${sid}:3888` });
    server.give({ type: 'bytes-received', connection, bytes });
    return { sid, connection };
  }
}
