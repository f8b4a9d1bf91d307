/**
 * Journals of any length, made by the plainest ensemble there is: one plain tree, sessions that ask one thing
 * after another, answers at once or a little later, one-shot and persistent watches. Everything it does is
 * good; it is quick enough for histories of a million operations.
 */
import type { Prng } from '../../src/base/prng.ts';
import { type PlainChange, PlainTree, parentOf } from '../../src/checker/models/plain-tree.ts';
import type {
  JournalRecord,
  JournalReply,
  JournalRequest,
  PlainWrite,
  WatchEventName,
} from '../../src/checker/zookeeper/journal.ts';

export interface ModelOptions {
  readonly prng: Prng;
  readonly operations: number;
  readonly clients?: number;
  /** Nodes that are written and read. */
  readonly nodes?: number;
  /** Persistent and recursive watches that a client sets, at most. */
  readonly standingWatches?: number;
}

interface Client {
  readonly name: string;
  readonly session: string;
  xid: number;
  pending: JournalRequest | undefined;
  /** Persistent and recursive watches that it may still set. */
  watchesLeft: number;
}

const STEP_NS = 1000;
const EPOCH = 2 ** 32;

export function modelJournal(options: ModelOptions): JournalRecord[] {
  return [...modelRecords(options)];
}

/** The same, made while it is read. */
export function modelRecords(options: ModelOptions): Iterable<JournalRecord> {
  return new ModelEnsemble(options).run();
}

class ModelEnsemble {
  readonly #prng: Prng;
  readonly #operations: number;
  readonly #paths: readonly string[];
  readonly #clients: readonly Client[];
  readonly #tree = new PlainTree();
  /** Not handed out yet. */
  #records: JournalRecord[] = [];
  readonly #data = new Map<string, Set<Client>>();
  readonly #child = new Map<string, Set<Client>>();
  readonly #persistent = new Map<string, Set<Client>>();
  readonly #recursive = new Map<string, Set<Client>>();
  #time = 0;
  #zxid = EPOCH;
  #values = 0;

