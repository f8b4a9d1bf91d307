/**
 * A tiny deterministic network of Election objects: one event queue, a delay per directed pair,
 * cuts under which TCP stalls (and resumes late after the heal), crashes that reset what can be
 * reached.
 */
import type { ConnectionEvent, ConnectionId } from '../../../src/base/core.ts';
import { Prng } from '../../../src/base/prng.ts';
import type { ProtocolAct } from '../../../src/base/protocol-event.ts';
import type { Zxid } from '../../../src/base/zxid.ts';
import {
  defaultConfig,
  type ServerAddress,
  type ServerConfig,
} from '../../../src/server/core/config.ts';
import type { CoreContext } from '../../../src/server/core/context.ts';
import { Election, type Vote } from '../../../src/server/core/election/election.ts';
import { QuorumVerifier } from '../../../src/server/core/quorum-verifier.ts';

export function addresses(count: number, observers = 0): ServerAddress[] {
  return Array.from({ length: count + observers }, (_, index) => ({
    sid: index + 1,
    host: '127.0.0.1',
    quorumPort: 2000 + index + 1,
    electionPort: 3000 + index + 1,
    role: index < count ? ('participant' as const) : ('observer' as const),
  }));
}

export function testConfig(sid: number, servers: readonly ServerAddress[]): ServerConfig {
  return {
    ...defaultConfig,
    sid,
    dataDir: '/data',
    dataLogDir: '/data',
    clientPort: 2181,
    tickTimeMs: 500,
    syncLimit: 4,
    connectTimeoutMs: 1000,
    minSessionTimeoutMs: 1000,
    maxSessionTimeoutMs: 10000,
    servers,
  };
}

/** One end of a connection. */
interface End {
  readonly node: TestNode;
  readonly id: ConnectionId;
  isOpen: boolean;
  other?: End;
}

export class TestNode implements CoreContext {
  readonly config: ServerConfig;
  readonly prng = new Prng(1);
  readonly sid: number;
  readonly network: TestNetwork;
  readonly election: Election;
  readonly ends = new Map<ConnectionId, End>();
  readonly elected: Vote[] = [];
  readonly acts: Array<{ act: ProtocolAct; args: unknown }> = [];
  readonly timers = new Map<string, { atMs: number; fire: () => void }>();
  listeningPort = 0;
  isAlive = true;
  haltCode: number | undefined;
  /** Messages handed to `send`, with frames and initial messages. */
  sentCount = 0;
  dialCount = 0;
  #nextId: number;

  constructor(network: TestNetwork, sid: number, firstId: number) {
    this.network = network;
    this.sid = sid;
    this.config = testConfig(sid, network.servers);
    this.#nextId = firstId;
    this.election = new Election(this, network.verifier, (vote) => {
      this.elected.push(vote);
      this.network.onElected?.(this, vote);
    });
  }

  get nextId(): number {
    return this.#nextId;
  }
  newId(): ConnectionId {
    return this.#nextId++ as ConnectionId;
  }
  now(): number {
    return this.network.now;
  }
  wallMs(): number {
    return this.network.now;
  }
  dial(_host: string, port: number): ConnectionId {
    const id = this.newId();
    this.dialCount++;
    this.network.dial(this, id, port);
    return id;
  }
  send(connection: ConnectionId, bytes: Uint8Array): void {
    this.sentCount++;
    const end = this.ends.get(connection);
    if (end !== undefined) this.network.send(end, bytes);
  }
  close(connection: ConnectionId): void {
    const end = this.ends.get(connection);
    if (end !== undefined) this.network.close(end);
  }
  pauseReading(): void {}
  resumeReading(): void {}
  listen(_listener: string, _host: string, port: number): void {
    this.network.at(0, () => {
      if (!this.isAlive) return;
      this.listeningPort = port;
      this.election.listening();
    });
  }
  unlisten(): void {
    this.listeningPort = 0;
  }
  setTimer(timer: string, afterMs: number, fire: () => void): void {
    const entry = { atMs: this.network.now + afterMs, fire };
    this.timers.set(timer, entry);
    this.network.at(afterMs, () => {
      if (!this.isAlive || this.timers.get(timer) !== entry) return;
      this.timers.delete(timer);
      fire();
    });
  }
  cancelTimer(timer: string): void {
    this.timers.delete(timer);
  }
  file(): void {
    throw new Error('an election touches no file');
  }
  trace(act: ProtocolAct, args: unknown): void {
    this.acts.push({ act, args });
  }
  log(): void {}
  halt(code: number): void {
    this.haltCode = code;
  }

