/** Experiments on who is served when: one leader, stranded leaders, elections (claims Q5, Q6, Z12). */
import { zk } from '../../client/index.ts';
import { type Experiment, everywhere, simulated } from './experiment.ts';
import {
  type Actor,
  linksBetween,
  type Mode,
  type Scene,
  SceneError,
  type Script,
} from './scene.ts';
import type { Sightings } from './sightings.ts';

const ROUNDS = 2;
/** Long enough for an answer, short against an election. */
const ATTEMPT_MS = 40;

/** A leader that was paused while another was elected, and two halves that are cut apart. */
function* leaders(scene: Scene, see: Sightings): Script<void> {
  yield* scene.client().ask(zk.create('/l'));
  for (let round = 0; round < ROUNDS; round++) {
    const old = yield* scene.serving();
    const stranded = scene.client([old]);
    yield* stranded.ask(zk.exists('/l'));
    yield* scene.inject({ action: 'pause', node: old });
    const rest = scene.others(old);
    const next = yield* scene.serving(rest);
    const write = stranded.start(zk.setData('/l', 'from the old one'));
    const sinceMs = scene.nowMs();
    yield* scene.inject({ action: 'resume', node: old });
    yield* scene.serving();
    const own = scene.events.filter(({ atMs, event }) => atMs >= sinceMs && event.node === old);
    const first = own[0]?.event.post.role;
    see.stated('two do not lead at an instant', first !== 'leading');
    const committed = own.filter(({ event }) => event.act === 'ProposalCommitted').length;
    see.onlyIf('a leader that was followed by another commits nothing', committed === 0);
    see.note('leaders that came back', ROUNDS);
    if (next === old) throw new SceneError('a paused server was elected');
    yield* write.ending();
  }
  yield* halves(scene, see);
}

function* halves(scene: Scene, see: Sightings): Script<void> {
  const leader = yield* scene.serving();
  const [partner = 1, ...rest] = scene.others(leader);
  const side = [leader, partner];
  const clients = [scene.client(side), scene.client(rest)];
  for (const client of clients) yield* client.ask(zk.exists('/l'));
  yield* scene.sever(linksBetween(side, rest));
  const sinceMs = scene.nowMs();
  const limitMs = 6 * scene.syncLimitMs;
  const writes = clients.map((client) => client.start(zk.setData('/l', 'of a half'), limitMs));
  yield* scene.verify(linksBetween(side, rest), 'blocked');
  for (const write of writes) yield* write.ending();
  const committed = scene.told('ProposalCommitted', sinceMs).map(({ event }) => event.node);
  for (const half of [side, rest]) {
    const hasCommitted = committed.some((node) => half.includes(node));
    see.onlyIf('half of the servers commit nothing', !hasCommitted);
  }
  yield* scene.join(side, rest);
}

/** A client stays with a leader that is cut off from everybody else. */
function* stranded(scene: Scene, see: Sightings): Script<void> {
  yield* scene.client().ask(zk.create('/s', 'old'));
  for (let round = 0; round < ROUNDS; round++) {
    const leader = yield* scene.serving();
    const rest = scene.others(leader);
    const client = scene.client([leader]);
    // Another session: a read waits for the writes of its own.
    const writer = scene.client([leader]);
    for (const one of [client, writer]) yield* one.ask(zk.getData('/s'));
    yield* scene.sever(linksBetween([leader], rest));
    const sinceMs = scene.nowMs();
    const write = writer.start(zk.setData('/s', 'lost'), 4 * scene.syncLimitMs);
    let answered = 0;
    let lastMs = sinceMs;
    for (;;) {
      const read = yield* client.attempt(zk.getData('/s'), 4 * scene.syncLimitMs);
      if (!read.ok) break;
      answered++;
      lastMs = scene.nowMs();
      yield* scene.sleep(ATTEMPT_MS / 2);
    }
    yield* scene.verify(linksBetween([leader], rest), 'blocked');
    see.stated('a stranded leader answers reads', answered > 0);
    see.stated('it acknowledges no write', !(yield* write.ending()).ok);
    // Elsewhere the host decides how long a tick takes.
    if (scene.world.name === 'simulation') {
      const boundMs = scene.syncLimitMs + 2 * scene.tickMs;
      see.stated('until the sync limit and two ticks at most', lastMs - sinceMs <= boundMs);
    }
    see.note('reads answered in the last round', answered);
    yield* scene.join([leader], rest);
  }
}

