/**
 * A few server cores wired to each other without any chance: the network delivers at once and in order, disks
 * complete at once, time passes only when nothing else is left to do. What the learner port carries and what
 * the watched disk does is written down as a transcript for people.
 */
import type { ConnectionId } from '../../src/base/core.ts';
import type { FileRequest } from '../../src/base/file.ts';
import { formatHex } from '../../src/base/zxid.ts';
import { defaultConfig, type ServerConfig } from '../../src/server/core/config.ts';
import type { ServerEffect, ServerInput } from '../../src/server/core/seam.ts';
import { Server } from '../../src/server/core/server.ts';
import { decode, int, JuteReader } from '../../src/wire/jute.ts';
import {
  LearnerInfo,
  PacketType,
  packetName,
  type QuorumPacket,
  SNAPSHOT_SIGNATURE,
  tryReadPacket,
} from '../../src/wire/quorum.ts';
import { SnapshotDecoder } from '../../src/wire/storage.ts';
import { decodeTxn } from '../../src/wire/txn.ts';
import type { CrashDisk } from './crash-disk.ts';

const WALL_MS = 1_700_000_000_000;
const TICK_MS = 1000;

interface Node {
  readonly sid: number;
  readonly core: Server;
  readonly disk: CrashDisk;
  readonly timers: Map<string, number>;
  readonly connections: Map<ConnectionId, Wire>;
  readonly listeners: Map<number, string>;
  nextAccepted: number;
}

/** One end's view of a connection. */
interface Wire {
  readonly peer: Node;
  readonly peerConnection: ConnectionId;
  /** Decodes what this end sends on the learner port. */
  readonly tap: PacketTap | undefined;
}

export function configOf(sid: number, commitLogCount: number): ServerConfig {
  return {
    ...defaultConfig,
    sid,
    dataDir: `/${sid}`,
    dataLogDir: `/${sid}`,
    clientHost: `10.0.0.${sid}`,
    clientPort: 2181,
    tickTimeMs: TICK_MS,
    minSessionTimeoutMs: 2 * TICK_MS,
    maxSessionTimeoutMs: 20 * TICK_MS,
    preallocationSizeBytes: 0,
    commitLogCount,
    servers: [1, 2, 3].map((member) => ({
      sid: member,
      host: `10.0.0.${member}`,
      quorumPort: 2888,
      electionPort: 3888,
      role: 'participant',
    })),
  };
}

export class ScriptedEnsemble {
  readonly transcript: string[] = [];
  readonly #nodes = new Map<number, Node>();
  readonly #queue: Array<() => void> = [];
  /** Its file operations are part of the transcript. */
  readonly #watched: number;
  #now = 0;

  constructor(watched: number) {
    this.#watched = watched;
  }

