/**
 * Carries out schedules of the model on real server cores. Each step of a schedule is one thing that the world
 * does (a packet arrives, a disk completes, a client writes, a server dies, ...); after each the cores must
 * be where the model is: same promises, same logs, same messages on their way.
 */

import { cannotTruncate } from '../../spec/models/zab/system-links.ts';
import type { Sid, State } from '../../spec/models/zab/system-state.ts';
import type { ScheduleStep } from '../../spec/schedule/grain.ts';
import {
  differences,
  nothing,
  type ServerView,
  type View,
  viewOf,
} from '../../spec/schedule/view.ts';
import type { ConnectionId } from '../../src/base/core.ts';
import { defaultConfig } from '../../src/server/core/config.ts';
import { ConnectRequest, encodeFrame } from '../../src/wire/client.ts';
import { configOf, QUORUM_PORT, serverView, TICK_MS } from './schedule-config.ts';
import { diskOf, loggedOn } from './schedule-disk.ts';
import { Electorate } from './schedule-electorate.ts';
import { LearnerLink, type LinkEnd, type Side } from './schedule-links.ts';
import {
  type MakeServer,
  type NetworkEffect,
  Refusal,
  ScheduledServer,
} from './schedule-server.ts';

interface Member {
  readonly server: ScheduledServer;
  readonly electorate: Electorate;
  /** As a learner: a dial that is not answered, and the newest connection. */
  dial: ConnectionId | undefined;
  link: LearnerLink | undefined;
}

interface StepParams {
  readonly i: Sid;
  readonly j?: Sid;
  readonly leader?: Sid;
  readonly kept?: number;
  readonly mode?: 'DIFF' | 'TRUNC' | 'SNAP';
}

/** Which packet a step of the model delivers, by who gets it. */
const ARRIVES_AT_LEADER: Readonly<Record<string, string>> = {
  FollowerInfoReceived: 'FOLLOWERINFO',
  EpochAckReceived: 'ACKEPOCH',
  NewLeaderAckReceived: 'ACK',
  AckReceived: 'ACK',
};
const ARRIVES_AT_LEARNER: Readonly<Record<string, string>> = {
  EpochKnown: 'LEADERINFO',
  AcceptedEpochSaved: 'LEADERINFO',
  SnapshotInstalled: 'SNAPSHOT',
  NewLeaderReceived: 'NEWLEADER',
  ProposalReceived: 'PROPOSAL',
  CommitReceived: 'COMMIT',
  LearnerActivated: 'UPTODATE',
};
/** Steps that end with what the disk has done; the server tells of them by the same name. */
const COMPLETES_ON_DISK = [
  'EpochProposed',
  'AcceptedEpochSaved',
  'CurrentEpochSaved',
  'Truncated',
  'SnapshotInstalled',
] as const;

export class ScheduleRunner {
  readonly #members = new Map<Sid, Member>();
  /** Every connection of two servers that has an end open. */
  readonly #links = new Set<LearnerLink>();
  /** The transactions of the schedule, by the session that each creates. */
  readonly #values = new Map<bigint, number>();
  readonly #clients = new Map<ScheduledServer, Map<ConnectionId, number>>();
  readonly #answered = new Set<number>();

  /** Servers that have read their disks and look for a leader; `start` says what is on the disks. */
  constructor(start: State, options: { readonly makeServer: MakeServer; readonly window: number }) {
    const sids = Object.keys(start.servers) as Sid[];
    for (const { value } of start.broadcasts) this.#values.set(BigInt(value + 1), value);
    for (const sid of sids) {
      const config = configOf(numberOf(sid), sids.length, options.window);
      const server = new ScheduledServer({
        config,
        disk: diskOf(start.servers[sid], config),
        makeServer: options.makeServer,
        onNetwork: (of, effect) => this.#onNetwork(of, effect),
      });
      const electorate = new Electorate(server);
      this.#members.set(sid, { server, electorate, dial: undefined, link: undefined });
      this.#clients.set(server, new Map());
    }
    for (const { server } of this.#members.values()) {
      server.start();
      server.runDiskUntil('ElectionStarted');
    }
  }

