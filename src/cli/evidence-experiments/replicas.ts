/** Experiments on what all replicas have: atomic updates, and what differs for a while (G2, B2, B3). */
import { type Program, part, toText, ZkError, zk } from '../../client/index.ts';
import { type Experiment, everywhere, real } from './experiment.ts';
import { linksBetween, type Scene, SceneError, type Script } from './scene.ts';
import type { Sightings } from './sightings.ts';

const ROUNDS = 2;
const BATCHES = 30;
/** The leader crashes so long after the first batch. */
const STRIKE_MS = 60;

type Fate = 'ok' | 'refused' | 'unknown';

/** Of every three batches one has a part that fails at its end. */
function* batches(round: number, fates: Map<string, Fate>): Program<void> {
  for (let index = 0; index < BATCHES; index++) {
    const name = `${round}-${index}`;
    const parts = [part.create(`/m/${name}-a`), part.create(`/m/${name}-b`)];
    try {
      yield* zk.multi(index % 3 === 2 ? [...parts, part.check('/nowhere')] : parts);
      fates.set(name, 'ok');
    } catch (error) {
      if (!(error instanceof ZkError)) throw error;
      fates.set(name, error.definite ? 'refused' : 'unknown');
      yield* zk.connected();
    }
  }
}

function* atomicity(scene: Scene, see: Sightings): Script<void> {
  yield* scene.client().ask(zk.create('/m'));
  const fates = new Map<string, Fate>();
  for (let round = 0; round < ROUNDS; round++) {
    const leader = yield* scene.serving();
    const running = scene.client(scene.others(leader)).start(batches(round, fates));
    yield* scene.sleep(STRIKE_MS);
    yield* scene.inject({ action: 'kill', node: leader });
    if (!(yield* running.ending()).ok) throw new SceneError('the batches did not end');
    yield* scene.inject({ action: 'start', node: leader });
  }
  yield* scene.serving();
  const lists = yield* childrenEverywhere(scene, '/m');
  for (const names of lists) {
    for (const [name, fate] of fates) {
      const found = ['a', 'b'].filter((half) => names.has(`${name}-${half}`)).length;
      see.stated('a multi is there whole or not at all', found !== 1);
      if (fate === 'ok') see.stated('one that was acknowledged is there', found === 2);
      if (fate === 'refused') see.stated('one that failed is not', found === 0);
    }
    const first = lists[0] ?? new Set();
    const isSame = names.size === first.size && [...names].every((name) => first.has(name));
    see.stated('an update is on every server or on none', isSame);
  }
  for (const kind of ['ok', 'refused', 'unknown'] as const) {
    see.note(`${kind} multis`, [...fates.values()].filter((fate) => fate === kind).length);
  }
}

function* childrenEverywhere(scene: Scene, path: string): Script<ReadonlySet<string>[]> {
  const lists: ReadonlySet<string>[] = [];
  for (const server of scene.nodes) {
    const reader = scene.client([server]);
    const { children } = yield* reader.persist(function* () {
      yield* zk.sync(path);
      return yield* zk.getChildren(path);
    });
    lists.push(new Set(children));
  }
  return lists;
}

const CUTS = 5;

/** A follower that is cut off for less than the sync limit knows less, and answers. */
function* softState(scene: Scene, see: Sightings): Script<void> {
  yield* scene.client().ask(zk.create('/b', '0'));
  const leader = yield* scene.serving();
  const [behind = 1] = scene.others(leader);
  const rest = scene.others(behind);
  const writer = scene.client(rest);
  const reader = scene.client([behind]);
  let differed = 0;
  for (let cut = 1; cut <= CUTS; cut++) {
    yield* writer.ask(zk.exists('/b'));
    yield* reader.ask(zk.sync('/b'));
    const sinceMs = scene.nowMs();
    yield* scene.sever(linksBetween([behind], rest));
    const write = yield* writer.attempt(zk.setData('/b', `${cut}`));
    const read = yield* reader.attempt(zk.getData('/b'));
    const late = reader.start(zk.setData('/b', `${cut} late`));
    yield* scene.join([behind], rest);
    const ending = yield* late.ending();
    // On a slow host the cut may have been longer than the sync limit: then it says nothing.
    if (scene.told('RoleEnded', sinceMs).length > 0) {
      yield* scene.serving();
      continue;
    }
    if (read.ok && toText(read.value.data) === `${cut}`) continue;
    differed++;
    see.stated('a replica that is behind answers', read.ok);
    see.stated('the others take writes meanwhile', write.ok);
    see.stated('a write at the one that is behind is late, not refused', ending.ok);
    yield* reader.ask(zk.sync('/b'));
    const after = yield* reader.ask(zk.getData('/b'));
    see.stated('it catches up', toText(after.data) === `${cut} late`);
  }
  see.note('cuts during which replicas differed', differed);
}

/** Every server is left behind once, by a cut, a pause or a crash. */
function* convergence(scene: Scene, see: Sightings): Script<void> {
  yield* scene.client().ask(zk.create('/c'));
  let differed = 0;
  for (const [round, behind] of scene.nodes.entries()) {
    yield* scene.serving();
    const rest = scene.others(behind);
    const fault = (['cut', 'pause', 'kill'] as const)[round % 3];
    if (fault === 'cut') yield* scene.cut([behind], rest);
    else yield* scene.inject({ action: fault === 'pause' ? 'pause' : 'kill', node: behind });
    yield* scene.serving(rest);
    const writer = scene.client(rest);
    for (let index = 0; index < 5; index++) {
      yield* writer.persist(function* () {
        return yield* zk.create(`/c/${round}-`, `${index}`, { mode: 'persistentSequential' });
      });
    }
    const applied = new Map(
      scene.nodes.map((node) => {
        const own = scene.events.filter(({ event }) => event.node === node);
        return [node, own.at(-1)?.event.post.lastApplied] as const;
      }),
    );
    if (new Set(applied.values()).size > 1) differed++;
    if (fault === 'cut') yield* scene.join([behind], rest);
    else yield* scene.inject({ action: fault === 'pause' ? 'resume' : 'start', node: behind });
  }
  if (differed === 0) throw new SceneError('no replica was ever behind');
  see.note('times that replicas differed', differed);
  yield* scene.serving();
  const readers = scene.nodes.map((server) => scene.client([server]));
  const areEqual = yield* scene.until(function* () {
    const seen = new Set<string>();
    for (const reader of readers) {
      const { children } = yield* reader.persist(() => zk.getChildren('/c'));
      seen.add([...children].sort().join());
    }
    return seen.size === 1;
  });
  see.stated('after the faults have stopped, all replicas become equal', areEqual);
  for (const reader of readers) {
    const { children } = yield* reader.persist(() => zk.getChildren('/c'));
    see.stated('each with everything that was acknowledged', children.length >= 5 * readers.length);
  }
}

export const replicaExperiments: readonly Experiment[] = [
  {
    claim: 'G2',
    title: 'multis, some of which fail, while leaders crash',
    worlds: everywhere,
    nodes: 3,
    script: atomicity,
    without: {
      title: 'of a multi that fails the other parts are applied',
      file: 'src/server/core/tree/txn-effect.ts',
      find: 'const failedAt = subs.findIndex((sub) => sub.type === OpCode.error);',
      replace: 'const failedAt = -1;',
    },
  },
  {
    claim: 'B2',
    title: 'a follower that is cut off for a moment',
    worlds: real,
    nodes: 3,
    script: softState,
  },
  {
    claim: 'B3',
    title: 'every server is left behind once, and comes back',
    worlds: real,
    nodes: 3,
    script: convergence,
  },
];
