/** Experiments on znodes: the tree, versions, limits, and who may do what (claims D1, D2, D3, D5, D7–D9). */
import { prngStream } from '../../base/prng.ts';
import {
  type Acl,
  OPEN_ACL,
  Permission,
  type Program,
  part,
  type Stat,
  toText,
  zk,
} from '../../client/index.ts';
import { type Experiment, real, simulated } from './experiment.ts';
import type { Actor, Scene, Script } from './scene.ts';
import type { Sightings } from './sightings.ts';

const TREE_STEPS = 200;
const PREP = 'src/server/core/pipeline/decide.ts';

/** The code of the error, or `ok`. */
function* codeOf(client: Actor, program: Program<unknown>): Script<string> {
  const outcome = yield* client.attempt(program);
  return outcome.ok ? 'ok' : outcome.error;
}

/** Random operations, each compared with what a plain map from path to data says. */
function* tree(scene: Scene, see: Sightings): Script<void> {
  const client = scene.client();
  const prng = prngStream(scene.seed, 'tree');
  const nodes = new Map<string, string>();
  const childrenOf = (path: string) =>
    [...nodes.keys()].filter(
      (one) => one.startsWith(`${path}/`) && !one.slice(path.length + 1).includes('/'),
    );
  const hasParent = (path: string) =>
    path.lastIndexOf('/') === 0 || nodes.has(path.slice(0, path.lastIndexOf('/')));
  const draw = () =>
    Array.from({ length: prng.int(1, 3) }, () => `/${'ab'[prng.int(0, 1)]}`).join('');
  for (let step = 0; step < TREE_STEPS; step++) {
    const path = draw();
    switch (prng.int(0, 3)) {
      case 0: {
        const wanted = !hasParent(path) ? 'NoNode' : nodes.has(path) ? 'NodeExists' : 'ok';
        const answer = yield* codeOf(client, zk.create(path, `${step}`));
        see.stated('a node is created below its parent, once', answer === wanted);
        if (wanted === 'ok') nodes.set(path, `${step}`);
        break;
      }
      case 1: {
        const wanted = !nodes.has(path)
          ? 'NoNode'
          : childrenOf(path).length > 0
            ? 'NotEmpty'
            : 'ok';
        const answer = yield* codeOf(client, zk.delete(path));
        see.stated('a node goes after its children', answer === wanted);
        if (wanted === 'ok') nodes.delete(path);
        break;
      }
      case 2: {
        const answer = yield* client.attempt(zk.getData(path));
        const data = answer.ok ? toText(answer.value.data) : undefined;
        see.stated('a path leads to one node and its data', data === nodes.get(path));
        break;
      }
      default: {
        const answer = yield* client.attempt(zk.getChildren(path));
        const names = answer.ok ? [...answer.value.children].sort().join() : undefined;
        const own = childrenOf(path)
          .map((one) => one.slice(path.length + 1))
          .sort()
          .join();
        see.stated('a node has data and children', names === (nodes.has(path) ? own : undefined));
      }
    }
  }
}

const MEGABYTE = 1024 * 1024;
/** The largest packet that a server reads, and what stands in one beside path and data. */
const LARGEST_PACKET = 0xfffff;
const SET_DATA_BYTES = 8 + 4 + 4 + 4;

function* sizeLimit(scene: Scene, see: Sightings): Script<void> {
  const path = '/large';
  yield* scene.client().ask(zk.create(path));
  const fits = LARGEST_PACKET - SET_DATA_BYTES - path.length;
  for (const server of scene.nodes) {
    const client = scene.client([server]);
    const write = (sizeBytes: number) =>
      codeOf(client, zk.setData(path, new Uint8Array(sizeBytes)));
    see.stated('a node takes 1 MB of data', (yield* write(MEGABYTE)) === 'ok');
    see.onlyIf('a packet of 0xfffff bytes is taken', (yield* write(fits)) === 'ok');
    const read = yield* client.ask(zk.getData(path));
    see.onlyIf('its data is read back', read.data?.length === fits);
    const refusal = yield* write(fits + 1);
    see.onlyIf('one byte more is not', refusal === 'ConnectionLoss');
    const after = yield* client.persist(() => zk.exists(path));
    see.onlyIf('nor does it change the node', after.stat?.dataLength === fits);
  }
}

