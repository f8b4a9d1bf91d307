/**
 * Evidence of runs in which nothing went wrong, made by a tiny ensemble without faults of its own: one
 * sequence of transactions, servers that lag behind it, epochs that change, clients with sessions whose
 * operations take effect somewhere between invocation and completion, some of which are never answered.
 */
import { type Prng, prngStream } from '../../../src/base/prng.ts';
import type { ProtocolEvent } from '../../../src/base/protocol-event.ts';
import { formatHex } from '../../../src/base/zxid.ts';
import type { HistoryEntry } from '../../../src/checker/history.ts';
import type { DiskNode, LoggedTxn, ServerDisk } from '../../../src/checker/server-evidence.ts';

export interface Run {
  readonly history: HistoryEntry[];
  readonly events: Map<number, ProtocolEvent[]>;
  readonly disks: Map<number, ServerDisk>;
}

export interface RunOptions {
  readonly servers?: number;
  readonly clients?: number;
  readonly operations?: number;
  readonly keys?: number;
}

type Workload = 'register' | 'counter' | 'lock';

interface Txn {
  readonly zxid: bigint;
  readonly op: string;
  readonly path: string;
  readonly value: string | null;
  readonly session: bigint;
  readonly cxid: number;
}

interface Pending {
  readonly f: string;
  readonly key: string;
  readonly value?: unknown;
  result?: Partial<HistoryEntry> | undefined;
  isDone: boolean;
}

interface Client {
  readonly id: number;
  process: number;
  readonly session: bigint;
  server: number;
  seen: number;
  pending: Pending | undefined;
  held: { readonly token: string; readonly path: string; readonly fromMs: number } | undefined;
  queue: string | undefined;
}

const START_NS = 1_000_000;

export class Ensemble {
  readonly run: Run = { history: [], events: new Map(), disks: new Map() };
  readonly #prng: Prng;
  readonly #workload: Workload;
  readonly #servers: number[];
  readonly #keys: number;
  readonly #txns: Txn[] = [];
  readonly #applied = new Map<number, number>();
  readonly #clients: Client[] = [];
  /** Unanswered operations that may still happen. */
  readonly #orphans: { readonly client: Client; readonly pending: Pending }[] = [];
  #epoch = 0;
  #counter = 0;
  #leader = 1;
  #time = START_NS;
  #processes: number;
  #values = 0;
  #storeHighest = 0n;

