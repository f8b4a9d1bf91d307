/**
 * Measurements, each as a comparison within one run: messages on the simulated wires, flushes, and time on
 * simulated networks and disks, where nothing else takes the processor (claims Q7, Z10, Z11, G5, R2).
 */
import { acquireLock, type HeldLock, type Program, releaseLock, zk } from '../../client/index.ts';
import { linksBetween, type Scene, SceneError, type Script } from './scene.ts';
import type { Sightings } from './sightings.ts';

export type Readings = Readonly<Record<string, number>>;

export interface Measurement {
  readonly claim: string;
  readonly title: string;
  /** One ensemble of each. */
  readonly sizes: readonly number[];
  readonly script: (scene: Scene, see: Sightings) => Script<Readings>;
  /** What the readings of all sizes say together. */
  readonly conclude?: (readings: ReadonlyMap<number, Readings>, see: Sightings) => void;
}

const OPERATIONS = 100;

interface Cost {
  readonly messages: number;
  readonly flushes: number;
  readonly acknowledgements: number;
  readonly latencyMs: number;
  /** Of the whole simulation, clients and wires included; it decides nothing. */
  readonly processorUs: number;
}

/** What one operation costs, over many of one client, one after another. */
function* costOf(scene: Scene, server: number, make: () => Program<unknown>): Script<Cost> {
  const client = scene.client([server]);
  yield* client.ask(zk.sync('/'));
  // What the new session itself has caused comes to its end first.
  yield* scene.sleep(scene.tickMs);
  const wiresBefore = messagesOf(scene);
  const sinceMs = scene.nowMs();
  const processorBefore = processorUs();
  let waitedMs = 0;
  for (let count = 0; count < OPERATIONS; count++) {
    const startMs = scene.nowMs();
    yield* client.ask(make());
    waitedMs += scene.nowMs() - startMs;
  }
  yield* scene.sleep(scene.tickMs);
  const commits = scene.told('ProposalCommitted', sinceMs);
  const acks = commits.map(({ event }) =>
    event.act === 'ProposalCommitted' ? event.args.acks.length : 0,
  );
  return {
    messages: (messagesOf(scene) - wiresBefore) / OPERATIONS,
    flushes: scene.told('TxnFlushed', sinceMs).length / OPERATIONS,
    acknowledgements: commits.length === 0 ? 0 : Math.min(...acks),
    latencyMs: waitedMs / OPERATIONS,
    processorUs: (processorUs() - processorBefore) / OPERATIONS,
  };
}

function processorUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Requests, replies and what the servers tell each other; no heartbeats. */
function messagesOf(scene: Scene): number {
  const recording = scene.world.wires?.();
  if (recording === undefined || recording.dropped > 0) {
    throw new SceneError('the wires of this world are not read');
  }
  return recording.events.filter((event) => {
    if (event.link === 'election' || event.message === 'opened') return false;
    const isPing = (event.message === 'request' || event.message === 'reply') && event.xid === -2;
    return !isPing && event.message !== 'closed';
  }).length;
}

function* writesAndReads(scene: Scene): Script<Readings> {
  const leader = yield* scene.serving();
  yield* scene.client().ask(zk.create('/w'));
  const write = yield* costOf(scene, leader, () => zk.setData('/w', 'x'));
  const read = yield* costOf(scene, leader, () => zk.getData('/w'));
  return { ...named('write', write), ...named('read', read) };
}

function named(prefix: string, cost: Cost): Readings {
  return Object.fromEntries(
    Object.entries(cost).map(([name, value]) => [`${prefix}: ${name}`, value]),
  );
}

const reading = (of: Readings | undefined, name: string): number => of?.[name] ?? Number.NaN;