  add(config: ServerConfig, disk: CrashDisk): void {
    const { sid } = config;
    this.#nodes.set(sid, {
      sid,
      core: new Server(config),
      disk,
      timers: new Map(),
      connections: new Map(),
      listeners: new Map(),
      nextAccepted: 1,
    });
  }

  start(): void {
    for (const node of this.#nodes.values()) {
      this.#queue.push(() => this.#step(node, { type: 'started', incarnation: 1, seed: 'golden' }));
    }
  }

  /** Runs until `isOver` or until so much time has passed. */
  run(limitMs: number, isOver: () => boolean): void {
    for (;;) {
      const next = this.#queue.shift();
      if (next !== undefined) {
        next();
        continue;
      }
      if (isOver() || this.#now > limitMs || !this.#fireTimer()) return;
    }
  }

  core(sid: number): Server {
    return (this.#nodes.get(sid) as Node).core;
  }

  #fireTimer(): boolean {
    let first: { node: Node; timer: string; atMs: number } | undefined;
    for (const node of this.#nodes.values()) {
      for (const [timer, atMs] of node.timers) {
        if (first === undefined || atMs < first.atMs) first = { node, timer, atMs };
      }
    }
    if (first === undefined) return false;
    const { node, timer, atMs } = first;
    this.#now = Math.max(this.#now, atMs);
    node.timers.delete(timer);
    this.#step(node, { type: 'timer-fired', timer });
    return true;
  }

  #step(node: Node, input: ServerInput): void {
    const effects: ServerEffect[] = [];
    node.core.step({ ...input, now: this.#now, wallMs: WALL_MS }, effects);
    for (const effect of effects) this.#carryOut(node, effect);
  }

  #post(node: Node, input: ServerInput): void {
    this.#queue.push(() => this.#step(node, input));
  }

  #carryOut(node: Node, effect: ServerEffect): void {
    switch (effect.type) {
      case 'file': {
        const { operation, request } = effect;
        const result = node.disk.execute(request);
        if (node.sid === this.#watched) this.#noteFile(node.sid, request);
        this.#post(node, { type: 'file-completed', operation, result });
        return;
      }
      case 'set-timer':
        node.timers.set(effect.timer, effect.atMs);
        return;
      case 'cancel-timer':
        node.timers.delete(effect.timer);
        return;
      case 'listen':
        node.listeners.set(effect.port, effect.listener);
        this.#post(node, { type: 'listening', listener: effect.listener });
        return;
      case 'unlisten':
        for (const [port, listener] of node.listeners) {
          if (listener === effect.listener) node.listeners.delete(port);
        }
        return;
      case 'dial':
        this.#dial(node, effect.connection, effect.host, effect.port);
        return;
      case 'send':
        this.#send(node, effect.connection, effect.bytes);
        return;
      case 'close':
        this.#close(node, effect.connection);
        return;
      case 'halt':
        this.transcript.push(`${node.sid} halts: ${effect.reason}`);
        return;
      default:
    }
  }

  #dial(node: Node, connection: ConnectionId, host: string, port: number): void {
    const peer = this.#nodes.get(Number(host.split('.').at(-1)));
    const listener = peer?.listeners.get(port);
    if (peer === undefined || listener === undefined) {
      this.#post(node, { type: 'connection-closed', connection, reason: 'refused' });
      return;
    }
    const accepted = peer.nextAccepted as ConnectionId;
    peer.nextAccepted += 2;
    const isLearnerPort = listener === 'quorum';
    const tap = (from: Node, to: Node): PacketTap | undefined =>
      isLearnerPort
        ? new PacketTap((line) => this.transcript.push(`${from.sid} → ${to.sid}  ${line}`))
        : undefined;
    node.connections.set(connection, { peer, peerConnection: accepted, tap: tap(node, peer) });
    peer.connections.set(accepted, {
      peer: node,
      peerConnection: connection,
      tap: tap(peer, node),
    });
    const remote = `10.0.0.${node.sid}:40000`;
    this.#post(peer, { type: 'connection-accepted', connection: accepted, listener, remote });
    this.#post(node, { type: 'connection-established', connection });
  }

  #send(node: Node, connection: ConnectionId, bytes: Uint8Array): void {
    const wire = node.connections.get(connection);
    if (wire === undefined) return;
    wire.tap?.push(bytes);
    this.#post(wire.peer, { type: 'bytes-received', connection: wire.peerConnection, bytes });
    this.#post(node, { type: 'bytes-drained', connection, sizeBytes: bytes.length });
  }

  #close(node: Node, connection: ConnectionId): void {
    const wire = node.connections.get(connection);
    if (wire === undefined) return;
    node.connections.delete(connection);
    wire.peer.connections.delete(wire.peerConnection);
    const closed = { connection: wire.peerConnection, reason: 'closed by the other end' };
    this.#post(wire.peer, { type: 'connection-closed', ...closed });
  }

  #noteFile(sid: number, request: FileRequest): void {
    const name = (path: string): string => path.split('/').at(-1) ?? path;
    const text = ((): string | undefined => {
      switch (request.kind) {
        case 'list':
        case 'open':
        case 'read':
          return undefined;
        case 'append':
          return `append ${request.bytes.length} bytes to ${name(request.path)}`;
        case 'write-at':
          return `write ${request.bytes.length} bytes at ${request.offset} of ${name(request.path)}`;
        case 'truncate':
          return `truncate ${name(request.path)} to ${request.sizeBytes} bytes`;
        case 'rename':
          return `rename ${name(request.path)} to ${name(request.to)}`;
        case 'flush-directory':
          return 'flush the directory';
        default:
          return `${request.kind} ${name(request.path)}`;
      }
    })();
    if (text !== undefined) this.transcript.push(`disk ${sid}  ${text}`);
  }
}

