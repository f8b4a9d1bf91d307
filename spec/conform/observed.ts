/**
 * What every message on a wire means in the model: the step that sends it, and what must have happened unseen
 * before it. A server has sent a message before it is seen, and what it read before it was seen before:
 * so the record's own order is one in which all can have happened. Only a leader's queue to one learner may
 * lag behind what others were sent; its step is explained by whoever is sent it first.
 *
 * What the wire cannot decide is accepted. That is more than one thing where Apache's servers differ from
 * the model in what nobody depends on: a leader may queue PROPOSAL and COMMIT before UPTODATE; it chooses
 * between DIFF, TRUNC and SNAP by what it happens to remember; a learner acknowledges again what came committed,
 * and what came uncommitted before it was told to be up to date.
 */
import { compareZxids, sameZxid, type Txn } from '../models/zab/history.ts';
import {
  acksOf,
  change,
  type Handler,
  head,
  indexOfPending,
  isConnected,
  lastQueued,
  loggedCount,
  type Message,
  quorumOf,
  type Server,
  type Sid,
  sidsOf,
} from '../models/zab/system-state.ts';
import { placeOf, sidOf, zxidAt } from './ensemble-model.ts';
import type { Block, BlockMessage, Observation, Seen, Wire } from './observation.ts';
import { showZxid } from './told.ts';
import { endOf, type WireWalk } from './wire-walk.ts';

/** What a message is to a walk: explained, or left alone for a reason. */
export type Left = 'late' | 'again' | 'early';

export function explainObservation(
  w: WireWalk,
  one: Observation,
  wire: Wire,
): readonly WireWalk[] | Left {
  const [i, j] = [sidOf(wire.leader), sidOf(wire.learner)];
  const isNewest = w.around.newest.get(wire.learner) === one.connection;
  if (one.message === 'FOLLOWERINFO') {
    return w.must(!isNewest, 'it has come before') ? followerInfo(w, one, wire) : [];
  }
  if (!isNewest) return 'late';
  const explained =
    one.from === wire.leader ? ofLeader(w, one, { wire, i, j }) : ofLearner(w, one, { wire, i, j });
  if (typeof explained === 'string') return explained;
  return explained ? [w] : [];
}

/** A connection of learner j to leader i. */
interface On {
  readonly wire: Wire;
  readonly i: Sid;
  readonly j: Sid;
}

// --- roles ---------------------------------------------------------------------------------------

/** Its sender has ended whatever it was; and there is somebody who leads, if it was answered. */
function followerInfo(
  w: WireWalk,
  { acceptedEpoch, from, sid = from }: Seen<'FOLLOWERINFO'>,
  { epoch, leader, learner }: Wire,
): readonly WireWalk[] {
  const [i, j] = [sidOf(leader), sidOf(learner)];
  if (!w.same('sid', sid, from)) return [];
  const left = w.leave(j).filter((way) => {
    return way.same('acceptedEpoch', acceptedEpoch, way.server(j).acceptedEpoch) || tells(way, w);
  });
  if (epoch === undefined) return left;
  return left
    .flatMap((way) => {
      const led = leads(way, i, epoch);
      if (led.length === 0) tells(way, w);
      return led;
    })
    .filter((way) => {
      const isConnected =
        way.take('Elected', { i: j, leader: i }) && way.take('Connected', { i: j });
      return isConnected || tells(way, w);
    });
}

function leads(w: WireWalk, i: Sid, epoch: number): readonly WireWalk[] {
  const server = w.server(i);
  const isSameReign = server.epoch === epoch || server.epoch === 0;
  if (server.role === 'leading' && isSameReign) return [w];
  return w.leave(i).filter((way) => way.take('Elected', { i, leader: i }) || tells(way, w));
}

function tells(way: WireWalk, w: WireWalk): false {
  w.refusal ??= way.refusal;
  return false;
}

// --- to a learner --------------------------------------------------------------------------------

function ofLeader(w: WireWalk, one: Observation, on: On): boolean | Left {
  const { wire, i, j } = on;
  const { block } = wire;
  if (one.message === 'PROPOSAL' && !isItself(w, one)) return false;
  const at = placeOfSent(w, one, on);
  if (at >= 0) return sees(w, on, at);
  const { epoch, handlers, role } = w.server(i);
  // One of the two has gone, and the queue has not.
  const isLed = role === 'leading' && (epoch === wire.epoch || epoch === 0);
  const isOver = !isLed || !isConnected(w.server(j), i);
  if (isOver) return 'late';
  const handler = handlers[j];
  if (handler == null) return w.refuse('order', `${j} has more than its leader, and was sent away`);
  if (one.message === 'NEWLEADER' && !w.same('epoch', one.epoch, epoch)) return false;
  const isOfBlock = block !== undefined && one.n <= block.endsAt && !handler.isForwarding;
  if (isOfBlock && one.message !== 'LEADERINFO') return ofBlock(w, one, on, block);
  const [due] = w.sent(i, j).filter(({ type }) => !isApart(type, one.message));
  if (due !== undefined) return w.refuse('fields', `${due.type} comes next, not ${one.message}`);
  if (!send(w, one, on)) return false;
  const place = placeOfSent(w, one, on);
  return place >= 0
    ? sees(w, on, place)
    : w.refuse('fields', `it does not send ${one.message} now`);
}