function slowerWithSize(readings: ReadonlyMap<number, Readings>, see: Sightings): void {
  for (const [size, own] of readings) {
    const smaller = readings.get(size - 1);
    if (smaller === undefined) continue;
    const latency = (of: Readings) => reading(of, 'write: latencyMs');
    see.stated('each server more makes writes slower', latency(own) > latency(smaller));
    const messages = (of: Readings) => reading(of, 'write: messages');
    // A proposal, its acknowledgement and its commit.
    see.onlyIf('each server more costs three messages', messages(own) - messages(smaller) === 3);
    const acks = (of: Readings) => reading(of, 'write: acknowledgements');
    if (size % 2 === 0 && size > 2) {
      see.onlyIf(
        'an even size waits for one acknowledgement more',
        acks(own) === acks(smaller) + 1,
      );
    }
    if (size % 2 === 1) see.onlyIf('an odd size waits for as many', acks(own) === acks(smaller));
  }
}

function readsAreCheaper(readings: ReadonlyMap<number, Readings>, see: Sightings): void {
  for (const own of readings.values()) {
    for (const name of ['messages', 'flushes', 'latencyMs']) {
      const write = reading(own, `write: ${name}`);
      const read = reading(own, `read: ${name}`);
      see.stated(`a write costs at least twice as many ${name}`, write >= 2 * read && write > 0);
    }
  }
}

/** Kills servers until nobody serves. */
function* lossesAndCosts(scene: Scene): Script<Readings> {
  const readings = yield* writesAndReads(scene);
  let lost = 0;
  for (const node of scene.nodes.slice(0, -1)) {
    yield* scene.inject({ action: 'kill', node });
    yield* scene.sleep(4 * scene.syncLimitMs);
    const client = scene.client(scene.nodes.slice(lost + 1));
    const write = yield* client.attempt(zk.setData('/w', 'y'), scene.sessionTimeoutMs);
    client.drop();
    if (!write.ok) break;
    lost++;
  }
  return { ...readings, tolerated: lost, readers: scene.nodes.length };
}

function oddIsBest(readings: ReadonlyMap<number, Readings>, see: Sightings): void {
  for (const [size, even] of readings) {
    const odd = readings.get(size - 1);
    if (size % 2 === 1 || odd === undefined) continue;
    see.stated(
      'an even size has nothing that the odd one below lacks',
      even.readers === odd.readers,
    );
    see.onlyIf('it tolerates no more', even.tolerated === odd.tolerated);
    for (const name of ['messages', 'acknowledgements']) {
      const isMore = reading(even, `write: ${name}`) > reading(odd, `write: ${name}`);
      see.onlyIf(`its writes cost more ${name}`, isMore);
    }
  }
}

const CUTS = 5;
const PACE_MS = 10;

/** How old an answer can be: reads at a server that is cut off, beside writes that it does not hear of. */
function* staleness(scene: Scene, see: Sightings): Script<Readings> {
  yield* scene.client().ask(zk.create('/t', '0'));
  let oldestMs = 0;
  let stale = 0;
  for (let cut = 0; cut < CUTS; cut++) {
    const leader = yield* scene.serving();
    const lone = cut % 2 === 0 ? leader : (scene.others(leader)[0] ?? leader);
    const rest = scene.others(lone);
    const reader = scene.client([lone]);
    const writer = scene.client(rest);
    yield* reader.ask(zk.sync('/t'));
    yield* writer.ask(zk.sync('/t'));
    /** When each version was acknowledged. */
    const written = new Map<number, number>();
    let isOver = false;
    const writing = writer.start(
      overwrite(scene, written, () => isOver),
      600_000,
    );
    yield* scene.sever(linksBetween([lone], rest));
    for (;;) {
      const askedMs = scene.nowMs();
      const read = yield* reader.attempt(zk.getData('/t'), scene.sessionTimeoutMs);
      if (!read.ok) break;
      const nextMs = written.get(read.value.stat.version + 1);
      if (nextMs !== undefined && nextMs < askedMs) {
        stale++;
        const ageMs = askedMs - nextMs;
        oldestMs = Math.max(oldestMs, ageMs);
        const boundMs = scene.syncLimitMs + scene.sessionTimeoutMs;
        see.stated('no answer is older than sync limit and session timeout', ageMs <= boundMs);
      }
      yield* scene.sleep(PACE_MS);
    }
    isOver = true;
    yield* scene.join([lone], rest);
    yield* writing.ending();
  }
  if (stale === 0) throw new SceneError('no answer was stale');
  return { 'stale answers': stale, 'oldest: ms': Math.round(oldestMs) };
}