/** Turns the bytes of one direction into lines; a snapshot stream is one line. */
class PacketTap {
  readonly #note: (line: string) => void;
  #bytes = new Uint8Array(0);
  #snapshot: { readonly decoder: SnapshotDecoder; sizeBytes: number; nodes: number } | undefined;

  constructor(note: (line: string) => void) {
    this.#note = note;
  }

  push(chunk: Uint8Array): void {
    const joined = new Uint8Array(this.#bytes.length + chunk.length);
    joined.set(this.#bytes);
    joined.set(chunk, this.#bytes.length);
    this.#bytes = joined;
    for (;;) {
      const used = this.#snapshot === undefined ? this.#packet() : this.#stream();
      if (used === 0) return;
      this.#bytes = this.#bytes.slice(used);
    }
  }

  #packet(): number {
    const read = tryReadPacket(this.#bytes, 0);
    if (read === undefined) return 0;
    this.#note(describePacket(read.packet));
    if (read.packet.type === PacketType.snap) this.#beginStream();
    return read.next;
  }

  #beginStream(): void {
    const sink = {
      session: () => undefined,
      acl: () => undefined,
      node: () => {
        if (this.#snapshot !== undefined) this.#snapshot.nodes++;
      },
      finish: () => undefined,
    };
    this.#snapshot = { decoder: new SnapshotDecoder('stream', sink), sizeBytes: 0, nodes: 0 };
  }

  #stream(): number {
    const snapshot = this.#snapshot;
    if (snapshot === undefined) return 0;
    if (!snapshot.decoder.isDone) {
      const used = snapshot.decoder.push(this.#bytes);
      snapshot.sizeBytes += used;
      return used;
    }
    const reader = new JuteReader(this.#bytes);
    if (reader.remaining < 4 + SNAPSHOT_SIGNATURE.length) return 0;
    const signature = reader.ustring();
    this.#note(
      `snapshot stream: ${snapshot.nodes} nodes, ${snapshot.sizeBytes} bytes, "${signature}"`,
    );
    this.#snapshot = undefined;
    return reader.offset;
  }
}

function describePacket({ type, zxid, data }: QuorumPacket): string {
  const head = `${packetName(type)} ${type === PacketType.upToDate ? '-' : formatHex(zxid)}`;
  if (data === null) return head;
  switch (type) {
    case PacketType.followerInfo: {
      const { sid, protocolVersion, configVersion } = decode(LearnerInfo, data);
      return `${head} sid=${sid} protocol=${formatHex(BigInt(protocolVersion))} config=${configVersion}`;
    }
    case PacketType.leaderInfo:
      return `${head} protocol=${formatHex(BigInt(decode(int, data)))}`;
    case PacketType.ackEpoch:
      return `${head} currentEpoch=${decode(int, data)}`;
    case PacketType.proposal: {
      const { header, txn } = decodeTxn(data);
      const path = 'path' in (txn.body ?? {}) ? (txn.body as { path: string }).path : '';
      return `${head} type=${header.type} ${path}`.trimEnd();
    }
    case PacketType.newLeader:
      return `${head} config ${new TextDecoder().decode(data).split('\n').at(-1) ?? ''}`;
    default:
      return `${head} ${data.length} bytes`;
  }
}