const live: ReadonlySet<string> = new Set(['PROPOSAL', 'COMMIT']);

/** A thread of its own queues UPTODATE, when others send live traffic already. */
function isApart(one: Message['type'], other: string): boolean {
  return (one === 'UPTODATE' && live.has(other)) || (other === 'UPTODATE' && live.has(one));
}

/** The first that is not sent by another thread. */
function placeOfSent(w: WireWalk, one: Observation, { i, j }: On): number {
  const sent = w.sent(i, j);
  const at = sent.findIndex(({ type }) => !isApart(type, one.message));
  const message = sent[at];
  return message !== undefined && isSame(w, message, one) ? at : -1;
}

function sees(w: WireWalk, { i, j }: On, at: number): true {
  w.see(i, j, at);
  return true;
}

function isSame(w: WireWalk, message: Message, one: Observation): boolean {
  if (message.type !== one.message) return false;
  const zxid = 'zxid' in one ? w.around.record.zxid(one.zxid) : undefined;
  switch (message.type) {
    case 'LEADERINFO':
    case 'NEWLEADER':
      return 'epoch' in one && one.epoch === message.epoch;
    case 'PROPOSAL':
      return zxid !== undefined && sameZxid(message.txn.zxid, zxid);
    case 'COMMIT':
    case 'ACK':
      return zxid !== undefined && sameZxid(message.zxid, zxid);
    default:
      return true;
  }
}

/** The step that sends it, after what it needs. */
function send(w: WireWalk, one: Observation, { i, j }: On): boolean {
  switch (one.message) {
    case 'LEADERINFO':
      return proposesEpoch(w, one.epoch, i, j);
    case 'UPTODATE':
      return w.establish(i);
    case 'PROPOSAL':
      return proposes(w, one.zxid, i);
    case 'COMMIT':
      return commits(w, one.zxid, i);
    default:
      return w.refuse('order', `${one.message} comes at another time`);
  }
}

function proposesEpoch(w: WireWalk, epoch: number, i: Sid, j: Sid): boolean {
  if (w.server(i).phase === 'discovery' && !w.openEpoch(i, epoch)) return false;
  if (!w.same('epoch', epoch, w.server(i).epoch)) return false;
  const isNew = w.server(i).handlers[j]?.phase === 'arriving';
  return !isNew || w.take('FollowerInfoReceived', { i, j });
}

/** What a transaction is, whoever sends it. */
function isItself(w: WireWalk, { cxid, op, session, zxid }: Seen<'PROPOSAL'>): boolean {
  return w.agrees(`the transaction ${zxid}`, `${op} ${session} ${cxid}`);
}

function proposes(w: WireWalk, zxid: string, i: Sid): boolean {
  const named = w.around.record.zxid(zxid);
  if (w.server(i).phase === 'synchronization' && !w.establish(i)) return false;
  if (!synchronizesBefore(w, i, 'proposed', zxid)) return false;
  return (
    w.take('ProposalSent', { i }) && w.isZxid('zxid', named, w.server(i).pending.at(-1)?.txn.zxid)
  );
}

function commits(w: WireWalk, zxid: string, i: Sid): boolean {
  const named = w.around.record.zxid(zxid);
  const first = w.server(i).pending[0]?.txn.zxid;
  if (!w.isZxid('zxid', named, first)) return false;
  if (!synchronizesBefore(w, i, 'committed', zxid) || !w.readAcks(i)) return false;
  const isLogged = loggedCount(w.server(i)) > 0 || w.take('ProposalLogged', { i });
  if (!isLogged) return false;
  const isOwnNeeded = !quorumOf(w.state, acksOf(w.server(i), i, 0));
  if (isOwnNeeded && !flushes(w, i, w.server(i).applied + 1)) return false;
  if (!w.take('ProposalCommitted', { i }) || !w.take('TxnApplied', { i })) return false;
  // Its disk has what it is later seen to have.
  const { end } = w.testimony(i);
  const reach = end === undefined ? w.server(i).applied : keptOf(w.server(i), end);
  return flushes(w, i, reach);
}

