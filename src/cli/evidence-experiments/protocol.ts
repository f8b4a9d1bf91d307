/** Experiments on recovery and broadcast, from what servers told and what passed between them. */
import type { ProtocolAct, ProtocolEvent } from '../../base/protocol-event.ts';
import { formatHex, zk } from '../../client/index.ts';
import type { TapEvent } from '../../harness/world/wire-tap/tap-event.ts';
import { type Experiment, everywhere, simulated } from './experiment.ts';
import { type Actor, linksBetween, type Scene, SceneError, type Script } from './scene.ts';
import type { Sightings } from './sightings.ts';

const ROUNDS = 3;

/** Writes while leaders crash and come back, so that every server is elected, led and brought up to date. */
function* upheaval(scene: Scene): Script<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const leader = yield* scene.serving();
    const client = scene.client(scene.others(leader));
    yield* client.ask(zk.create(`/before-${round}`));
    yield* scene.inject({ action: 'kill', node: leader });
    yield* scene.serving(scene.others(leader));
    yield* client.persist(() => zk.exists('/'));
    yield* client.ask(zk.create(`/without-${round}`));
    yield* scene.inject({ action: 'start', node: leader });
    yield* scene.serving();
    yield* client.ask(zk.create(`/after-${round}`));
    yield* client.ask(zk.close());
  }
}

const ROLES = ['looking', 'leading', 'following', 'observing'];

function* roles(scene: Scene, see: Sightings): Script<void> {
  see.owed('a server observes');
  yield* upheaval(scene);
  for (const { event } of scene.events) {
    see.stated('a server looks, leads, follows or observes', ROLES.includes(event.post.role));
    if (String(event.post.role) === 'observing') see.stated('a server observes', true);
  }
  for (const message of wiresOf(scene)) {
    if (message.message !== 'notification') continue;
    see.stated('so do its notifications say', ROLES.includes(message.state));
  }
  for (const role of ROLES) {
    const count = scene.events.filter(({ event }) => event.post.role === role).length;
    see.note(`${role}: events`, count);
  }
}

type Phase = 'election' | 'discovery' | 'synchronization' | 'broadcast';
const phases: readonly Phase[] = ['election', 'discovery', 'synchronization', 'broadcast'];

const phaseOf = new Map<ProtocolAct, Phase>([
  ['ElectionStarted', 'election'],
  ['Elected', 'election'],
  ['Connected', 'discovery'],
  ['EpochProposed', 'discovery'],
  ['AcceptedEpochSaved', 'discovery'],
  ['EpochKnown', 'discovery'],
  ['SyncChosen', 'synchronization'],
  ['SyncReceived', 'synchronization'],
  ['NewLeaderReceived', 'synchronization'],
  ['NewLeaderAcked', 'synchronization'],
  ['LearnerActivated', 'broadcast'],
  ['LeaderEstablished', 'broadcast'],
]);

function* recoveryOrder(scene: Scene, see: Sightings): Script<void> {
  yield* upheaval(scene);
  const states = new Map<string, number>();
  for (const { event } of scene.events) {
    const life = `${event.node}/${event.incarnation}`;
    const from = states.get(life) ?? 0;
    if (event.act === 'ProposalSent' || event.act === 'ProposalCommitted') {
      see.stated('writes are served in the broadcast', phases[from] === 'broadcast');
    }
    const phase = phaseOf.get(event.act);
    // A leader that broadcasts brings others up to date as they come.
    if (phase === undefined || (event.act === 'SyncChosen' && from === 3)) continue;
    const to = phases.indexOf(phase);
    const isNext = to === from || to === from + 1 || event.act === 'ElectionStarted';
    see.stated('phases follow in their order, or election begins anew', isNext);
    states.set(life, to);
  }
}

/** One proposal that nobody but its leader has, and one that all have and nobody has committed. */
function* skipped(scene: Scene, see: Sightings): Script<void> {
  for (let round = 0; round < 2; round++) {
    yield* neverSent(scene, see, `/skipped-${round}`);
    yield* neverAcknowledged(scene, see, `/kept-${round}`);
  }
}

