/** Experiments on what is built on znodes (claims R1, R4, R10, R12). */
import {
  acquireLock,
  type HeldLock,
  type Program,
  put,
  register,
  releaseLock,
  take,
  toText,
  zk,
} from '../../client/index.ts';
import { type Experiment, everywhere, real } from './experiment.ts';
import { type Scene, SceneError, type Script } from './scene.ts';
import type { Sightings } from './sightings.ts';

const ROUNDS = 3;

interface StoreWrite {
  readonly fence: string;
  readonly by: string;
}

/** Two stores outside ZooKeeper: one takes any write, one refuses a smaller fence than it has seen. */
class Stores {
  lastOfPlain = '';
  #highest = 0n;

  write(kind: 'plain' | 'fenced', { fence, by }: StoreWrite): boolean {
    if (kind === 'plain') {
      this.lastOfPlain = by;
      return true;
    }
    if (BigInt(fence) < this.#highest) return false;
    this.#highest = BigInt(fence);
    return true;
  }
}

/**
 * A holder is paused for longer than its session lives, and goes on where it was: what it had still to write
 * arrives when another holds the lock. Its late writes are carried here by a client of their own.
 */
function* pausedHolder(scene: Scene, see: Sightings): Script<void> {
  const stores = new Stores();
  for (const kind of ['plain', 'fenced'] as const) {
    scene.world.serve(kind, (value) => stores.write(kind, value as StoreWrite));
  }
  const write = (kind: string, { fence }: HeldLock, by: string): Program<unknown> =>
    zk.external(kind, { fence: fence.toString(), by });
  const late = scene.client();
  yield* late.ask(zk.create('/lock'));
  for (let round = 0; round < ROUNDS; round++) {
    const paused = scene.client();
    const first = yield* lockOf(paused.ask(acquireLock(zk, '/lock', { id: `first-${round}` })));
    const waiting = scene.client();
    const running = waiting.start(acquireLock(zk, '/lock', { id: `second-${round}` }));
    yield* scene.sleep(scene.tickMs);
    see.onlyIf('nobody else gets it while the session lives', running.outcome === undefined);
    paused.drop();
    const ended = yield* running.ending();
    if (!ended.ok || ended.value === undefined) throw new SceneError('nobody took over the lock');
    const second = ended.value;
    yield* waiting.ask(write('plain', second, 'second'));
    yield* waiting.ask(write('fenced', second, 'second'));
    // The first one is back, and has never heard of this.
    yield* late.ask(write('plain', first, 'first'));
    see.stated('only the holder writes', stores.lastOfPlain === 'second');
    const isTaken = yield* late.ask(write('fenced', first, 'first'));
    see.onlyIf('a store that looks at fences takes no late write', isTaken === false);
    see.onlyIf('fences grow from holder to holder', second.fence > first.fence);
    yield* waiting.ask(releaseLock(zk, second));
  }
}

function* lockOf(asked: Script<HeldLock | undefined>): Script<HeldLock> {
  const lock = yield* asked;
  if (lock === undefined) throw new SceneError('the lock was not taken');
  return lock;
}

/** Holders crash, and so does the server that they were connected to. */
function* crashedHolder(scene: Scene, see: Sightings): Script<void> {
  yield* scene.client().ask(zk.create('/lock'));
  for (let round = 0; round < ROUNDS; round++) {
    const holder = scene.client();
    // Its lock is not the only thing that hangs on its session.
    yield* holder.ask(zk.create(`/holder-${round}`, null, { mode: 'ephemeral' }));
    const held = yield* lockOf(holder.ask(acquireLock(zk, '/lock', { id: `holder-${round}` })));
    const waiter = scene.client();
    const running = waiter.start(acquireLock(zk, '/lock', { id: `waiter-${round}` }));
    yield* scene.sleep(scene.tickMs);
    see.stated('it is held while the holder lives', running.outcome === undefined);
    holder.drop();
    const ended = yield* running.ending();
    see.stated('a crashed holder’s lock frees itself', ended.ok && ended.value !== undefined);
    const { stat } = yield* waiter.ask(zk.exists(held.path));
    see.stated('its node has gone', stat === null);
    if (ended.ok && ended.value !== undefined) yield* waiter.ask(releaseLock(zk, ended.value));
  }
}

const MEMBERS = 4;
const ITEMS = 12;

/** Nobody passes before all are there, nobody leaves before all have finished. */
function* barrier(member: number, log: (what: string) => void): Program<void> {
  log(`enter ${member}`);
  yield* zk.create(`/barrier/${member}`, null, { mode: 'ephemeral' });
  yield* awaitCount((count) => count === MEMBERS);
  log(`inside ${member}`);
  yield* zk.create(`/barrier-seen/${member}`);
  yield* awaitChildren('/barrier-seen', (count) => count === MEMBERS);
  log(`leave ${member}`);
  yield* zk.delete(`/barrier/${member}`);
  yield* awaitCount((count) => count === 0);
  log(`outside ${member}`);
}

const awaitCount = (isEnough: (count: number) => boolean) => awaitChildren('/barrier', isEnough);

function* awaitChildren(path: string, isEnough: (count: number) => boolean): Program<void> {
  for (;;) {
    const { children, watch } = yield* zk.getChildren(path, true);
    if (isEnough(children.length)) return;
    yield* zk.awaitWatch(watch);
  }
}

/** One waits where another will leave its address. */
function* meet(path: string): Program<string | null> {
  for (;;) {
    const { stat, watch } = yield* zk.exists(path, true);
    if (stat !== null) return toText((yield* zk.getData(path)).data);
    yield* zk.awaitWatch(watch);
  }
}

function* coordination(scene: Scene, see: Sightings): Script<void> {
  const first = scene.client();
  for (const path of ['/barrier', '/barrier-seen', '/queue']) yield* first.ask(zk.create(path));

  const meeting = scene.client().start(meet('/rendezvous'));
  yield* scene.sleep(scene.tickMs);
  see.stated('a rendezvous waits for the other', meeting.outcome === undefined);
  yield* first.ask(zk.create('/rendezvous', 'host:1'));
  const met = yield* meeting.ending();
  see.stated('and learns where it is', met.ok && met.value === 'host:1');

  const log: string[] = [];
  const members = [];
  for (let member = 0; member < MEMBERS; member++) {
    members.push(scene.client().start(barrier(member, (what) => log.push(what))));
    yield* scene.sleep(10);
  }
  for (const member of members) {
    see.stated('everybody passes the barrier', (yield* member.ending()).ok);
  }
  const last = (word: string) => log.findLastIndex((line) => line.startsWith(word));
  const next = (word: string) => log.findIndex((line) => line.startsWith(word));
  see.stated('nobody is inside before all have entered', last('enter') < next('inside'));
  see.stated('nobody is outside before all leave', last('leave') < next('outside'));

  const taken: string[] = [];
  const consumers = Array.from({ length: 3 }, () =>
    scene.client().start(
      (function* () {
        for (;;) {
          const item = yield* take(zk, '/queue', { timeoutMs: 1000 });
          if (item === undefined || taken.length > 2 * ITEMS) return;
          taken.push(toText(item.data) ?? '');
        }
      })(),
    ),
  );
  for (let item = 0; item < ITEMS; item++) yield* first.ask(put(zk, '/queue', `${item}`));
  for (const consumer of consumers) yield* consumer.ending();
  for (let item = 0; item < ITEMS; item++) {
    const count = taken.filter((one) => one === `${item}`).length;
    see.stated('each item of a queue is taken once', count === 1);
  }
}

/** One service hangs and one crashes. Nobody but their clients looks whether they work. */
function* faultyServices(scene: Scene, see: Sightings): Script<void> {
  const lives = { stuck: true, crashed: true };
  scene.world.serve('stuck', () => (lives.stuck ? 'works' : undefined));
  const viewer = scene.client();
  yield* viewer.ask(zk.create('/services'));
  const providers = { stuck: scene.client(), crashed: scene.client() };
  for (const [name, provider] of Object.entries(providers)) {
    yield* provider.ask(register(zk, '/services', name));
  }
  const works = yield* viewer.ask(zk.external('stuck', 'ping'));
  if (works !== 'works') throw new SceneError('the service did not work to begin with');
  lives.stuck = false;
  providers.crashed.drop();
  function* listed(): Script<readonly string[]> {
    return (yield* viewer.ask(zk.getChildren('/services'))).children;
  }
  yield* scene.must('the crashed one is not listed', function* () {
    return (yield* listed()).length < 2;
  });
  const sessions = 2;
  yield* scene.sleep(sessions * scene.sessionTimeoutMs);
  const names = yield* listed();
  const hasNoticed = !names.includes('stuck');
  const answer = yield* viewer.ask(zk.external('stuck', 'ping'));
  see.stated('a service that hangs is found out', hasNoticed);
  see.stated('and repaired', answer === 'works');
  see.stated('one that has crashed is repaired', names.includes('crashed'));
  see.instead('the end of a session is noticed', !names.includes('crashed'));
}

export const recipeExperiments: readonly Experiment[] = [
  {
    claim: 'R1',
    title: 'a holder is paused for longer than its session lives',
    worlds: everywhere,
    nodes: 3,
    script: pausedHolder,
  },
  {
    claim: 'R4',
    title: 'holders of a lock crash',
    worlds: everywhere,
    nodes: 3,
    script: crashedHolder,
    without: 'ephemerals-outlive-session',
  },
  {
    claim: 'R10',
    title: 'a rendezvous, a barrier and a queue',
    worlds: everywhere,
    nodes: 3,
    script: coordination,
    without: {
      title: 'an item is taken and left',
      file: 'src/client/core/recipes/queue.ts',
      find: 'const { zxid } = yield* zk.delete(path);',
      replace: 'const { zxid } = yield* zk.exists(path);',
    },
  },
  {
    claim: 'R12',
    title: 'a service that hangs and one that crashes',
    worlds: real,
    nodes: 3,
    script: faultyServices,
  },
];