function* overwrite(
  scene: Scene,
  written: Map<number, number>,
  isOver: () => boolean,
): Program<void> {
  while (!isOver()) {
    try {
      const { stat } = yield* zk.setData('/t', 'x');
      written.set(stat.version, scene.nowMs());
    } catch {
      yield* zk.connected();
    }
    yield* zk.sleep(PACE_MS);
  }
}

const WAITERS = 8;

/** The recipe, beside one in which everybody watches the one node. */
function* herd(scene: Scene, see: Sightings): Script<Readings> {
  yield* scene.client().ask(zk.create('/queue'));
  yield* scene.client().ask(zk.create('/herd'));
  const predecessor = yield* wokenPerRelease(scene, queueing);
  const everybody = yield* wokenPerRelease(scene, crowding);
  for (const woken of predecessor) {
    see.stated('one waiter is woken by a release', woken === 1);
  }
  for (const [index, woken] of everybody.entries()) {
    see.stated('where all watch one node, all are woken', woken === WAITERS - index);
  }
  return {
    waiters: WAITERS,
    'woken by a release': Math.max(...predecessor),
    'woken by a release of the herd': Math.max(...everybody),
  };
}

function* queueing(id: string, granted: (release: () => Program<unknown>) => void): Program<void> {
  const lock = (yield* acquireLock(zk, '/queue', { id })) as HeldLock;
  granted(() => releaseLock(zk, lock));
}

/** Whoever finds no lock takes it; the others watch it. */
function* crowding(id: string, granted: (release: () => Program<unknown>) => void): Program<void> {
  for (;;) {
    const { stat, watch } = yield* zk.exists('/herd/lock', true);
    if (stat === null) {
      try {
        yield* zk.create('/herd/lock', id, { mode: 'ephemeral' });
        granted(() => zk.delete('/herd/lock'));
        return;
      } catch {
        continue;
      }
    }
    yield* zk.awaitWatch(watch);
  }
}

type Contend = (id: string, granted: (release: () => Program<unknown>) => void) => Program<void>;

/** Clients that get a watch event by one release and the grant behind it. */
function* wokenPerRelease(scene: Scene, contend: Contend): Script<number[]> {
  const roused = new Set<number>();
  let release: (() => Program<unknown>) | undefined;
  let holder = 0;
  const clients = Array.from({ length: WAITERS + 1 }, (_, index) =>
    scene.client(scene.nodes, { onNotified: () => roused.add(index) }),
  );
  for (const [index, client] of clients.entries()) {
    client.start(
      contend(`c${index}`, (given) => {
        release = given;
        holder = index;
      }),
      600_000,
    );
    yield* scene.sleep(scene.tickMs / 2);
  }
  const woken: number[] = [];
  for (let count = 0; count < WAITERS; count++) {
    yield* scene.must('somebody holds the lock', () => {
      return release !== undefined;
    });
    const give = release as unknown as () => Program<unknown>;
    release = undefined;
    roused.clear();
    yield* (clients[holder] as (typeof clients)[number]).ask(give());
    yield* scene.sleep(scene.tickMs);
    woken.push(roused.size);
  }
  return woken;
}

export const measurements: readonly Measurement[] = [
  {
    claim: 'Q7',
    title: 'losses that are tolerated, and what a write costs',
    sizes: [1, 2, 3, 4, 5, 6],
    script: lossesAndCosts,
    conclude: oddIsBest,
  },
  {
    claim: 'Z10',
    title: 'messages and time of a write',
    sizes: [1, 2, 3, 4, 5, 6, 7],
    script: writesAndReads,
    conclude: slowerWithSize,
  },
  {
    claim: 'Z11',
    title: 'messages, flushes and time of a write and of a read',
    sizes: [3, 5, 7],
    script: writesAndReads,
    conclude: readsAreCheaper,
  },
  {
    claim: 'G5',
    title: 'the age of answers of servers that are cut off',
    sizes: [3],
    script: staleness,
  },
  { claim: 'R2', title: 'clients that a release wakes', sizes: [3], script: herd },
];
