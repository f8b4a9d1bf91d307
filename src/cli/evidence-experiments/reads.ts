/**
 * Experiments on what reads see while one follower is cut off from the others (claims G3, G6, C3). Whether
 * histories under all faults obey the contract is what runs of workloads say; here a stale read is brought
 * about on purpose.
 */
import { type Program, zk } from '../../client/index.ts';
import { type Experiment, everywhere } from './experiment.ts';
import { type Actor, linksBetween, type Scene, SceneError, type Script } from './scene.ts';
import type { Sightings } from './sightings.ts';

const CUTS = 5;
/** Long enough for an answer, short against the sync limit. */
const ATTEMPT_MS = 200;

interface Cut {
  /** A client of the server that is cut off, one of the others, and one that goes where it likes. */
  readonly lone: Actor;
  readonly rest: Actor;
  readonly roaming: Actor;
  /** Version of the newest write that was acknowledged. */
  readonly written: number;
}

/** Cuts a follower off, writes elsewhere, and looks; then heals the cut. */
function* behindCuts(
  scene: Scene,
  look: (cut: Cut) => Script<void>,
  after: (cut: Cut) => Script<void>,
): Script<void> {
  yield* scene.client().ask(zk.create('/g'));
  for (let round = 0; round < CUTS; round++) {
    const leader = yield* scene.serving();
    const [node = 1] = scene.others(leader);
    const others = scene.others(node);
    const lone = scene.client([node]);
    const rest = scene.client(others);
    const roaming = scene.client();
    for (const client of [lone, rest, roaming]) yield* client.ask(zk.sync('/g'));
    yield* scene.sever(linksBetween([node], others));
    const { stat } = yield* rest.ask(zk.setData('/g', `${round}`));
    const cut = { lone, rest, roaming, written: stat.version };
    yield* look(cut);
    yield* scene.join([node], others);
    yield* scene.serving();
    yield* after(cut);
  }
}

function* versionAt(client: Actor): Script<number | undefined> {
  const read = yield* client.attempt(zk.getData('/g'), ATTEMPT_MS);
  return read.ok ? read.value.stat.version : undefined;
}

function* oneImage(scene: Scene, see: Sightings): Script<void> {
  const isForward = 'a session never goes back in time';
  let stale = 0;
  const before = new Map<Actor, number>();
  function* read(client: Actor): Script<number | undefined> {
    const version = yield* versionAt(client);
    if (version === undefined) return undefined;
    see.onlyIf(isForward, version >= (before.get(client) ?? 0));
    before.set(client, version);
    return version;
  }
  yield* behindCuts(
    scene,
    function* ({ lone, rest, roaming }) {
      const here = yield* read(lone);
      const there = yield* read(rest);
      yield* read(roaming);
      if (here === undefined || there === undefined) return;
      if (here < there) stale++;
      see.stated('all servers show the same data', here === there);
    },
    function* ({ lone, rest, roaming }) {
      for (const client of [lone, rest, roaming]) yield* read(client);
    },
  );
  if (stale === 0) throw new SceneError('no read was stale');
  see.note('stale reads', stale);
}

function* ownWriteThenRead(): Program<number> {
  yield* zk.setData('/own', null);
  return (yield* zk.getData('/g')).stat.version;
}

function* currentReads(scene: Scene, see: Sightings): Script<void> {
  yield* scene.client().ask(zk.create('/own'));
  let stale = 0;
  yield* behindCuts(
    scene,
    function* ({ lone, rest, written }) {
      const version = yield* versionAt(lone);
      if (version === undefined) return;
      if (version < written) stale++;
      see.stated('any read gets what was written last', version >= written);
      const own = yield* rest.attempt(ownWriteThenRead(), ATTEMPT_MS);
      if (own.ok) see.instead('a write of one’s own and then a read do', own.value >= written);
    },
    function* ({ lone, written }) {
      const own = yield* lone.persist(ownWriteThenRead);
      see.instead('a write of one’s own and then a read do', own >= written);
    },
  );
  if (stale === 0) throw new SceneError('no read was stale');
  see.note('stale reads', stale);
}

/** The cut lasts until the server that is alone has given up. */
function* consistentNotAvailable(scene: Scene, see: Sightings): Script<void> {
  yield* scene.client().ask(zk.create('/g'));
  for (let round = 0; round < 2; round++) {
    const leader = yield* scene.serving();
    // A follower is alone in one round, the leader in the other.
    const node = round === 0 ? (scene.others(leader)[0] ?? leader) : leader;
    const others = scene.others(node);
    const lone = scene.client([node]);
    const writer = scene.client([node]);
    for (const client of [lone, writer]) yield* client.ask(zk.sync('/g'));
    yield* scene.sever(linksBetween([node], others));
    const write = writer.start(zk.setData('/g', 'lost'), 4 * scene.syncLimitMs);
    const early = yield* versionAt(lone);
    see.stated('the minority answers nothing', early === undefined);
    yield* scene.verify(linksBetween([node], others), 'blocked');
    yield* scene.serving(others);
    const rest = scene.client(others);
    const { stat } = yield* rest.ask(zk.setData('/g', `${round}`));
    const version = yield* versionAt(rest);
    see.onlyIf('the majority serves what was written last', version === stat.version);
    see.onlyIf('the minority acknowledges no write', !(yield* write.ending()).ok);
    const hasGivenUp = yield* scene.until(function* () {
      return (yield* scene.mode(node)) === 'not-serving';
    });
    see.onlyIf('after its timeouts it says that it does not serve', hasGivenUp);
    see.onlyIf('then it answers no read either', (yield* versionAt(lone)) === undefined);
    yield* scene.join([node], others);
  }
}

export const readExperiments: readonly Experiment[] = [
  {
    claim: 'G3',
    title: 'sessions at a server that is cut off for a moment, and at others',
    worlds: everywhere,
    nodes: 3,
    script: oneImage,
  },
  {
    claim: 'G6',
    title: 'reads at a server that is cut off for a moment',
    worlds: everywhere,
    nodes: 3,
    script: currentReads,
  },
  {
    claim: 'C3',
    title: 'both sides of a cut',
    worlds: everywhere,
    nodes: 3,
    script: consistentNotAvailable,
  },
];