function* neverSent(scene: Scene, see: Sightings, path: string): Script<void> {
  const leader = yield* scene.serving();
  const rest = scene.others(leader);
  const stranded = scene.client([leader]);
  yield* stranded.ask(zk.exists('/'));
  const sinceMs = scene.nowMs();
  yield* scene.sever(linksBetween([leader], rest));
  const write = stranded.start(zk.create(path));
  yield* scene.must('the leader has logged the proposal', () => {
    const sent = proposalOf(scene, stranded, sinceMs);
    return sent !== undefined && hasFlushed(scene, leader, sent);
  });
  yield* scene.serving(rest);
  yield* scene.verify(linksBetween([leader], rest), 'blocked');
  const client = scene.client(rest);
  yield* client.ask(zk.create(`${path}-won`));
  yield* scene.join([leader], rest);
  yield* scene.serving();
  if ((yield* write.ending()).ok) throw new SceneError('a proposal of nobody else was committed');
  const never = 'what an epoch was established without never comes back';
  yield* lookEverywhere(scene, path, (isThere) => see.onlyIf(never, !isThere));
  yield* scene.inject(...scene.nodes.map((node) => ({ action: 'kill', node }) as const));
  yield* scene.inject(...scene.nodes.map((node) => ({ action: 'start', node }) as const));
  yield* scene.serving();
  yield* lookEverywhere(scene, path, (isThere) => see.onlyIf(never, !isThere));
}

function* neverAcknowledged(scene: Scene, see: Sightings, path: string): Script<void> {
  const leader = yield* scene.serving();
  const rest = scene.others(leader);
  const client = scene.client([leader]);
  yield* client.ask(zk.exists('/'));
  const sinceMs = scene.nowMs();
  // Proposals arrive, acknowledgements do not.
  yield* scene.sever(rest.map((node) => [node, leader]));
  const write = client.start(zk.create(path));
  yield* scene.must('everybody has logged the proposal', () => {
    const sent = proposalOf(scene, client, sinceMs);
    return sent !== undefined && scene.nodes.every((node) => hasFlushed(scene, node, sent));
  });
  yield* scene.inject({ action: 'kill', node: leader });
  const isCommitted = scene.told('ProposalCommitted', sinceMs).length > 0;
  yield* scene.serving(rest);
  const reader = scene.client(rest);
  const { stat } = yield* reader.ask(zk.exists(path));
  if (!isCommitted && !(yield* write.ending()).ok) {
    see.stated('what was never committed does not come back', stat === null);
  }
  yield* scene.inject({ action: 'start', node: leader });
  yield* scene.join([leader], rest);
  yield* scene.serving();
}

function proposalOf(scene: Scene, client: Actor, sinceMs: number): string | undefined {
  const session = formatHex(client.session.sessionId);
  for (const { event } of scene.told('ProposalSent', sinceMs)) {
    if (event.act !== 'ProposalSent' || event.args.session !== session) continue;
    if (event.args.op === 'create2') return event.args.zxid;
  }
  return undefined;
}

function hasFlushed(scene: Scene, node: number, zxid: string): boolean {
  return scene.events.some(
    ({ event }) => event.node === node && event.act === 'TxnFlushed' && event.args.zxid === zxid,
  );
}

function* lookEverywhere(
  scene: Scene,
  path: string,
  found: (isThere: boolean) => void,
): Script<void> {
  for (const server of scene.nodes) {
    const reader = scene.client([server]);
    yield* reader.persist(() => zk.sync('/'));
    found((yield* reader.persist(() => zk.exists(path))).stat !== null);
    yield* reader.ask(zk.close());
  }
}

