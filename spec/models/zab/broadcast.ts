/**
 * What ZAB promises, for every model of it. A model says how its servers look (`Replica`); the
 * promises are written once. First the epochs; then the paper's definition of atomic broadcast (DSN
 * 2011, section 3); then what users rely on: nothing that anybody has seen is lost, nothing that
 * was given up comes back.
 *
 * Delivered means *ever* delivered, by anybody, and not what a server remembers: memory is lost in
 * a restart, and the loss of a transaction with it. And Local Primary Order speaks of *every* two
 * transactions of a primary; with "some two", as in Zab.tla, it is true of anything.
 */
import type { Spec, Step } from '../../kernel/model.ts';
import { compareZxids, holds, isPrefix, sameTxn, type Txn } from './history.ts';

export interface Replica {
  readonly epoch: number;
  readonly history: readonly Txn[];
  /** What of its history a crash leaves. */
  readonly stable: readonly Txn[];
  /** What its leader has sent it, or is sending it, to be logged. */
  readonly coming: readonly Txn[];
  /** What it remembers to have delivered. */
  readonly delivered: readonly Txn[];
  /** It leads, and has settled on its history. */
  readonly isPrimary: boolean;
  /** It leads, and broadcasts. */
  readonly isBroadcasting: boolean;
  /** What its own history must be a prefix of: its leader's, once it has adopted the epoch. */
  readonly follows: readonly Txn[] | null;
}

export interface Ensemble {
  readonly replicas: readonly Replica[];
  /** Who ever led each epoch. */
  readonly leaders: Readonly<Record<number, readonly string[]>>;
  /**
   * Everything that was ever broadcast, by which primary; delivered by anybody; skipped by an
   * epoch.
   */
  readonly broadcasts: readonly Broadcast[];
  readonly delivered: readonly Txn[];
  readonly skipped: readonly Txn[];
}

export interface Broadcast extends Txn {
  readonly source: string;
  readonly epoch: number;
}

type Says = (ensemble: Ensemble) => boolean;

const forPairs = <T>(all: readonly T[], says: (one: T, other: T) => boolean): boolean =>
  all.every((one, i) => all.every((other, j) => i === j || says(one, other)));

/** a stands before b in `history`. */
function precedes(a: Txn, b: Txn, history: readonly Txn[]): boolean {
  const place = history.findIndex((txn) => sameTxn(txn, b));
  return history.slice(0, Math.max(place, 0)).some((txn) => sameTxn(txn, a));
}

const earlierThan = (epoch: number, txns: readonly Txn[]): readonly Txn[] =>
  txns.filter(({ zxid }) => zxid[0] < epoch);

// --- epochs --------------------------------------------------------------------------------------

const oneLeaderPerEpoch: Says = ({ replicas }) =>
  forPairs(
    replicas.filter(({ isPrimary }) => isPrimary),
    (one, other) => one.epoch !== other.epoch,
  );

const oneLeaderPerEpochEver: Says = ({ leaders }) =>
  Object.values(leaders).every((sids) => sids.length <= 1);

/** Who has adopted an epoch has nothing but what its leader has. */
const processConsistency: Says = ({ replicas }) =>
  replicas.every(({ follows, history }) => follows === null || isPrefix(history, follows));

// --- atomic broadcast ----------------------------------------------------------------------------

/** What any two have delivered is the same, as far as both have come. */
const prefixConsistency: Says = ({ replicas }) =>
  forPairs(
    replicas,
    (one, other) =>
      one.delivered.length > other.delivered.length || isPrefix(one.delivered, other.history),
  );

/** What is delivered was broadcast by a primary. */
const integrity: Says = ({ replicas, broadcasts }) =>
  replicas.every(({ delivered }) => delivered.every((txn) => holds(broadcasts, txn)));

/** If one delivers a and another b, then one of the two delivers both. */
const agreement: Says = ({ replicas }) =>
  forPairs(replicas, (one, other) =>
    one.delivered.every((a) =>
      other.delivered.every((b) => holds(other.delivered, a) || holds(one.delivered, b)),
    ),
  );

/** If one delivers a before b, then whoever delivers b delivers a before. */
const totalOrder: Says = ({ replicas }) =>
  forPairs(replicas, (one, other) =>
    one.delivered.every(
      (b, place) =>
        !holds(other.delivered, b) ||
        one.delivered.slice(0, place).every((a) => precedes(a, b, other.delivered)),
    ),
  );