  deliver(event: ConnectionEvent): void {
    if (!this.isAlive) return;
    if (event.type === 'connection-accepted' || this.election.owns(event.connection)) {
      this.election.handle(event);
    }
  }
}

export class TestNetwork {
  now = 0;
  readonly servers: readonly ServerAddress[];
  readonly verifier: QuorumVerifier;
  readonly nodes = new Map<number, TestNode>();
  /** What each server's disk would hold. */
  readonly disks = new Map<number, { zxid: bigint; currentEpoch: number }>();
  delayMs: (from: number, to: number) => number = () => 1;
  /** After a heal, stalled connections resume only so much later: TCP's own back-off. */
  retransmitMs = 60_000;
  onElected: ((node: TestNode, vote: Vote) => void) | undefined;
  readonly #cuts = new Set<string>();
  readonly #queue: Array<{ atMs: number; seq: number; run: () => void }> = [];
  readonly #lastMs = new Map<End, number>();
  readonly #stalled = new Map<End, Array<() => void>>();
  #seq = 0;

  constructor(voters: number, observers = 0) {
    this.servers = addresses(voters, observers);
    this.verifier = new QuorumVerifier(this.servers);
  }

  at(afterMs: number, run: () => void): void {
    const entry = { atMs: this.now + afterMs, seq: this.#seq++, run };
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#queue[middle]!;
      if (other.atMs > entry.atMs || (other.atMs === entry.atMs && other.seq > entry.seq)) {
        low = middle + 1;
      } else high = middle;
    }
    this.#queue.splice(low, 0, entry);
  }

  /** Runs for a time, or until the condition holds; says whether it did. */
  run(forMs: number, until: () => boolean = () => false): boolean {
    const endMs = this.now + forMs;
    while (!until()) {
      const next = this.#queue.at(-1);
      if (next === undefined || next.atMs > endMs) {
        this.now = endMs;
        return until();
      }
      this.#queue.pop();
      this.now = next.atMs;
      next.run();
    }
    return true;
  }

  start(sid: number, disk?: { zxid: bigint; currentEpoch: number }): TestNode {
    const former = this.nodes.get(sid);
    if (disk !== undefined) this.disks.set(sid, disk);
    const node = new TestNode(this, sid, former?.nextId ?? 1);
    this.nodes.set(sid, node);
    node.election.start();
    this.look(sid);
    return node;
  }

  look(sid: number): void {
    const { zxid, currentEpoch } = this.disks.get(sid) ?? { zxid: 0n, currentEpoch: 0 };
    this.node(sid).election.look({ zxid: zxid as Zxid, currentEpoch });
  }

  node(sid: number): TestNode {
    return this.nodes.get(sid)!;
  }

  crash(sid: number): void {
    const node = this.node(sid);
    node.isAlive = false;
    node.listeningPort = 0;
    for (const end of node.ends.values()) this.close(end);
    node.ends.clear();
  }