function keptOf({ applied, log }: Server, end: readonly [number, number]): number {
  const after = log.findIndex(({ zxid }) => compareZxids(zxid, end) > 0);
  return Math.min(applied, after < 0 ? log.length : after);
}

function flushes(w: WireWalk, i: Sid, upTo: number): boolean {
  while (w.server(i).flushed < upTo) if (!w.take('TxnFlushed', { i })) return false;
  return true;
}

// --- synchronization -----------------------------------------------------------------------------

/**
 * Learners who are sent this transaction live were synchronized before it, although nothing of that may have
 * been seen yet.
 */
function synchronizesBefore(
  w: WireWalk,
  i: Sid,
  part: 'proposed' | 'committed',
  name: string,
): boolean {
  const zxid = w.around.record.zxid(name);
  return sidsOf(w.state).every((j) => {
    const block = w.wireOf(j)?.block;
    const handler = w.server(i).handlers[j];
    if (handler == null || handler.isForwarding || block?.isWhole !== true) return true;
    const isAsking = handler.phase === 'syncing' || w.next(j, i) === 'ACKEPOCH';
    const isCovered = block.covered !== undefined && compareZxids(zxid, block.covered) <= 0;
    if (!isAsking || isCovered || block[part].has(name)) return true;
    return mayChoose(w, i, j) && chooses(w, i, j, block);
  });
}

/** All of it is chosen in one step, which is taken when it has been seen. */
function ofBlock(w: WireWalk, one: Observation, { i, j }: On, block: Block): boolean {
  if (!mayChoose(w, i, j)) return false;
  if (one.message === 'PROPOSAL') {
    const zxid = w.around.record.zxid(one.zxid);
    const isNew = compareZxids(zxid, lastQueued(w.server(i))) > 0;
    if (isNew && !proposes(w, one.zxid, i)) return false;
  } else if (one.message === 'COMMIT') {
    const [first] = w.server(i).pending;
    const zxid = w.around.record.zxid(one.zxid);
    const isNew = first !== undefined && compareZxids(zxid, first.txn.zxid) >= 0;
    if (isNew && !commits(w, one.zxid, i)) return false;
  }
  return one.n < block.endsAt || chooses(w, i, j, block);
}

/** Upstream's leader asks who has more than itself only until a quorum follows it. */
function mayChoose(w: WireWalk, i: Sid, j: Sid): boolean {
  if (w.server(i).phase === 'acknowledgement' && !w.settleEpoch(i)) return false;
  const isNew = w.server(i).handlers[j]?.phase === 'epoch';
  if (isNew) w.forgetEpoch(j, i);
  if (isNew && !w.take('EpochAckReceived', { i, j })) return false;
  if (w.server(i).handlers[j] == null) {
    return w.refuse('order', `${j} has more than its leader, and is sent away`);
  }
  return true;
}

/** Whatever the leader remembers: the learner must have what the leader has when all is read. */
function chooses(w: WireWalk, i: Sid, j: Sid, block: Block): boolean {
  const { epoch, handlers, pending } = w.server(i);
  const messages = synchronization(w, w.server(i), handlers[j] as Handler, block);
  if (messages === undefined || !w.take('SyncChosen', { i, j })) return false;
  // Whether it counts what was acknowledged on an earlier connection is not seen.
  w.state = change(w.state, i, { pending });
  if (block.isWhole) messages.push({ n: block.endsAt, message: { type: 'NEWLEADER', epoch } });
  const count = messages.filter(({ n }) => n <= w.n).length;
  w.setSent(
    i,
    j,
    messages.map(({ message }) => message),
    count,
  );
  return true;
}

interface Numbered {
  readonly n: number;
  readonly message: Message;
}

function synchronization(
  w: WireWalk,
  leader: Server,
  { zxid: asked }: Handler,
  block: Block,
): Numbered[] | undefined {
  const { applied, log, pending } = leader;
  const [first, ...rest] = block.messages as readonly [BlockMessage, ...BlockMessage[]];
  const named = w.around.record.zxid(first.zxid);
  const base = first.message === 'DIFF' ? placeOf(leader, asked) : endOf(leader, named);
  const from = showZxid(first.message === 'DIFF' ? asked : named);
  if (base < 0 || base > applied) {
    w.refuse('fields', `${first.message} goes on from ${from}, which the leader has not committed`);
    return undefined;
  }
  // Of DIFF it is only informational, but it is something that the leader has.
  if (endOf(leader, named) < base) {
    w.refuse('fields', `zxid is ${showZxid(named)}, which the leader does not have`);
    return undefined;
  }
  const history: readonly Txn[] = [...log.slice(0, applied), ...pending.map(({ txn }) => txn)];
  const messages: Numbered[] = [{ n: first.n, message: modeOf(leader, first, base) }];
  let [proposed, committed] = [base, base];
  for (const { message, n, zxid: name } of rest) {
    const zxid = w.around.record.zxid(name);
    // A snapshot may be newer than the queue behind it.
    if (first.message === 'SNAP' && compareZxids(zxid, named) <= 0) continue;
    const txn = history[message === 'PROPOSAL' ? proposed++ : committed++];
    if (!w.isZxid(`${message} in ${first.message}`, zxid, txn?.zxid)) return undefined;
    messages.push({
      n,
      message:
        message === 'PROPOSAL' ? { type: message, txn: txn as Txn } : { type: 'COMMIT', zxid },
    });
  }
  const isAll = proposed === history.length && committed === applied;
  const isRight = committed <= Math.min(proposed, applied) && (isAll || !block.isWhole);
  if (isRight) return messages;
  const lacks = showZxid(zxidAt(leader, applied));
  w.refuse('fields', `NEWLEADER comes before all up to ${lacks} and what is under way was sent`);
  return undefined;
}

