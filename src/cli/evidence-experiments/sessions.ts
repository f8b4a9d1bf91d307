/** Experiments on sessions and what hangs on them (claims D4, D12, D13). */
import { formatHex, zk } from '../../client/index.ts';
import { type Experiment, everywhere } from './experiment.ts';
import type { Actor, Scene, Script } from './scene.ts';
import type { Sightings } from './sightings.ts';

function* isThere(reader: Actor, path: string): Script<boolean> {
  const { stat } = yield* reader.persist(function* () {
    yield* zk.sync('/');
    return yield* zk.exists(path);
  });
  return stat !== null;
}

const EPHEMERALS = ['/e-0', '/e-1', '/e-2'];

function* createEphemerals(client: Actor): Script<void> {
  for (const path of EPHEMERALS) yield* client.ask(zk.create(path, null, { mode: 'ephemeral' }));
}

/** How many of them are there. */
function* countEphemerals(reader: Actor): Script<number> {
  let count = 0;
  for (const path of EPHEMERALS) if (yield* isThere(reader, path)) count++;
  return count;
}

/** The same client loses its connection, comes back, and at last crashes. */
function* disconnect(scene: Scene, see: Sightings): Script<void> {
  const all = EPHEMERALS.length;
  const leader = yield* scene.serving();
  const [home = 1, elsewhere = 2] = scene.others(leader);
  const reader = scene.client([leader, elsewhere]);
  const client = scene.client([home]);
  yield* createEphemerals(client);
  const { sessionId } = client.session;

  yield* scene.inject({ action: 'kill', node: home });
  yield* scene.must('the client is disconnected', () => client.session.state === 'disconnected');
  const left = yield* countEphemerals(reader);
  see.stated('ephemerals go when their client disconnects', left === 0);
  see.onlyIf('they stay while the session lives', left === all);

  yield* scene.inject({ action: 'start', node: home });
  yield* scene.serving();
  yield* client.persist(() => zk.exists('/'));
  const isSame = client.session.sessionId === sessionId;
  see.onlyIf('the same session goes on after a reconnection', isSame);
  see.onlyIf('they stay while the session lives', (yield* countEphemerals(reader)) === all);

  client.drop();
  const haveGone = yield* scene.until(function* () {
    return (yield* countEphemerals(reader)) === 0;
  });
  see.onlyIf('they go when their session expires', haveGone);

  const second = scene.client();
  yield* createEphemerals(second);
  yield* second.ask(zk.close());
  see.onlyIf('they go when their session is closed', (yield* countEphemerals(reader)) === 0);
}

/** One client finds another server of the quorum; one knows only a server that is cut off. */
function* reconnect(scene: Scene, see: Sightings): Script<void> {
  const reader = scene.client();
  for (let round = 0; round < 3; round++) {
    const leader = yield* scene.serving();
    const moving = scene.client();
    const path = `/moving-${round}`;
    const { server } = yield* moving.ask(zk.create(path, null, { mode: 'ephemeral' }));
    if (server === undefined) continue;
    const { sessionId } = moving.session;
    yield* scene.inject({ action: 'kill', node: server });
    const { server: next } = yield* moving.persist(() => zk.getData(path));
    const isKept = moving.session.sessionId === sessionId && next !== server;
    see.onlyIf(
      server === leader
        ? 'a session moves to another server when its own, the leader, has crashed'
        : 'a session moves to another server when its own has crashed',
      isKept,
    );
    see.onlyIf('and its ephemerals are kept', yield* isThere(reader, path));
    yield* scene.inject({ action: 'start', node: server });
    yield* scene.serving();
    yield* moving.ask(zk.close());
  }

  const leader = yield* scene.serving();
  const [lone = 1] = scene.others(leader);
  const stuck = scene.client([lone]);
  yield* stuck.ask(zk.create('/stuck', null, { mode: 'ephemeral' }));
  yield* scene.cut([lone], scene.others(lone));
  const isLost = yield* scene.until(function* () {
    return !(yield* isThere(reader, '/stuck'));
  });
  // It asked that server again and again, all the time.
  see.stated('reconnecting to any server keeps a session', !isLost);
  yield* scene.join([lone], scene.others(lone));
}

const LIVES = 6;
const SESSIONS = 3;
/** After so many writes every server has a snapshot that knows nothing of the sessions before. */
const WRITES = 30;

/** Sessions of every server, over lives that all begin at the same moment by its clock. */
function* sessionIds(scene: Scene, see: Sightings): Script<void> {
  const known = new Set<string>();
  const canSetClocks = !scene.world.missing.has('set-clock');
  const momentMs = scene.nowMs();
  yield* scene.client().ask(zk.create('/d'));
  for (let life = 0; life < LIVES; life++) {
    yield* scene.inject(...scene.nodes.map((node) => ({ action: 'kill', node }) as const));
    const offsetMs = Math.round(momentMs - scene.nowMs());
    if (canSetClocks) {
      const reset = scene.nodes.map((node) => ({ action: 'set-clock', node, offsetMs }) as const);
      yield* scene.inject(...reset);
    }
    yield* scene.inject(...scene.nodes.map((node) => ({ action: 'start', node }) as const));
    yield* scene.serving();
    for (const server of scene.nodes) {
      for (let index = 0; index < SESSIONS; index++) {
        const client = scene.client([server]);
        yield* client.persist(() => zk.exists('/d'));
        const id = formatHex(client.session.sessionId);
        see.stated('a session id was not given out before', !known.has(id));
        known.add(id);
        yield* client.ask(zk.close());
      }
    }
    const writer = scene.client();
    for (let write = 0; write < WRITES; write++) yield* writer.ask(zk.setData('/d', `${write}`));
    yield* writer.ask(zk.close());
    yield* scene.sleep(scene.tickMs);
  }
  see.note('lives of each server', LIVES);
  see.note('clocks set back', canSetClocks ? LIVES : 0);
}

export const sessionExperiments: readonly Experiment[] = [
  {
    claim: 'D4',
    title: 'a client is disconnected, comes back, and crashes',
    worlds: everywhere,
    nodes: 3,
    script: disconnect,
    without: 'ephemerals-outlive-session',
  },
  {
    claim: 'D12',
    title: 'clients whose server has crashed, or is cut off',
    worlds: everywhere,
    nodes: 3,
    script: reconnect,
  },
  {
    claim: 'D13',
    title: 'servers are restarted with clocks set back',
    worlds: everywhere,
    nodes: 3,
    cluster: { snapCount: 10 },
    script: sessionIds,
    without: {
      title: 'session ids come from the clock alone',
      file: 'src/server/core/storage/session-id-file.ts',
      find: 'fromMs = Math.max(fromMs, Number(text));',
      replace: '',
    },
  },
];