  constructor(workload: Workload, seed: string, options: RunOptions = {}) {
    const { servers = 3, clients = 4, keys = 2 } = options;
    this.#prng = prngStream(seed, `good/${workload}`);
    this.#workload = workload;
    this.#keys = keys;
    this.#servers = Array.from({ length: servers }, (_, index) => index + 1);
    for (const node of this.#servers) {
      this.#applied.set(node, 0);
      this.run.events.set(node, []);
    }
    this.#elect();
    for (const path of this.#paths()) this.#commit('create', path, this.#initial(), 7n, 1);
    for (let id = 0; id < clients; id++) {
      this.#clients.push({
        id,
        process: id,
        session: BigInt(0x100 + id),
        server: this.#prng.pick(this.#servers),
        seen: this.#txns.length,
        pending: undefined,
        held: undefined,
        queue: undefined,
      });
    }
    this.#processes = clients;
    this.#work(options.operations ?? 60);
    this.#finish();
  }

  #paths(): string[] {
    if (this.#workload === 'counter') return ['/counter'];
    if (this.#workload === 'lock') return ['/lock'];
    return Array.from({ length: this.#keys }, (_, key) => `/r/${key}`);
  }

  #initial(): string | null {
    return this.#workload === 'counter' ? '0' : null;
  }

  // --- the ensemble ------------------------------------------------------------------------------

  #elect(): void {
    this.#epoch++;
    this.#counter = 0;
    this.#leader = this.#prng.pick(this.#servers);
    const quorum = this.#prng
      .shuffle(this.#servers)
      .slice(0, Math.floor(this.#servers.length / 2) + 1);
    if (!quorum.includes(this.#leader)) quorum[0] = this.#leader;
    for (const node of new Set([...quorum, this.#leader])) this.#catchUp(node);
    this.#emit(this.#leader, 'LeaderEstablished', { epoch: this.#epoch, quorum });
  }

  #commit(op: string, path: string, value: string | null, session: bigint, cxid: number): Txn {
    const zxid = (BigInt(this.#epoch) << 32n) | BigInt(++this.#counter);
    const txn = { zxid, op, path, value, session, cxid };
    this.#catchUp(this.#leader);
    this.#txns.push(txn);
    const others = this.#prng.shuffle(this.#servers.filter((node) => node !== this.#leader));
    const acks = [this.#leader, ...others.slice(0, Math.floor(this.#servers.length / 2))];
    for (const node of acks) this.#emit(node, 'TxnFlushed', { zxid: formatHex(zxid) });
    this.#emit(this.#leader, 'ProposalCommitted', { zxid: formatHex(zxid), acks });
    this.#catchUp(this.#leader);
    return txn;
  }

  /** Applies transactions on a server, up to the newest or to `until`. */
  #catchUp(node: number, until = this.#txns.length): void {
    for (let index = this.#applied.get(node) ?? 0; index < until; index++) {
      const { zxid, op } = this.#txns[index] as Txn;
      this.#applied.set(node, index + 1);
      const digest = `0x${(index * 7919).toString(16)}`;
      this.#emit(node, 'TxnApplied', { zxid: formatHex(zxid), op, digest });
    }
  }

  #emit(node: number, act: string, args: object): void {
    const sequence = this.run.events.get(node) as ProtocolEvent[];
    const last = formatHex(this.#zxidAt(this.#applied.get(node) ?? 0));
    sequence.push({
      v: 1,
      node,
      incarnation: 1,
      n: sequence.length,
      now: Math.floor(this.#time / 1e6),
      wallMs: 1_700_000_000_000 + Math.floor(this.#time / 1e6),
      act,
      args,
      post: {
        role: node === this.#leader ? 'leading' : 'following',
        acceptedEpoch: this.#epoch,
        currentEpoch: this.#epoch,
        lastLogged: last,
        lastFlushed: last,
        lastApplied: last,
      },
    } as ProtocolEvent);
  }

  #zxidAt(count: number): bigint {
    return this.#txns[count - 1]?.zxid ?? 0n;
  }

  #treeAt(count: number): Map<string, DiskNode> {
    const tree = new Map<string, DiskNode>();
    for (const { zxid, op, path, value, session } of this.#txns.slice(0, count)) {
      const before = tree.get(path);
      if (op === 'delete') tree.delete(path);
      else
        tree.set(path, {
          path,
          data: value === null ? null : new TextEncoder().encode(value),
          czxid: before?.czxid ?? zxid,
          mzxid: zxid,
          pzxid: before?.pzxid ?? zxid,
          version: before === undefined ? 0 : before.version + 1,
          cversion: 0,
          ephemeralOwner: path.startsWith('/lock/') ? session : 0n,
        });
    }
    return tree;
  }

  // --- the clients -------------------------------------------------------------------------------

  #work(operations: number): void {
    let left = operations;
    while (left > 0 || this.#clients.some(({ pending }) => pending !== undefined)) {
      this.#time += this.#prng.int(1, 5) * 1_000_000;
      const client = this.#prng.pick(this.#clients);
      const draw = this.#prng.int(0, 99);
      if (draw < 2) this.#elect();
      else if (draw < 12) this.#catchUp(this.#prng.pick(this.#servers));
      else if (draw < 20) this.#applyOrphan();
      else if (client.pending === undefined) {
        // Nobody keeps the lock for ever: others wait for it.
        if (left-- > 0 || client.held !== undefined) this.#invoke(client, left < 0);
      } else if (!client.pending.isDone) this.#takeEffect(client, client.pending);
      else this.#complete(client, client.pending);
    }
  }

  #record(client: Client, type: HistoryEntry['type'], pending: Pending, more: object): void {
    this.run.history.push({
      index: this.run.history.length,
      process: client.process,
      type,
      f: pending.f,
      key: pending.key,
      ...(pending.value === undefined ? {} : { value: pending.value }),
      time: this.#time,
      client: client.id,
      ...more,
    });
  }

  #invoke(client: Client, isLast: boolean): void {
    const pending = isLast ? { f: 'release', key: 'lock', isDone: false } : this.#choose(client);
    client.pending = pending;
    this.#record(client, 'invoke', pending, {});
  }

  #choose(client: Client): Pending {
    const key = `r${this.#prng.int(0, this.#keys - 1)}`;
    const draw = this.#prng.int(0, 99);
    if (this.#workload === 'counter') {
      return { f: draw < 60 ? 'increment' : 'read', key: 'counter', isDone: false };
    }
    if (this.#workload === 'lock') {
      const f = client.held === undefined ? 'acquire' : draw < 60 ? 'store' : 'release';
      return { f, key: 'lock', isDone: false };
    }
    if (draw < 25) return { f: 'read', key, isDone: false };
    if (draw < 50) return { f: 'plain-read', key, isDone: false };
    const value = `v${this.#values++}`;
    if (draw < 80) return { f: 'write', key, value, isDone: false };
    return {
      f: 'cas',
      key,
      value: [this.#newest(`/r/${key.slice(1)}`).value, value],
      isDone: false,
    };
  }

  /** The moment at which the operation happens, or its caller gives up on it. */
  #takeEffect(client: Client, pending: Pending): void {
    const isUnanswerable = ['write', 'cas', 'increment'].includes(pending.f);
    if (isUnanswerable && this.#prng.chance(80)) {
      client.pending = undefined;
      this.#record(client, 'info', pending, { error: 'ConnectionLoss' });
      client.process = this.#processes++;
      this.#orphans.push({ client, pending });
      return;
    }
    pending.result = this.#perform(client, pending);
    pending.isDone = pending.result !== undefined;
    if (pending.isDone && isUnanswerable && this.#prng.chance(60)) {
      client.pending = undefined;
      this.#record(client, 'info', pending, { error: 'ConnectionLoss' });
      client.process = this.#processes++;
    }
  }

  #applyOrphan(): void {
    const orphan = this.#orphans.shift();
    if (orphan !== undefined && this.#prng.chance(500))
      this.#perform(orphan.client, orphan.pending);
  }

  #complete(client: Client, pending: Pending): void {
    client.pending = undefined;
    const { type = 'ok', ...more } = pending.result ?? {};
    const session = formatHex(client.session);
    this.#record(client, type, pending, { node: client.server, session, ...more });
    if (this.#prng.chance(50)) client.server = this.#prng.pick(this.#servers);
  }

  /** Undefined while it has to wait. */
  #perform(client: Client, pending: Pending): Partial<HistoryEntry> | undefined {
    switch (pending.f) {
      case 'read':
      case 'plain-read':
        return this.#read(client, pending);
      case 'increment': {
        const next = Number(this.#newest('/counter').value) + 1;
        return { ...this.#write(client, '/counter', String(next)), value: next };
      }
      case 'write':
        return this.#write(client, `/r/${pending.key.slice(1)}`, pending.value as string);
      case 'cas': {
        const [from, to] = pending.value as [string | null, string];
        const path = `/r/${pending.key.slice(1)}`;
        if (this.#newest(path).value !== from) return { type: 'fail' };
        return this.#write(client, path, to);
      }
      case 'acquire':
        return this.#acquire(client);
      case 'store':
        return this.#store(client);
      default:
        return this.#release(client);
    }
  }

  #write(client: Client, path: string, value: string): Partial<HistoryEntry> {
    const { zxid } = this.#commit('setData', path, value, client.session, client.seen);
    this.#catchUp(client.server);
    client.seen = this.#txns.length;
    return { zxid: formatHex(zxid) };
  }

  #read(client: Client, pending: Pending): Partial<HistoryEntry> {
    const { server } = client;
    const isQuorum = pending.f === 'read';
    this.#catchUp(server, isQuorum ? this.#txns.length : client.seen);
    const count = this.#applied.get(server) ?? 0;
    client.seen = count;
    const isCounter = pending.key === 'counter';
    const path = isCounter ? '/counter' : `/r/${pending.key.slice(1)}`;
    const answer = this.#answer(path, count);
    const value = isCounter ? Number(answer.value) : answer;
    return { value, zxid: formatHex(this.#zxidAt(count)) };
  }

  #answer(path: string, count: number): { value: string | null; mzxid: string; version: number } {
    const node = this.#treeAt(count).get(path) as DiskNode;
    const value = node.data === null ? null : new TextDecoder().decode(node.data);
    return { value, mzxid: formatHex(node.mzxid), version: node.version };
  }

  #newest(path: string): { value: string | null } {
    return this.#answer(path, this.#txns.length);
  }

  #nowMs(): number {
    return Math.floor(this.#time / 1e6);
  }

  #acquire(client: Client): Partial<HistoryEntry> | undefined {
    if (client.queue === undefined) {
      client.queue = `/lock/n${this.#values++}`;
      this.#commit('create', client.queue, null, client.session, 0);
      return undefined;
    }
    const queue = [...this.#treeAt(this.#txns.length).values()].filter(({ path }) =>
      path.startsWith('/lock/'),
    );
    queue.sort((a, b) => Number(a.czxid - b.czxid));
    const first = queue[0] as DiskNode;
    if (first.path !== client.queue) return undefined;
    const token = formatHex(first.czxid);
    client.held = { token, path: client.queue, fromMs: this.#nowMs() };
    client.queue = undefined;
    return { value: { token, belief: this.#belief(client) }, zxid: token };
  }

  #belief(client: Client): { fromMs: number; untilMs: number } {
    return { fromMs: client.held?.fromMs ?? 0, untilMs: this.#nowMs() + 750 };
  }

  #store(client: Client): Partial<HistoryEntry> {
    const token = BigInt(client.held?.token ?? '0x0');
    const accepted = token >= this.#storeHighest;
    if (accepted) this.#storeHighest = token;
    const highest = formatHex(this.#storeHighest);
    return { value: { token: formatHex(token), accepted, highest, belief: this.#belief(client) } };
  }

  #release(client: Client): Partial<HistoryEntry> {
    const { token, path, fromMs } = client.held as NonNullable<Client['held']>;
    client.held = undefined;
    this.#commit('delete', path, null, client.session, 0);
    const invoked = this.run.history.findLast(({ process }) => process === client.process);
    const untilMs = Math.floor((invoked?.time ?? 0) / 1e6);
    return { value: { token, belief: { fromMs, untilMs } } };
  }

  // --- the end -----------------------------------------------------------------------------------

  #finish(): void {
    while (this.#orphans.length > 0) this.#applyOrphan();
    this.#time += 500_000_000;
    for (const node of this.#servers) this.#catchUp(node);
    for (const node of this.#servers) {
      for (const path of this.#paths()) this.#finalRead(node, path);
    }
    for (const node of this.#servers) this.run.disks.set(node, this.#disk(node));
  }

  #finalRead(node: number, path: string): void {
    const client = this.#clients[0] as Client;
    const pending: Pending = { f: 'final-read', key: path, isDone: true };
    this.#record({ ...client, process: this.#processes }, 'invoke', pending, {});
    this.#time += 1_000_000;
    const count = this.#txns.length;
    this.#record({ ...client, process: this.#processes++ }, 'ok', pending, {
      node,
      session: formatHex(BigInt(0x900 + node)),
      zxid: formatHex(this.#zxidAt(count)),
      value: this.#answer(path, count),
    });
  }

  #disk(node: number): ServerDisk {
    const count = this.#txns.length;
    const snapshotAt = this.#prng.chance(500) ? this.#prng.int(0, count) : 0;
    const logFrom = this.#prng.chance(500) ? snapshotAt : 0;
    const log = this.#txns.slice(logFrom).map((txn): LoggedTxn => {
      const { zxid, session, cxid, op, path } = txn;
      const fingerprint = `${zxid}/${session}/${op}/${path}/${txn.value}`;
      return { zxid, session, cxid, op, paths: [path], fingerprint, file: `log.${node}` };
    });
    return {
      acceptedEpoch: this.#epoch,
      currentEpoch: this.#epoch,
      log,
      snapshotZxid: snapshotAt === 0 ? -1n : this.#zxidAt(snapshotAt),
      tree: this.#treeAt(count),
      lastZxid: this.#zxidAt(count),
      problems: [],
    };
  }
}

export function goodRun(workload: Workload, seed: string, options: RunOptions = {}): Run {
  return new Ensemble(workload, seed, options).run;
}