  /** One step, as it is called in the state `before`; throws a Refusal where a core does not go along. */
  take(step: ScheduleStep, before: State): void {
    const isProtocol = this.#takeProtocolStep(step);
    if (!isProtocol) this.#takeWorldStep(step, before);
  }

  /** A packet arrives, or a disk completes, or both. */
  #takeProtocolStep({ action, params }: ScheduleStep): boolean {
    const { i, j, mode } = params as unknown as StepParams;
    const { server, link } = this.#member(i);
    const toLeader = ARRIVES_AT_LEADER[action];
    const toLearner = action === 'SyncReceived' ? mode : ARRIVES_AT_LEARNER[action];
    const onDisk = COMPLETES_ON_DISK.find((act) => act === action);
    if (toLeader !== undefined) this.#linkOf(j as Sid, i).deliver('learner', toLeader);
    if (toLearner !== undefined) this.#deliver(link, toLearner);
    if (onDisk !== undefined) server.runDiskUntil(onDisk);
    if (action === 'TxnFlushed') server.flushLog();
    return (toLeader ?? toLearner ?? onDisk) !== undefined || action === 'TxnFlushed';
  }

  #takeWorldStep({ action, params }: ScheduleStep, before: State): void {
    const { i, j, leader, kept } = params as unknown as StepParams;
    const { server, electorate } = this.#member(i);
    switch (action) {
      case 'Crash':
        this.#crash(i);
        return;
      case 'Recovered':
        this.#recover(before, i, kept as number);
        return;
      case 'Partitioned':
        this.#partition(i, j as Sid);
        return;
      case 'Healed':
        return;
      case 'RoleEnded':
        this.#endRole(before, i);
        return;
      case 'Elected':
        electorate.elect(numberOf(leader as Sid));
        return;
      case 'Connected':
        this.#connect(i, before.servers[i].leader as Sid);
        return;
      case 'LearnerLost':
        this.#closeEnd(this.#linkOf(j as Sid, i), 'leader');
        return;
      case 'ProposalSent':
        this.#write(server, before.used.txns);
        return;
      default:
        throw new Error(`no schedule has the action ${action}`);
    }
  }

  // --- what befalls servers ----------------------------------------------------------------------

  #crash(i: Sid): void {
    const member = this.#member(i);
    member.server.crash();
    member.electorate.crashed();
    member.dial = undefined;
    this.#clients.get(member.server)?.clear();
    for (const link of this.#links) {
      for (const side of ['learner', 'leader'] as const) {
        if (link.ends[side].server === member.server) this.#forgetEnd(link, side);
      }
    }
  }

  #recover(before: State, i: Sid, kept: number): void {
    const { server } = this.#member(i);
    const { flushed, phase } = before.servers[i];
    if (phase === 'truncated') {
      server.runDiskUntil('Recovered');
      return;
    }
    if (!server.isUp) {
      server.keep(kept - flushed);
      server.start();
    }
    server.runDiskUntil('ElectionStarted');
  }

  #partition(i: Sid, j: Sid): void {
    for (const link of this.#links) {
      const { leader, learner } = link.ends;
      const ends = [numberOf(i), numberOf(j)];
      if (!ends.includes(leader.server.sid) || !ends.includes(learner.server.sid)) continue;
      // Nothing arrives any more. The learner notices when its role ends.
      if (link.isOpen('leader')) this.#closeEnd(link, 'leader');
      link.lose();
    }
  }

  /** By what it is that ends it: its disk, its leader's epoch, a lost connection, or its patience. */
  #endRole(before: State, i: Sid): void {
    const member = this.#member(i);
    const { server, link } = member;
    const { phase, role } = before.servers[i];
    const since = server.eventCount;
    const hasEnded = (): boolean => server.hasTold('RoleEnded', since);
    if (role === 'leading') {
      this.#exhaustLeader(server, phase === 'broadcast' ? 'leader/tick' : 'leader/init', hasEnded);
    } else if (phase === 'truncating' && cannotTruncate(before.servers[i])) {
      server.runDiskUntil('RoleEnded');
    } else if (phase === 'connecting') {
      this.#refuseDials(member, hasEnded);
    } else if (hasOldEpoch(before, i)) {
      this.#deliver(link, 'LEADERINFO');
    } else if (link !== undefined) {
      this.#closeEnd(link, 'learner');
    }
    if (!hasEnded()) throw new Refusal(`${i} goes on ${role}`);
  }

  /** It hears nothing for so long that it gives up. */
  #exhaustLeader(server: ScheduledServer, timer: string, hasEnded: () => boolean): void {
    const ticks = 4 * (defaultConfig.initLimit + defaultConfig.syncLimit);
    let work = (): void => {
      for (let tick = 0; tick < ticks && !hasEnded(); tick++) server.fire(timer);
    };
    for (const link of this.#links) {
      const inner = work;
      work = () => link.keepStill(inner);
    }
    work();
  }

  #refuseDials(member: Member, hasEnded: () => boolean): void {
    const { server } = member;
    while (!hasEnded()) {
      const connection = member.dial;
      member.dial = undefined;
      if (connection === undefined) throw new Refusal(`server ${server.sid} has stopped dialling`);
      server.give({ type: 'connection-closed', connection, reason: 'refused' });
      if (!hasEnded()) server.fire('follower/dial');
    }
  }

  // --- connections -------------------------------------------------------------------------------

  #connect(i: Sid, leader: Sid): void {
    const member = this.#member(i);
    const { server: learner } = member;
    const { server } = this.#member(leader);
    const dialled = member.dial;
    if (dialled === undefined) throw new Refusal(`${i} does not dial its leader`);
    member.dial = undefined;
    // An older connection of the same two servers is gone with all that was on it.
    for (const older of this.#links) {
      const isOlder = older.ends.learner.server === learner && older.ends.leader.server === server;
      if (!isOlder) continue;
      if (older.isOpen('leader')) this.#closeEnd(older, 'leader');
      this.#links.delete(older);
    }
    const accepted = server.nextAccepted() as ConnectionId;
    const ends: Readonly<Record<Side, LinkEnd>> = {
      learner: { server: learner, connection: dialled },
      leader: { server, connection: accepted },
    };
    member.link = new LearnerLink(ends.learner, ends.leader, (id) => this.#values.get(id));
    this.#links.add(member.link);
    const remote = `10.0.0.${learner.sid}:40000`;
    const connection = accepted;
    server.give({ type: 'connection-accepted', connection, listener: 'quorum', remote });
    learner.give({ type: 'connection-established', connection: dialled });
  }

  /** This end is told that the connection is gone. */
  #closeEnd(link: LearnerLink, side: Side): void {
    const { connection, server } = link.ends[side];
    this.#forgetEnd(link, side);
    server.give({ type: 'connection-closed', connection, reason: 'reset' });
  }

  #forgetEnd(link: LearnerLink, side: Side): void {
    link.closed(side);
    if (!link.isOpen('learner') && !link.isOpen('leader')) this.#links.delete(link);
  }

  #deliver(link: LearnerLink | undefined, name: string): void {
    if (link === undefined) throw new Refusal(`there is no connection for ${name}`);
    link.deliver('leader', name);
  }

  /** The connection on which the leader hears this learner. */
  #linkOf(learner: Sid, leader: Sid): LearnerLink {
    const [one, two] = [this.#member(learner).server, this.#member(leader).server];
    for (const link of this.#links) {
      const { ends } = link;
      if (ends.learner.server === one && ends.leader.server === two && link.isOpen('leader')) {
        return link;
      }
    }
    throw new Refusal(`${leader} has no connection of ${learner}`);
  }

  #onNetwork(server: ScheduledServer, effect: NetworkEffect): void {
    switch (effect.type) {
      case 'listen':
        server.give({ type: 'listening', listener: effect.listener });
        return;
      case 'unlisten':
        return;
      case 'dial':
        this.#dialled(server, effect);
        return;
      case 'send':
        this.#sent(server, effect.connection, effect.bytes);
        return;
      case 'close': {
        const found = this.#endOf(server, effect.connection);
        if (found !== undefined) this.#forgetEnd(found.link, found.side);
        this.#clients.get(server)?.delete(effect.connection);
        return;
      }
    }
  }

  #dialled(
    server: ScheduledServer,
    { connection, host, port }: Extract<NetworkEffect, { readonly type: 'dial' }>,
  ): void {
    const member = this.#member(`s${server.sid}` as Sid);
    if (port === QUORUM_PORT) member.dial = connection;
    else member.electorate.dialled(Number(host.split('.').at(-1)), connection);
  }

  #sent(server: ScheduledServer, connection: ConnectionId, bytes: Uint8Array): void {
    const found = this.#endOf(server, connection);
    if (found !== undefined) found.link.sent(found.side, bytes);
    const value = this.#clients.get(server)?.get(connection);
    if (value !== undefined) this.#answered.add(value);
    server.give({ type: 'bytes-drained', connection, sizeBytes: bytes.length });
  }

  #endOf(server: ScheduledServer, connection: ConnectionId) {
    for (const link of this.#links) {
      for (const side of ['learner', 'leader'] as const) {
        const end = link.ends[side];
        const isIt = end.server === server && end.connection === connection;
        // A server that starts again gives out the same ids again.
        if (isIt && link.isOpen(side)) return { link, side };
      }
    }
    return undefined;
  }

  // --- clients -----------------------------------------------------------------------------------

  /** A new client connects: its session is a transaction like any other. */
  #write(server: ScheduledServer, value: number): void {
    const connection = server.nextAccepted() as ConnectionId;
    const since = server.eventCount;
    this.#clients.get(server)?.set(connection, value);
    const remote = '10.0.1.1:50000';
    server.give({ type: 'connection-accepted', connection, listener: 'client', remote });
    const bytes = encodeFrame((writer) =>
      ConnectRequest.write(writer, {
        protocolVersion: 0,
        lastZxidSeen: 0n,
        timeoutMs: 10 * TICK_MS,
        sessionId: 0n,
        password: new Uint8Array(16),
        readOnly: false,
      }),
    );
    server.give({ type: 'bytes-received', connection, bytes });
    if (!server.hasTold('ProposalSent', since)) throw new Refusal('the leader proposes nothing');
    this.#values.set(BigInt(server.lastEvent('ProposalSent').args.session), value);
  }

  /** Transactions whose clients were told that they are done. */
  get answered(): ReadonlySet<number> {
    return this.#answered;
  }

  /** How many disks hold a transaction now. */
  diskCountOf(value: number): number {
    const has = ({ server }: Member): boolean =>
      loggedOn(server.disk, server.config).some((session) => this.#values.get(session) === value);
    return [...this.#members.values()].filter(has).length;
  }

  /** One end of the learner's connection was closed by a server that could not go on with it. */
  hasGivenUp(learner: Sid): boolean {
    const link = this.#member(learner).link;
    return link !== undefined && !(link.isOpen('learner') && link.isOpen('leader'));
  }

  // --- comparison --------------------------------------------------------------------------------

  compare(model: State): readonly string[] {
    return differences(viewOf(model), this.view());
  }

  view(): View {
    const servers: Record<string, ServerView> = {};
    for (const [sid, { server }] of this.#members) {
      servers[sid] = server.isUp ? serverView(server) : nothing('down');
    }
    const channels: Record<string, readonly string[]> = {};
    for (const link of this.#links) {
      for (const [from, to] of [
        ['learner', 'leader'],
        ['leader', 'learner'],
      ] as const) {
        const name = `s${link.ends[from].server.sid}→s${link.ends[to].server.sid}`;
        const inFlight = link.inFlight(from);
        if (inFlight.length > 0) channels[name] = [...(channels[name] ?? []), ...inFlight];
      }
    }
    return { servers, channels };
  }

  #member(sid: Sid): Member {
    const member = this.#members.get(sid);
    if (member === undefined) throw new Error(`there is no server ${sid}`);
    return member;
  }
}

/** What the leader offers is older than what this learner has promised. */
function hasOldEpoch(before: State, i: Sid): boolean {
  const { acceptedEpoch, leader, phase } = before.servers[i];
  const head = leader === null ? undefined : before.messages[leader][i][0];
  return phase === 'discovery' && head?.type === 'LEADERINFO' && head.epoch < acceptedEpoch;
}

const numberOf = (sid: Sid): number => Number(sid.slice(1));