function* elections(scene: Scene, see: Sightings): Script<void> {
  yield* scene.client().ask(zk.create('/a'));
  for (let round = 0; round < ROUNDS; round++) {
    const leader = yield* scene.serving();
    const rest = scene.others(leader);
    const client = scene.client(rest);
    yield* client.ask(zk.setData('/a', 'before'));
    yield* scene.inject({ action: 'kill', node: leader });
    yield* whileNobodyLeads(scene, see, client);
    const isServed = (yield* client.attempt(zk.setData('/a', 'after'))).ok;
    see.stated('after the election it serves again', isServed);
    yield* scene.inject({ action: 'start', node: leader });
  }
  yield* withoutMajority(scene, see);
}

/** Looks between two probes: what was so at both ends and cannot have changed twice. */
function* whileNobodyLeads(scene: Scene, see: Sightings, client: Actor): Script<void> {
  const nobodyIs = (modes: ReadonlyMap<number, Mode>, ...wanted: Mode[]) =>
    ![...modes.values()].some((mode) => wanted.includes(mode));
  let before = yield* scene.modes();
  while (nobodyIs(before, 'leader')) {
    const write = yield* client.attempt(zk.setData('/a', 'during'), ATTEMPT_MS);
    const read = yield* client.attempt(zk.getData('/a'), ATTEMPT_MS);
    const after = yield* scene.modes();
    if (nobodyIs(after, 'leader')) {
      see.stated('while nobody leads no write is served', !write.ok);
      const isElecting = nobodyIs(before, 'follower') && nobodyIs(after, 'follower');
      if (isElecting) see.stated('during the election no read is served', !read.ok);
    }
    before = after;
  }
}

const ATTEMPTS = 10;

function* withoutMajority(scene: Scene, see: Sightings): Script<void> {
  const leader = yield* scene.serving();
  const dead = [leader, ...scene.others(leader)].slice(0, Math.ceil(scene.nodes.length / 2));
  const living = scene.nodes.filter((node) => !dead.includes(node));
  const client = scene.client(living);
  yield* client.ask(zk.setData('/a', 'before'));
  yield* scene.inject(...dead.map((node) => ({ action: 'kill', node }) as const));
  // By now an ensemble that can would have elected.
  yield* scene.sleep(4 * scene.syncLimitMs);
  for (let count = 0; count < ATTEMPTS; count++) {
    const write = yield* client.attempt(zk.setData('/a', 'during'), ATTEMPT_MS);
    see.stated('without a majority no write is served', !write.ok);
    const read = yield* client.attempt(zk.getData('/a'), ATTEMPT_MS);
    see.stated('without a majority no read is served', !read.ok);
  }
  for (const node of living) {
    see.stated('a server without a majority says so', (yield* scene.mode(node)) === 'not-serving');
  }
  yield* scene.inject(...dead.map((node) => ({ action: 'start', node }) as const));
  yield* scene.serving();
  const again = yield* scene.client(living).attempt(zk.setData('/a', 'after'));
  see.stated('with a majority it serves again', again.ok);
}

export const availabilityExperiments: readonly Experiment[] = [
  {
    claim: 'Q5',
    title: 'a leader that was paused while another was elected; two halves',
    worlds: simulated,
    nodes: 4,
    script: leaders,
    without: 'half-is-enough',
  },
  {
    claim: 'Q6',
    title: 'a client of a leader that is cut off from everybody else',
    worlds: everywhere,
    nodes: 3,
    script: stranded,
  },
  {
    claim: 'Z12',
    title: 'requests during elections, and to half of the servers',
    worlds: everywhere,
    nodes: 4,
    script: elections,
    without: 'half-is-enough',
  },
];