/** If a primary broadcasts a before b, then whoever delivers b delivers a before. */
const localPrimaryOrder: Says = ({ replicas, broadcasts }) =>
  replicas.every(({ delivered }) =>
    broadcasts.every(
      (b) =>
        !holds(delivered, b) ||
        broadcasts.every((a) => !isBroadcastBefore(a, b) || precedes(a, b, delivered)),
    ),
  );

function isBroadcastBefore(a: Broadcast, b: Broadcast): boolean {
  return a.source === b.source && a.epoch === b.epoch && compareZxids(a.zxid, b.zxid) < 0;
}

/** What a server delivers of an earlier epoch it delivers before anything of a later one. */
const globalPrimaryOrder: Says = ({ replicas }) =>
  replicas.every(({ delivered }) =>
    delivered.every((txn, place) => txn.zxid[0] >= (delivered[place - 1]?.zxid[0] ?? 0)),
  );

/** Before a primary broadcasts it has delivered whatever was delivered of earlier epochs. */
const primaryIntegrity: Says = ({ replicas, delivered }) =>
  replicas.every(
    (primary) =>
      !primary.isBroadcasting ||
      earlierThan(primary.epoch, delivered).every((txn) => holds(primary.delivered, txn)),
  );

// --- what users rely on --------------------------------------------------------------------------

/** An established leader has everything of earlier epochs that anybody ever delivers. */
const leaderLogCompleteness: Says = ({ replicas, delivered }) =>
  replicas.every(
    (primary) =>
      !primary.isBroadcasting ||
      earlierThan(primary.epoch, delivered).every((txn) => holds(primary.history, txn)),
  );

/** Whatever was delivered would survive on a majority of the disks. */
const durability: Says = ({ replicas, delivered }) =>
  delivered.every(
    (txn) => 2 * replicas.filter(({ stable }) => holds(stable, txn)).length > replicas.length,
  );

/** What an epoch was established without is never delivered again. */
const noResurrection: Says = ({ delivered, skipped }) =>
  skipped.every((txn) => !holds(delivered, txn));

/** What a server has delivered it does not take back, as long as it remembers. */
function monotonicRead(before: Ensemble, after: Ensemble): boolean {
  return before.replicas.every(({ delivered }, i) => {
    const now = after.replicas[i]?.delivered ?? [];
    return now.length === 0 || isPrefix(delivered, now);
  });
}

/**
 * No server throws away what it had safely and anybody has delivered, unless it is sent it again.
 */
function committedLogDurability(before: Ensemble, after: Ensemble): boolean {
  return before.replicas.every(({ stable }, i) => {
    const { history = [], coming = [] } = after.replicas[i] ?? {};
    if (isPrefix(stable, history)) return true;
    const lost = stable.filter((txn) => !holds(history, txn) && !holds(coming, txn));
    return lost.every((txn) => !holds(before.delivered, txn));
  });
}

/** The promises as properties of a model whose states look like this. */
export function promises<S>(look: (s: S) => Ensemble): Pick<Spec<S>, 'always' | 'onStep'> {
  const seen = remember(look);
  const always = {
    oneLeaderPerEpoch,
    oneLeaderPerEpochEver,
    processConsistency,
    prefixConsistency,
    integrity,
    agreement,
    totalOrder,
    localPrimaryOrder,
    globalPrimaryOrder,
    primaryIntegrity,
    leaderLogCompleteness,
    durability,
    noResurrection,
  };
  const onStep = { monotonicRead, committedLogDurability };
  const ofState = (holdsIn: Says) => (s: S) => holdsIn(seen(s));
  const ofStep =
    (holdsIn: (before: Ensemble, after: Ensemble) => boolean) =>
    ({ before, after }: Step<S>) =>
      holdsIn(seen(before), seen(after));
  return {
    always: mapValues(always, ofState),
    onStep: mapValues(onStep, ofStep),
  };
}

function mapValues<T, U>(
  entries: Readonly<Record<string, T>>,
  of: (value: T) => U,
): Readonly<Record<string, U>> {
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, of(value)]));
}

/** Every promise looks at the same few states; each is looked at once. */
function remember<S, V>(look: (s: S) => V): (s: S) => V {
  let recent: readonly (readonly [S, V])[] = [];
  return (s) => {
    const known = recent.find(([state]) => state === s);
    if (known !== undefined) return known[1];
    const view = look(s);
    recent = [[s, view], ...recent.slice(0, 2)];
    return view;
  };
}