  constructor(options: ModelOptions) {
    const { prng, operations, clients = 10, nodes = 50, standingWatches = Infinity } = options;
    this.#prng = prng;
    this.#operations = operations;
    this.#paths = Array.from({ length: nodes }, (_, index) => `/n/${index}`);
    this.#clients = Array.from({ length: clients }, (_, index) => {
      const session = `0x1000000000000${(index + 1).toString(16)}`;
      const name = `client/${index}/0`;
      return { name, session, xid: 0, pending: undefined, watchesLeft: standingWatches };
    });
  }

  *run(): Generator<JournalRecord, void> {
    for (const _ of this.#steps()) {
      const records = this.#records;
      this.#records = [];
      yield* records;
    }
  }

  *#steps(): Generator<void, void> {
    for (const { name: client, session } of this.#clients) {
      this.#record({ type: 'connecting', client, time: 0, session: '', lastZxidSeen: 0, node: 1 });
      this.#record({ type: 'connected', client, time: 0, session, timeoutMs: 1000 });
    }
    const first = this.#clients[0] as Client;
    for (const path of ['/n', '/q', ...this.#paths]) {
      this.#ask(first, { op: 'create', path, data: '', flags: 0 });
      this.#answer(first);
    }
    yield;
    let asked = 0;
    while (asked < this.#operations) {
      const client = this.#prng.pick(this.#clients);
      if (client.pending === undefined) {
        this.#ask(client, this.#draw(client));
        asked++;
      } else this.#answer(client);
      yield;
    }
    for (const client of this.#clients) {
      if (client.pending !== undefined) this.#answer(client);
      this.#ask(client, { op: 'close' });
      this.#answer(client);
      yield;
    }
  }

  #draw(client: Client): JournalRequest {
    const path = this.#prng.pick(this.#paths);
    const watch = this.#prng.chance(200);
    const kind = this.#prng.int(0, 99);
    if (kind < 40) return { op: 'getData', path, watch };
    if (kind < 70) return { op: 'setData', path, data: `v${this.#values++}`, version: -1 };
    if (kind < 75) return { op: 'exists', path: `${path}/e`, watch };
    if (kind < 80) return { op: 'create', path: `${path}/e`, data: 'e', flags: 1 };
    if (kind < 85) return { op: 'delete', path: `${path}/e`, version: -1 };
    if (kind < 88) return { op: 'getChildren', path, watch };
    if (kind < 90) return { op: 'sync', path };
    // Each is told of every change from then on: a few are many events.
    if (kind < 93 && client.watchesLeft > 0 && this.#prng.chance(20)) {
      client.watchesLeft--;
      return { op: 'addWatch', path, mode: this.#prng.pick(['persistent', 'recursive']) };
    }
    if (kind < 97) return this.#multi(path);
    return { op: 'create', path: `${path}/s-`, data: null, flags: 3 };
  }

  #multi(path: string): JournalRequest {
    const other = this.#prng.pick(this.#paths);
    const version = this.#prng.chance(300) ? 1_000_000 : -1;
    const operations: PlainWrite[] = [
      { op: 'setData', path, data: `v${this.#values++}`, version: -1 },
      { op: 'check', path: other, version },
      { op: 'setData', path: other, data: `v${this.#values++}`, version: -1 },
    ];
    return { op: 'multi', operations };
  }

  #record(record: JournalRecord): void {
    this.#time += STEP_NS;
    this.#records.push(Object.assign(record, { time: this.#time }));
  }

  #ask(client: Client, request: JournalRequest): void {
    client.pending = request;
    const xid = ++client.xid;
    this.#record({ type: 'request', client: client.name, time: 0, xid, request });
  }

  #answer(client: Client): void {
    const request = client.pending as JournalRequest;
    client.pending = undefined;
    const reply = this.#carryOut(client, request);
    const { name, xid } = client;
    this.#record({ type: 'reply', client: name, time: 0, xid, zxid: this.#zxid, reply });
    this.#leaveWatch(client, request, reply);
  }

  #carryOut(client: Client, request: JournalRequest): JournalReply {
    const context = { session: client.session, zxid: this.#zxid + 1, timeMs: this.#time };
    switch (request.op) {
      case 'create':
      case 'setData':
      case 'delete': {
        this.#zxid++;
        const reply = this.#tree.write(request, context);
        this.#tellChanges(this.#tree.changes);
        return reply;
      }
      case 'multi': {
        this.#zxid++;
        const replies = this.#tree.multi(request.operations, context);
        this.#tellChanges(this.#tree.changes);
        const isFailed = replies.some(({ error }) => error !== undefined);
        return {
          results: replies.map((reply) => (isFailed ? { error: reply.error ?? 'Ok' } : reply)),
        };
      }
      case 'close':
        this.#zxid++;
        this.#tree.closeSession(client.session, this.#zxid);
        this.#tellChanges(this.#tree.changes);
        this.#forget(client);
        return {};
      case 'sync':
      case 'addWatch':
        return {};
      default:
        return this.#read(request);
    }
  }

  #read(request: JournalRequest): JournalReply {
    const node = 'path' in request ? this.#tree.get(request.path) : undefined;
    if (node === undefined || !('path' in request)) return { error: 'NoNode' };
    const stat = this.#tree.stat(request.path);
    if (stat === undefined) return { error: 'NoNode' };
    if (request.op === 'exists') return { stat };
    if (request.op === 'getData') return { stat, data: node.data };
    return { stat, children: [...(node.children ?? [])] };
  }

  // -------------------------------------------------------------- watches

  #leaveWatch(client: Client, request: JournalRequest, reply: JournalReply): void {
    if (request.op === 'addWatch') {
      add(request.mode === 'recursive' ? this.#recursive : this.#persistent, request.path, client);
    }
    if (!('watch' in request) || !request.watch) return;
    if (request.op === 'getChildren') {
      if (reply.error === undefined) add(this.#child, request.path, client);
    } else if (reply.error === undefined || request.op === 'exists') {
      add(this.#data, request.path, client);
    }
  }

  #forget(client: Client): void {
    for (const table of [this.#data, this.#child, this.#persistent, this.#recursive]) {
      for (const clients of table.values()) clients.delete(client);
    }
  }

  #tellChanges(changes: readonly PlainChange[]): void {
    for (const { kind, path } of changes) {
      if (kind === 'aclChanged') continue;
      if (kind === 'changed') {
        this.#tell('nodeDataChanged', path, [this.#data]);
        continue;
      }
      const isCreated = kind === 'created';
      const own = isCreated ? [this.#data] : [this.#data, this.#child];
      this.#tell(isCreated ? 'nodeCreated' : 'nodeDeleted', path, own);
      this.#tell('nodeChildrenChanged', parentOf(path), [this.#child]);
    }
  }

  /** Each client once, whatever it holds. */
  #tell(event: WatchEventName, path: string, tables: readonly Map<string, Set<Client>>[]): void {
    const hearing = new Set(this.#persistent.get(path));
    if (event !== 'nodeChildrenChanged') this.#hearAbove(path, hearing);
    for (const table of tables) {
      for (const client of table.get(path) ?? []) hearing.add(client);
      table.delete(path);
    }
    for (const { name: client } of hearing) {
      this.#record({ type: 'event', client, time: 0, event, path, zxid: this.#zxid });
    }
  }

  #hearAbove(path: string, hearing: Set<Client>): void {
    for (let at = path; ; at = parentOf(at)) {
      for (const client of this.#recursive.get(at) ?? []) hearing.add(client);
      if (at === '/') return;
    }
  }
}

function add(table: Map<string, Set<Client>>, path: string, client: Client): void {
  const clients = table.get(path);
  if (clients === undefined) table.set(path, new Set([client]));
  else clients.add(client);
}