const PERSISTENT_NODES = 20;

function* persistence(scene: Scene, see: Sightings): Script<void> {
  for (let round = 0; round < 2; round++) {
    const client = scene.client();
    for (let index = 0; index < PERSISTENT_NODES; index++) {
      yield* client.ask(zk.create(`/kept-${round}-${index}`, `${index}`));
    }
    // Without a close in one round, so that the session is not ended in good order.
    if (round === 0) yield* client.ask(zk.close());
    else client.drop();
    yield* scene.inject(...scene.nodes.map((node) => ({ action: 'kill', node }) as const));
    yield* scene.inject(...scene.nodes.map((node) => ({ action: 'start', node }) as const));
    yield* scene.serving();
    for (const server of scene.nodes) {
      const reader = scene.client([server]);
      yield* reader.persist(() => zk.sync('/'));
      for (let index = 0; index < PERSISTENT_NODES; index++) {
        const path = `/kept-${round}-${index}`;
        const answer = yield* reader.attempt(zk.getData(path));
        const isThere = answer.ok && toText(answer.value.data) === `${index}`;
        see.stated('a persistent node is there after a crash of all', isThere);
      }
      yield* reader.ask(zk.close());
    }
  }
}

function* childless(scene: Scene, see: Sightings): Script<void> {
  const client = scene.client();
  const other = scene.client();
  yield* client.ask(zk.create('/e', null, { mode: 'ephemeral' }));
  for (const mode of [
    'persistent',
    'ephemeral',
    'persistentSequential',
    'ephemeralSequential',
  ] as const) {
    for (const creator of [client, other]) {
      const answer = yield* codeOf(creator, zk.create('/e/child', null, { mode }));
      see.stated('a child of an ephemeral is refused', answer === 'NoChildrenForEphemerals');
    }
  }
  const together = [part.create('/f', null, { mode: 'ephemeral' }), part.create('/f/child')];
  const answer = yield* codeOf(client, zk.multi(together));
  see.stated('so it is within one multi', answer === 'NoChildrenForEphemerals');
  const { children } = yield* client.ask(zk.getChildren('/e'));
  see.stated('an ephemeral has no children', children.length === 0);
}

const VERSION_STEPS = 60;

/** Each change raises the one counter that is its own; a write with another version changes nothing. */
function* versions(scene: Scene, see: Sightings): Script<void> {
  const client = scene.client();
  const prng = prngStream(scene.seed, 'versions');
  yield* client.ask(zk.create('/v'));
  const counts = { version: 0, cversion: 0, aversion: 0 };
  const isAs = (stat: Stat) =>
    stat.version === counts.version &&
    stat.cversion === counts.cversion &&
    stat.aversion === counts.aversion;
  for (let step = 0; step < VERSION_STEPS; step++) {
    const off = prng.int(0, 2) - 1;
    const wanted = off === 0 ? 'ok' : 'BadVersion';
    const isUnconditional = (own: number) => own + off === -1;
    switch (prng.int(0, 2)) {
      case 0: {
        const answer = yield* codeOf(client, zk.setData('/v', `${step}`, counts.version + off));
        const isOk = isUnconditional(counts.version) || off === 0;
        see.stated('data is set at its version', answer === (isOk ? 'ok' : wanted));
        if (isOk) counts.version++;
        break;
      }
      case 1: {
        const answer = yield* codeOf(client, zk.setAcl('/v', OPEN_ACL, counts.aversion + off));
        const isOk = isUnconditional(counts.aversion) || off === 0;
        see.stated('an ACL is set at its version', answer === (isOk ? 'ok' : wanted));
        if (isOk) counts.aversion++;
        break;
      }
      default:
        yield* client.ask(zk.create(`/v/${step}`));
        counts.cversion++;
        if (off === 0) {
          const refused = yield* codeOf(client, zk.delete(`/v/${step}`, 1));
          see.stated('a node is deleted at its version', refused === 'BadVersion');
          yield* client.ask(zk.delete(`/v/${step}`, 0));
          counts.cversion++;
        }
    }
    const { stat } = yield* client.ask(zk.getData('/v'));
    see.stated('each change raises its own version', isAs(stat));
  }
}