/** A server comes back while writes go on. */
function* joining(scene: Scene, see: Sightings): Script<void> {
  yield* scene.client().ask(zk.create('/busy'));
  for (let round = 0; round < ROUNDS; round++) {
    const leader = yield* scene.serving();
    const [node = 1] = scene.others(leader);
    yield* scene.inject({ action: 'kill', node });
    const writer = scene.client([leader]);
    let isOver = false;
    const writing = writer.start(
      (function* () {
        let count = 0;
        while (!isOver) {
          yield* zk.setData('/busy', `${count++}`);
          yield* zk.sleep(5);
        }
        return count;
      })(),
      600_000,
    );
    yield* scene.sleep(2 * scene.tickMs);
    const lives = scene.events.filter(({ event }) => event.node === node);
    const before = lives.at(-1)?.event.incarnation ?? 0;
    yield* scene.inject({ action: 'start', node });
    const own = (): readonly ProtocolEvent[] =>
      scene.events
        .map(({ event }) => event)
        .filter((event) => event.node === node && event.incarnation > before);
    const at = (act: ProtocolAct) => own().findIndex((event) => event.act === act);
    yield* scene.must('the server takes part', () => {
      return at('ProposalAcked') >= 0;
    });
    yield* scene.serving();
    isOver = true;
    if (!(yield* writing.ending()).ok) throw new SceneError('the writes did not go on');
    const synchronized = at('NewLeaderAcked');
    see.stated('it receives a synchronization first', at('SyncReceived') >= 0);
    see.stated(
      'it acknowledges no proposal before',
      synchronized >= 0 && at('ProposalAcked') > synchronized,
    );
    const sent = scene.told('ProposalSent').filter(({ event }) => event.node === leader).length;
    see.note('proposals in the meantime, at least', sent);
    const last = yield* writer.ask(zk.getData('/busy'));
    const reader = scene.client([node]);
    yield* reader.ask(zk.sync('/busy'));
    const { stat } = yield* reader.ask(zk.getData('/busy'));
    see.stated('then it has what was written meanwhile', stat.mzxid >= last.stat.mzxid);
  }
}

const OPERATIONS = 10;

/** Each request of a client, followed on the wires. */
function* forwarding(scene: Scene, see: Sightings): Script<void> {
  // No ensemble of ours has one yet: until then this shows half of the claim.
  see.owed('an observer does the same');
  const leader = yield* scene.serving();
  yield* scene.client([leader]).ask(zk.create('/f'));
  for (const server of scene.nodes) {
    const client = scene.client([server]);
    yield* client.ask(zk.sync('/'));
    const session = formatHex(client.session.sessionId);
    const requests = () =>
      wiresOf(scene).filter((one) => one.message === 'REQUEST' && one.session === session);
    for (let count = 0; count < OPERATIONS; count++) {
      const before = requests().length;
      const read = yield* client.ask(zk.getData('/f'));
      const hasAsked = requests().length > before;
      if (server === leader) continue;
      see.stated('a follower answers a read itself', !hasAsked && read.server === server);
    }
    for (let count = 0; count < OPERATIONS; count++) {
      const before = requests().length;
      const { stat } = yield* client.ask(zk.setData('/f', `${count}`));
      const forwarded = requests().slice(before);
      if (server === leader) continue;
      const isForwarded =
        forwarded.length === 1 && forwarded[0]?.from === server && forwarded[0].to === leader;
      see.stated('a follower forwards a write to the leader', isForwarded);
      const zxid = formatHex(stat.mzxid);
      const proposers = wiresOf(scene).filter(
        (one) => one.message === 'PROPOSAL' && one.zxid === zxid,
      );
      const isProposed = proposers.length > 0 && proposers.every(({ from }) => from === leader);
      see.stated('and the leader proposes it', isProposed);
    }
  }
}

