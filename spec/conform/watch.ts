/**
 * Every promise of the model, evaluated at every step, at a cost that does not grow with the run.
 *
 * Two steps are taken for nearly every event: a transaction is logged, a transaction is applied. What they
 * can break is looked up for that one transaction, by its place. Of the other steps, those that can
 * break anything are rare; for them all promises are evaluated as they are written in `broadcast.ts`, on a
 * view that is made small first (`thin.ts`).
 */
import type { Step } from '../kernel/model.ts';
import { type Ensemble, promises } from '../models/zab/broadcast.ts';
import { holds, sameTxn, type Txn } from '../models/zab/history.ts';
import { ensembleOf } from '../models/zab/system-properties.ts';
import {
  isConnected,
  type Server,
  type Sid,
  type State,
  sidsOf,
} from '../models/zab/system-state.ts';
import { placeOf } from './ensemble-model.ts';
import { thin } from './thin.ts';

/** The steps after which something may be broken that was not before, but for the two of every day. */
const telling: ReadonlySet<string> = new Set([
  'Recovered',
  'CurrentEpochSaved',
  'Truncated',
  'SnapshotInstalled',
  'NewLeaderAcked',
  'LeaderEstablished',
  'LearnerActivated',
]);

interface View {
  readonly ensemble: Ensemble;
}

const whole = promises<View>(({ ensemble }) => ensemble);

export class Watch {
  /** How often all promises were evaluated, and how often those of one transaction. */
  wholeCount = 0;
  singleCount = 0;

  /** Names of the promises that this step breaks. */
  broken(step: Step<State>): readonly string[] {
    const i = step.params.i as Sid;
    if (step.action === 'ProposalLogged') return this.#logged(step.after, i);
    const isDelivered = step.action === 'TxnApplied' && step.after.servers[i].phase === 'broadcast';
    if (isDelivered) return this.#applied(step.after, i);
    return telling.has(step.action) ? this.#evaluate(step) : [];
  }

  #evaluate(step: Step<State>): readonly string[] {
    this.wholeCount++;
    const views = thin([ensembleOf(step.before), ensembleOf(step.after)]);
    const [before, after] = views.map((ensemble) => ({ ensemble })) as [View, View];
    const broken: string[] = [];
    for (const [name, says] of Object.entries(whole.always ?? {})) {
      if (!says(after)) broken.push(name);
    }
    for (const [name, says] of Object.entries(whole.onStep ?? {})) {
      if (!says({ ...step, before, after })) broken.push(name);
    }
    return broken;
  }

  /** The last transaction of the log, which was just put there. */
  #logged(s: State, i: Sid): readonly string[] {
    this.singleCount++;
    const server = s.servers[i];
    const { leader, log } = server;
    const primary = leader === null ? undefined : s.servers[leader];
    if (primary === undefined || !isItsLeader(primary, server, i)) return [];
    const place = log.length;
    const other = txnAt(primary, place);
    const txn = log[place - 1];
    const isEqual = txn !== undefined && other !== undefined && sameTxn(txn, other);
    return isEqual ? [] : ['processConsistency'];
  }

  /** The transaction that i has just delivered. */
  #applied(s: State, i: Sid): readonly string[] {
    this.singleCount++;
    const { applied, log } = s.servers[i];
    const txn = log[applied - 1];
    if (txn === undefined) return ['integrity'];
    const sids = sidsOf(s);
    const [epoch, counter] = txn.zxid;
    const last = log[applied - 2];
    const broken: string[] = [];
    const isAgreed = sids.every((j) => {
      const { applied: reach, log: history, phase } = s.servers[j];
      return phase !== 'broadcast' || reach < applied || isAt(history, applied, txn);
    });
    if (!isAgreed) broken.push('prefixConsistency', 'agreement', 'totalOrder');
    if (last !== undefined && last.zxid[0] > epoch) broken.push('globalPrimaryOrder');
    const isNext = last?.zxid[0] === epoch ? last.zxid[1] === counter - 1 : counter === 1;
    if (!isNext) broken.push('localPrimaryOrder');
    if (!isBroadcast(s, txn)) broken.push('integrity');
    const later = sids.map((j) => s.servers[j]).filter((server) => leadsAfter(server, epoch));
    if (later.some((server) => !isHeld(server, txn, server.applied))) {
      broken.push('primaryIntegrity');
    }
    if (later.some((server) => !isHeld(server, txn, server.log.length))) {
      broken.push('leaderLogCompleteness');
    }
    const stable = sids.filter((j) => isHeld(s.servers[j], txn, s.servers[j].flushed));
    if (2 * stable.length <= sids.length) broken.push('durability');
    if (holds(s.skipped, txn)) broken.push('noResurrection');
    return broken;
  }
}

/** As the promises see it: the leader whose history its own must be a prefix of. */
function isItsLeader(primary: Server, server: Server, i: Sid): boolean {
  const isCurrent =
    primary.role === 'leading' && primary.epoch === server.epoch && primary.handlers[i] !== null;
  return isCurrent && isConnected(server, server.leader as Sid);
}

/** What a leader has at a place, logged or under way. */
function txnAt({ applied, log, pending }: Server, place: number): Txn | undefined {
  return place <= applied ? log[place - 1] : pending[place - applied - 1]?.txn;
}

function isAt(history: readonly Txn[], place: number, txn: Txn): boolean {
  const other = history[place - 1];
  return other !== undefined && sameTxn(other, txn);
}

const leadsAfter = ({ epoch, phase, role }: Server, before: number): boolean =>
  role === 'leading' && phase === 'broadcast' && epoch > before;

function isHeld(server: Server, txn: Txn, upTo: number): boolean {
  const place = placeOf(server, txn.zxid);
  return place > 0 && place <= upTo && isAt(server.log, place, txn);
}

/** The newest are asked for first. */
function isBroadcast({ broadcasts }: State, txn: Txn): boolean {
  return broadcasts.findLast((other) => sameTxn(other, txn)) !== undefined;
}