const anyone = (perms: number): readonly Acl[] => [
  { perms, id: { scheme: 'world', id: 'anyone' } },
];

/** What each permission alone allows, on a node with one child. */
const rights: readonly (readonly [string, number, (path: string) => Program<unknown>])[] = [
  ['creating a child', Permission.create, (path) => zk.create(`${path}/new`)],
  ['deleting a child', Permission.delete, (path) => zk.delete(`${path}/child`)],
  ['reading data', Permission.read, (path) => zk.getData(path)],
  ['reading children', Permission.read, (path) => zk.getChildren(path)],
  ['writing data', Permission.write, (path) => zk.setData(path, 'x')],
  ['setting the ACL', Permission.admin, (path) => zk.setAcl(path, OPEN_ACL)],
];

function* permissions(scene: Scene, see: Sightings): Script<void> {
  const client = scene.client();
  const singles = ['read', 'write', 'create', 'delete', 'admin'] as const;
  yield* client.ask(zk.create('/p'));
  for (const own of singles) {
    for (const [index, [what, needed, act]] of rights.entries()) {
      const path = `/p/${own}-${index}`;
      yield* client.ask(zk.create(path));
      // The child itself allows nothing: what may be done to it stands at its parent.
      yield* client.ask(zk.create(`${path}/child`, null, { acl: anyone(Permission.read) }));
      yield* client.ask(zk.setAcl(path, anyone(Permission[own])));
      const answer = yield* codeOf(client, act(path));
      const wanted = Permission[own] === needed ? 'ok' : 'NoAuth';
      see.stated(`${what} needs one permission of the node, and no other`, answer === wanted);
    }
  }
  for (const own of singles) {
    const path = `/p/gone-${own}`;
    yield* client.ask(zk.create(path, null, { acl: anyone(Permission[own]) }));
    const answer = yield* codeOf(client, zk.delete(path));
    see.stated('deleting a node is a permission of its parent', answer === 'ok');
  }
}