  cut(a: number, b: number): void {
    this.#cuts.add(`${a}/${b}`).add(`${b}/${a}`);
  }
  cutOneWay(from: number, to: number): void {
    this.#cuts.add(`${from}/${to}`);
  }
  isolate(sid: number): void {
    for (const { sid: other } of this.servers) if (other !== sid) this.cut(sid, other);
  }
  heal(): void {
    this.#cuts.clear();
    const stalled = [...this.#stalled];
    this.at(this.retransmitMs, () => {
      for (const [end] of stalled) this.#resume(end);
    });
  }
  isCut(from: number, to: number): boolean {
    return this.#cuts.has(`${from}/${to}`);
  }

  #resume(from: End): void {
    const queue = this.#stalled.get(from);
    if (queue === undefined || this.isCut(from.node.sid, from.other!.node.sid)) return;
    this.#stalled.delete(from);
    for (const run of queue) run();
  }

  /** In order per direction; a cut holds back this and everything behind it. */
  #transmit(from: End, run: () => void): void {
    const [a, b] = [from.node.sid, from.other!.node.sid];
    const atMs = Math.max(this.now + this.delayMs(a, b), this.#lastMs.get(from) ?? 0);
    this.#lastMs.set(from, atMs);
    this.at(atMs - this.now, () => {
      const queue = this.#stalled.get(from);
      if (queue !== undefined) queue.push(run);
      else if (this.isCut(a, b)) this.#stalled.set(from, [run]);
      else run();
    });
  }

  dial(node: TestNode, id: ConnectionId, port: number): void {
    const target = port - 3000;
    const end: End = { node, id, isOpen: true };
    node.ends.set(id, end);
    const fail = (reason: string) => {
      if (!end.isOpen || end.other !== undefined) return;
      end.isOpen = false;
      node.deliver({ type: 'connection-closed', connection: id, reason });
    };
    this.at(node.config.connectTimeoutMs, () => fail('timeout'));
    this.at(this.delayMs(node.sid, target), () => {
      if (this.isCut(node.sid, target) || !end.isOpen) return;
      const peer = this.nodes.get(target);
      const answer = (run: () => void) =>
        this.at(this.delayMs(target, node.sid), () => {
          if (!this.isCut(target, node.sid)) run();
        });
      if (peer === undefined || !peer.isAlive || peer.listeningPort !== port) {
        answer(() => fail('refused'));
        return;
      }
      const other: End = { node: peer, id: peer.newId(), isOpen: true, other: end };
      answer(() => {
        if (!end.isOpen) return;
        end.other = other;
        peer.ends.set(other.id, other);
        node.deliver({ type: 'connection-established', connection: id });
      });
      peer.ends.set(other.id, other);
      const remote = `127.0.0.1:${40000 + node.sid}`;
      peer.deliver({
        type: 'connection-accepted',
        connection: other.id,
        listener: 'election',
        remote,
      });
    });
  }

  send(from: End, bytes: Uint8Array): void {
    if (!from.isOpen || from.other === undefined) return;
    const to = from.other;
    const copy = bytes.slice();
    this.at(0, () => {
      if (!from.isOpen) return;
      const sizeBytes = copy.length;
      from.node.deliver({ type: 'bytes-drained', connection: from.id, sizeBytes });
    });
    this.#transmit(from, () => {
      if (to.isOpen) {
        to.node.deliver({ type: 'bytes-received', connection: to.id, bytes: copy });
      }
    });
  }

  close(from: End): void {
    if (!from.isOpen) return;
    from.isOpen = false;
    from.node.ends.delete(from.id);
    const to = from.other;
    if (to === undefined) return;
    this.#transmit(from, () => {
      if (!to.isOpen) return;
      to.isOpen = false;
      to.node.ends.delete(to.id);
      to.node.deliver({ type: 'connection-closed', connection: to.id, reason: 'reset' });
    });
  }

  /** A leader that leads and that a quorum (with itself) follows. */
  leader(): number | undefined {
    for (const [sid, node] of this.nodes) {
      if (!node.isAlive || node.election.state !== 'leading') continue;
      const supporters = [...this.nodes.values()].filter(
        (other) =>
          other.isAlive &&
          (other === node ||
            (other.election.state === 'following' && other.elected.at(-1)?.leader === sid)),
      );
      if (this.verifier.containsQuorum(supporters.map((other) => other.sid))) return sid;
    }
    return undefined;
  }
}