function modeOf({ log }: Server, { message }: BlockMessage, base: number): Message {
  const zxid = log[base - 1]?.zxid ?? ([0, 0] as const);
  if (message === 'SNAP') return { type: 'SNAP', zxid, txns: log.slice(0, base) };
  return { type: message === 'TRUNC' ? 'TRUNC' : 'DIFF', zxid };
}

// --- to a leader ---------------------------------------------------------------------------------

function ofLearner(w: WireWalk, one: Observation, on: On): boolean | Left {
  const { i, j, wire } = on;
  const { leader, role } = w.server(j);
  if (role !== 'following' || leader !== i) return 'late';
  if (one.message === 'ACKEPOCH') return acknowledgesEpoch(w, one, on);
  if (one.message !== 'ACK') return w.refuse('order', `a learner sends no ${one.message}`);
  const zxid = w.around.record.zxid(one.zxid);
  if (zxid[1] === 0) {
    if (!w.same('epoch', zxid[0], w.server(j).epoch)) return false;
    if (w.around.acknowledged.has(one.connection)) return 'again';
    return goes(w, j, () => w.server(j).phase === 'waiting') && isSeen(w, on);
  }
  if (wire.block?.committed.has(one.zxid) === true) return 'again';
  if (one.n < wire.upToDateAt) return isUnderWay(w, one.zxid, on) ? 'early' : false;
  const hasIt = () => placeOf(w.server(j), zxid) > 0;
  if (!goes(w, j, hasIt) || !flushes(w, j, placeOf(w.server(j), zxid))) return false;
  const due = w.server(j).log[w.server(j).acked]?.zxid;
  return w.isZxid('zxid', zxid, due) && w.take('ProposalAcked', { i: j }) && isSeen(w, on);
}

function isUnderWay(w: WireWalk, name: string, { i, j, wire }: On): boolean {
  const zxid = w.around.record.zxid(name);
  const coming = w.state.messages[i][j].some((message) => {
    return message.type === 'PROPOSAL' && sameZxid(message.txn.zxid, zxid);
  });
  const isSent = coming || wire.block?.proposed.has(name) === true;
  const isQueued = isSent || indexOfPending(w.server(j), zxid) >= 0;
  return isQueued || w.refuse('order', `${name} was not proposed to it`);
}

/** What j does unseen until that is so. */
function goes(w: WireWalk, j: Sid, isThere: () => boolean): boolean {
  while (!isThere()) if (!w.advance(j)) return false;
  return true;
}

/** What is sent to one who has closed his end is gone. */
function isSeen(w: WireWalk, { i, j }: On): boolean {
  if (w.sent(j, i).length > 0) w.see(j, i, 0);
  return true;
}

function acknowledgesEpoch(w: WireWalk, one: Seen<'ACKEPOCH'>, on: On): boolean {
  const { j } = on;
  const isDue = w.server(j).phase === 'discovery';
  if (!w.must(isDue, 'ACKEPOCH comes at another time')) return false;
  const { currentEpoch, acceptedEpoch } = w.server(j);
  const info = head(w.state, on.i, j);
  const isKnown = info?.type === 'LEADERINFO' && info.epoch === acceptedEpoch;
  if (!w.same('currentEpoch', one.currentEpoch, isKnown ? -1 : currentEpoch)) return false;
  const zxid = w.around.record.zxid(one.zxid);
  if (!w.advance(j)) return false;
  const server = w.server(j);
  const isNone = server.needsSnapshot && sameZxid(zxid, [0, 0]);
  const isEnd = isNone || (!server.needsSnapshot && endOf(server, zxid) === server.log.length);
  if (!isEnd) return w.refuse('fields', `zxid is ${showZxid(zxid)}, not where its log ends`);
  return isSeen(w, on);
}