/** What followers tell the leader-to-be before it sends NEWLEADER. */
function* discovery(scene: Scene, see: Sightings): Script<void> {
  yield* upheaval(scene);
  const messages = wiresOf(scene).filter(({ link }) => link === 'quorum');
  for (const ack of messages) {
    if (ack.message !== 'ACKEPOCH') continue;
    const own = messages.filter(({ connection }) => connection === ack.connection);
    const end = own.findIndex(({ message }) => message === 'NEWLEADER');
    const told = own.slice(0, Math.max(end, own.indexOf(ack) + 1));
    const words = told.filter(({ from, message }) => from === ack.from && message !== 'opened');
    const isMore = words.some(
      ({ message }) => message !== 'FOLLOWERINFO' && message !== 'ACKEPOCH',
    );
    see.stated('a follower sends its latest proposals', isMore);
    const last = scene.events.findLast(
      ({ event, atMs }) =>
        event.node === ack.from &&
        atMs <= ack.time / 1e6 &&
        (event.act === 'AcceptedEpochSaved' || event.act === 'EpochKnown'),
    );
    if (last === undefined) throw new SceneError('an epoch was acknowledged that was not accepted');
    see.onlyIf('it sends its last zxid', ack.zxid === last.event.post.lastFlushed);
    const { currentEpoch } = last.event.post;
    const isEpoch = ack.currentEpoch === -1 || ack.currentEpoch === currentEpoch;
    see.onlyIf('and its epoch', isEpoch);
  }
}

function* startOfBroadcast(scene: Scene, see: Sightings): Script<void> {
  yield* upheaval(scene);
  for (const { event } of scene.told('LeaderEstablished')) {
    if (event.act !== 'LeaderEstablished') continue;
    const { quorum } = event.args;
    const followers = quorum.filter((sid) => sid !== event.node).length;
    see.stated('more than half of the followers', 2 * followers > scene.nodes.length - 1);
    see.onlyIf(
      'more than half of the voters, the leader included',
      2 * quorum.length > scene.nodes.length && quorum.includes(event.node),
    );
    const acks = scene
      .told('NewLeaderAckReceived')
      .filter(
        ({ event: ack }) =>
          ack.node === event.node && ack.incarnation === event.incarnation && ack.n < event.n,
      );
    const heard = new Set(
      acks.map(({ event: ack }) => (ack.act === 'NewLeaderAckReceived' ? ack.args.from : 0)),
    );
    const areHeard = quorum.every((sid) => sid === event.node || heard.has(sid));
    see.onlyIf('each of them has acknowledged', areHeard);
  }
}

function wiresOf(scene: Scene): readonly TapEvent[] {
  const recording = scene.world.wires?.();
  if (recording === undefined || recording.dropped > 0) {
    throw new SceneError('the wires of this world are not read');
  }
  return recording.events;
}

export const protocolExperiments: readonly Experiment[] = [
  {
    claim: 'Z1',
    title: 'roles of servers whose leaders crash',
    worlds: simulated,
    nodes: 3,
    script: roles,
  },
  {
    claim: 'Z2',
    title: 'phases of servers whose leaders crash',
    worlds: simulated,
    nodes: 3,
    script: recoveryOrder,
  },
  {
    claim: 'Z4',
    title: 'proposals of leaders that are stranded, or crash before they commit',
    worlds: simulated,
    nodes: 3,
    script: skipped,
    without: {
      title: 'a deposed leader keeps what nobody else has',
      file: 'src/server/core/sync-choice.ts',
      find: "return { mode: 'TRUNC', zxid: previous.zxid, send: window.slice(index) };",
      replace: "return { mode: 'DIFF', zxid: max, send: window.slice(index) };",
    },
  },
  {
    claim: 'Z6',
    title: 'a server comes back while writes go on',
    worlds: everywhere,
    nodes: 3,
    script: joining,
  },
  {
    claim: 'Z7',
    title: 'requests of clients of every server, followed on the wires',
    worlds: ['simulation', 'process'],
    nodes: 3,
    script: forwarding,
  },
  {
    claim: 'Z13',
    title: 'what followers send before they are synchronized',
    worlds: simulated,
    nodes: 3,
    script: discovery,
  },
  {
    claim: 'Z14',
    title: 'who had acknowledged a leader when it began',
    worlds: simulated,
    nodes: 5,
    script: startOfBroadcast,
  },
];
