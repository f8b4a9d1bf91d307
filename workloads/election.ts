/**
 * Leader election: clients stand, the leader is recorded and acts, resigns or is lost; everybody asks who
 * leads.
 *
 *   f            invoke value   ok value                                 fail
 *   campaign     —              {token, belief, recorded}                LockTimeout, AlreadyHeld
 *   act          string         {token, belief}                          NotHeld, Deposed
 *   resign       —              {token, belief}                          NotHeld, NoNode
 *   leader       —              {value, mzxid, version}                  no answer
 *   final-read   (key = path)   {value, mzxid, version}
 *   final-children (key = path) {children, cversion, pzxid}
 *
 * The leader's record is the data of `/election`: `<id of its campaign> <token>`. `recorded` is its zxid,
 * `zxid` of an `act` that of its write: a multi with a check of the leader's own queue node, so that in the
 * order of zxids no act of a leader may follow the record of the next. `leader` is a quorum read of the
 * record. Tokens and beliefs are those of fenced-lock.ts. All but the last two have the key `election`.
 */
import { checkElectionWorkload } from '../src/checker/index.ts';
import {
  asLeader,
  campaign,
  formatHex,
  type Leadership,
  type Program,
  part,
  resign,
  ZkError,
  zk,
} from '../src/client/index.ts';
import type {
  OperationContext,
  OperationResult,
  PlanOperation,
  Workload,
} from '../src/harness/index.ts';
import { beliefOf, type Holding, holdingOf, lastBeliefOf, tokenOf } from './holding.ts';
import {
  ensureNode,
  ensureSyncNodes,
  finalReads,
  numberParam,
  operationsOf,
  planClients,
  quorumRead,
  readOrFail,
  registerValue,
} from './shared.ts';

const DIR = '/election';
const STATE = '/election-state';
const KEY = 'election';
const MEMORY = 'leadership';
const GAP_MS = 80;
const CANDIDACY_TIMEOUT_MS = 2500;

function* stand(op: PlanOperation, { memory }: OperationContext): Program<OperationResult> {
  if (memory.has(MEMORY)) return { type: 'fail', error: 'AlreadyHeld' };
  const won = yield* campaign(zk, DIR, { id: op.id, timeoutMs: CANDIDACY_TIMEOUT_MS });
  if (won === undefined) return { type: 'fail', error: 'LockTimeout' };
  const holding = yield* holdingOf(won);
  memory.set(MEMORY, holding);
  const recorded = formatHex(won.recorded);
  const value = { token: tokenOf(holding), belief: yield* beliefOf(holding), recorded };
  return { type: 'ok', value, zxid: recorded };
}

function* act(op: PlanOperation, { memory }: OperationContext): Program<OperationResult> {
  const holding = memory.get(MEMORY) as Holding | undefined;
  if (holding === undefined) return { type: 'fail', error: 'NotHeld' };
  const token = tokenOf(holding);
  try {
    const { zxid } = yield* asLeader(zk, holding.lock, [part.setData(STATE, op.id)]);
    const value = { token, belief: yield* beliefOf(holding) };
    return { type: 'ok', value, zxid: formatHex(zxid) };
  } catch (error) {
    if (!(error instanceof ZkError) || error.code !== 'NoNode') throw error;
    memory.delete(MEMORY);
    return { type: 'fail', error: 'Deposed' };
  }
}

function* stepDown(_: PlanOperation, { memory }: OperationContext): Program<OperationResult> {
  const holding = memory.get(MEMORY) as Holding<Leadership> | undefined;
  if (holding === undefined) return { type: 'fail', error: 'NotHeld' };
  memory.delete(MEMORY);
  const belief = yield* lastBeliefOf(holding);
  const outcome = yield* resign(zk, holding.lock);
  const value = { token: tokenOf(holding), belief };
  return outcome === 'released' ? { type: 'ok', value } : { type: 'fail', value, error: 'NoNode' };
}

export const election: Workload = {
  name: 'election',
  title: 'Leader election: recorded leaders act by writes that are fenced in ZooKeeper itself',
  plan: (params) => ({
    clients: planClients(params, { paceMs: GAP_MS, gapMs: GAP_MS }, ({ prng, more, push }) => {
      while (more()) {
        push({ f: 'campaign', key: KEY });
        for (let acts = prng.int(1, 4); acts > 0; acts--) {
          push({ f: 'act', key: KEY });
          if (prng.chance(300)) push({ f: 'leader', key: KEY });
        }
        push({ f: 'resign', key: KEY });
        push({ f: 'leader', key: KEY });
      }
    }),
    workloadParams: { clients: params.concurrency },
  }),
  *setup(params) {
    yield* ensureNode(DIR);
    yield* ensureNode(STATE);
    yield* ensureSyncNodes(numberParam(params, 'clients'));
  },
  operation: operationsOf('election', {
    campaign: stand,
    act,
    resign: stepDown,
    leader: (op, { client }) =>
      readOrFail(function* () {
        const node = yield* quorumRead(DIR, client, op.id);
        return { type: 'ok', value: registerValue(node), zxid: formatHex(node.zxid) };
      }),
  }),
  final: () => [...finalReads([DIR, STATE]), ...finalReads([DIR], 'final-children')],
  owedKinds: ['campaign', 'act', 'resign', 'leader'],
  check: checkElectionWorkload,
};