const idOf = (scheme: string, id: string): readonly Acl[] => [
  { perms: Permission.all, id: { scheme, id } },
];
/** Where clients come from: loopback, the simulated network, and nowhere. */
const HOME = ['127.0.0.0/8', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'];
const FOREIGN = '192.0.2.0/24';

function* schemes(scene: Scene, see: Sightings): Script<void> {
  const owner = scene.client();
  const stranger = scene.client();
  const impostor = scene.client();
  yield* owner.ask(zk.addAuth('digest', 'ann:secret'));
  yield* impostor.ask(zk.addAuth('digest', 'ann:guess'));

  yield* owner.ask(zk.create('/world', 'x', { acl: idOf('world', 'anyone') }));
  see.stated('world: anyone may', (yield* codeOf(stranger, zk.getData('/world'))) === 'ok');

  // `auth` stands for whoever the creator is; it is stored as that identity.
  yield* owner.ask(zk.create('/auth', 'x', { acl: idOf('auth', '') }));
  const stored = (yield* owner.ask(zk.getAcl('/auth'))).acl[0]?.id;
  see.stated(
    'auth: stored as the creator',
    stored?.scheme === 'digest' && stored.id?.startsWith('ann:') === true,
  );
  const nobody = yield* codeOf(stranger, zk.create('/none', 'x', { acl: idOf('auth', '') }));
  see.stated('auth: of no use to who is nobody', nobody === 'InvalidAcl');

  yield* owner.ask(zk.create('/digest', 'x', { acl: idOf('digest', stored?.id ?? '') }));
  for (const path of ['/auth', '/digest']) {
    const second = scene.client();
    yield* second.ask(zk.addAuth('digest', 'ann:secret'));
    const name = path.slice(1);
    see.stated(`${name}: the owner may`, (yield* codeOf(owner, zk.getData(path))) === 'ok');
    see.stated(
      `${name}: whoever knows the password may`,
      (yield* codeOf(second, zk.setData(path, 'y'))) === 'ok',
    );
    see.stated(
      `${name}: a wrong password may not`,
      (yield* codeOf(impostor, zk.getData(path))) === 'NoAuth',
    );
    see.stated(
      `${name}: a stranger may not`,
      (yield* codeOf(stranger, zk.getData(path))) === 'NoAuth',
    );
  }

  const home = HOME.flatMap((range) => idOf('ip', range));
  yield* owner.ask(zk.create('/home', 'x', { acl: home }));
  yield* owner.ask(zk.create('/away', 'x', { acl: idOf('ip', FOREIGN) }));
  see.stated(
    'ip: an address of the range may',
    (yield* codeOf(stranger, zk.getData('/home'))) === 'ok',
  );
  see.stated('ip: another may not', (yield* codeOf(stranger, zk.getData('/away'))) === 'NoAuth');

  const unknown = yield* codeOf(owner, zk.create('/odd', 'x', { acl: idOf('nothing', 'x') }));
  see.stated('a scheme that there is not is refused', unknown === 'InvalidAcl');
}

export const dataModelExperiments: readonly Experiment[] = [
  {
    claim: 'D1',
    title: 'random operations, compared with a map from path to data',
    worlds: simulated,
    nodes: 3,
    script: tree,
    without: {
      title: 'a node may go before its children',
      file: PREP,
      find: `if (node.childCount > 0) return ErrorCode.NotEmpty;
  recordDeletion(turn, path);
  return { type: OpCode.delete, body`,
      replace: `recordDeletion(turn, path);
  return { type: OpCode.delete, body`,
    },
  },
  { claim: 'D2', title: 'data around 1 MB', worlds: real, nodes: 3, script: sizeLimit },
  {
    claim: 'D3',
    title: 'all servers are killed and started again',
    worlds: real,
    nodes: 3,
    script: persistence,
    without: 'ack-before-flush',
  },
  {
    claim: 'D5',
    title: 'children of ephemerals, alone and in a multi',
    worlds: simulated,
    nodes: 3,
    script: childless,
    without: {
      title: 'ephemerals may have children',
      file: PREP,
      find: "if (ownerKind(parent.stat.ephemeralOwner) === 'session') return ErrorCode.NoChildrenForEphemerals;",
      replace: '',
    },
  },
  {
    claim: 'D7',
    title: 'writes at the right and at wrong versions',
    worlds: simulated,
    nodes: 3,
    script: versions,
    without: {
      title: 'setData leaves the version as it is',
      file: PREP,
      find: 'const version = nextVersion(node.stat.version);',
      replace: 'const version = node.stat.version;',
    },
  },
  {
    claim: 'D8',
    title: 'each operation under each permission alone',
    worlds: simulated,
    nodes: 3,
    script: permissions,
    without: {
      title: 'DELETE is asked of the node itself',
      file: PREP,
      find: 'isPermitted(parent.acl, Permission.delete, authinfo)',
      replace: 'isPermitted(changes.get(path)?.acl ?? [], Permission.delete, authinfo)',
    },
  },
  {
    claim: 'D9',
    title: 'owners, strangers and wrong passwords under every scheme',
    worlds: real,
    nodes: 3,
    script: schemes,
    without: {
      title: 'any password will do',
      file: 'src/server/core/pipeline/auth.ts',
      find: 'matches: (id, aclId) => id === aclId,',
      replace: 'matches: () => true,',
    },
  },
];
