/**
 * An exclusive lock that guards a store outside ZooKeeper. A client acquires, stores a few times with
 * pauses between, and releases. Each store carries the fencing token; the store accepts a token unless it
 * has seen a larger one.
 *
 *   f            invoke value   ok value                                 fail
 *   acquire      —              {token, belief}                          LockTimeout, AlreadyHeld
 *   store        {blind}        {token, accepted, highest, belief}       NotHeld, BeliefEnded
 *   release      —              {token, belief}                          NotHeld, NoNode
 *   final-read   (key = path)   {value, mzxid, version}
 *   final-children (key = path) {children, cversion, pzxid}
 *
 * Tokens are hex: the czxid of the holder's queue node. All but the last two have the key `lock`.
 *
 * `belief` is {fromMs, untilMs} on the client's monotonic clock: from the acquisition until when the
 * client may believe that its session lives, counted from when it *sent* what was answered last, not from
 * the answer, less a margin. That belief is honest but no proof: a follower that is cut off from the
 * leader goes on answering pings that the leader never hears of, until it notices.
 *
 * An `ok` release is a proof: its delete found the holder's own node, so that the lock was held from the
 * acquisition up to the invocation of the release, which is what `belief` says there. Two proven holds
 * that overlap, or a token accepted after a larger one was granted and before its own proven release,
 * are violations without excuse. A `blind` store does not ask its belief first, as a client that was
 * paused just before would not either; the others stop at the end of their belief.
 */
import { checkLockWorkload } from '../src/checker/workload-checks.ts';
import {
  acquireLock,
  formatHex,
  type HeldLock,
  type Program,
  releaseLock,
  zk,
} from '../src/client/index.ts';
import type { Evidence } from '../src/harness/evidence.ts';
import type { PlanClient, PlanOperation } from '../src/harness/plan.ts';
import type {
  OperationContext,
  OperationResult,
  Workload,
  WorkloadParams,
} from '../src/harness/workload.ts';
import {
  ensureNode,
  finalRead,
  finalReads,
  keyOf,
  operationCount,
  type Params,
  unknownOperation,
} from './shared.ts';

const DIR = '/lock';
const KEY = 'lock';
const STORE = 'fenced-store';
const MEMORY = 'lock';
const GAP_MS = 80;
/** How long to queue before an acquisition gives up and leaves the queue. */
const QUEUE_TIMEOUT_MS = 2500;
/** Part of the session timeout by which a belief ends early. */
const MARGIN_SHARE = 4;

interface Belief {
  readonly fromMs: number;
  readonly untilMs: number;
}
interface Holding {
  readonly lock: HeldLock;
  readonly fromMs: number;
}

function plan(params: WorkloadParams): {
  readonly clients: readonly PlanClient[];
  readonly workloadParams: Params;
} {
  const clients: PlanClient[] = [];
  for (let client = 0; client < params.concurrency; client++) {
    clients.push({ id: client, ops: planClient(params, client) });
  }
  return { clients, workloadParams: { clients: params.concurrency } };
}

function planClient(params: WorkloadParams, client: number): PlanOperation[] {
  const prng = params.prng(`workload/client/${client}`);
  const count = operationCount(params, GAP_MS);
  const ops: PlanOperation[] = [];
  const push = (f: string, value?: unknown): void => {
    const op = { id: `c${client}-${ops.length}`, after: prng.int(0, GAP_MS), f, key: KEY };
    ops.push(value === undefined ? op : { ...op, value });
  };
  while (ops.length < count) {
    push('acquire');
    for (let stores = prng.int(1, 3); stores > 0; stores--) {
      push('store', { blind: prng.chance(250) });
    }
    push('release');
  }
  return ops;
}

function* setup(): Program<void> {
  yield* ensureNode(DIR);
}

function* operation(op: PlanOperation, context: OperationContext): Program<OperationResult> {
  switch (op.f) {
    case 'acquire':
      return yield* acquire(op, context);
    case 'store':
      return yield* store(op, context);
    case 'release':
      return yield* release(context);
    case 'final-read':
      return yield* finalRead(keyOf(op));
    case 'final-children':
      return yield* finalChildren(keyOf(op));
    default:
      throw unknownOperation('lock', op);
  }
}

function* acquire(op: PlanOperation, { memory }: OperationContext): Program<OperationResult> {
  if (memory.has(MEMORY)) return { type: 'fail', error: 'AlreadyHeld' };
  const lock = yield* acquireLock(zk, DIR, { id: op.id, timeoutMs: QUEUE_TIMEOUT_MS });
  if (lock === undefined) return { type: 'fail', error: 'LockTimeout' };
  const holding: Holding = { lock, fromMs: yield* zk.now() };
  memory.set(MEMORY, holding);
  return {
    type: 'ok',
    value: { token: tokenOf(holding), belief: yield* beliefOf(holding) },
    zxid: tokenOf(holding),
  };
}

function* store(op: PlanOperation, { memory }: OperationContext): Program<OperationResult> {
  const holding = memory.get(MEMORY) as Holding | undefined;
  if (holding === undefined) return { type: 'fail', error: 'NotHeld' };
  const isBlind = (op.value as { readonly blind?: boolean } | undefined)?.blind === true;
  const { untilMs } = yield* beliefOf(holding);
  if (!isBlind && (yield* zk.now()) >= untilMs) return { type: 'fail', error: 'BeliefEnded' };
  const token = tokenOf(holding);
  const answer = (yield* zk.external(STORE, { token, value: op.id })) as StoreAnswer;
  return { type: 'ok', value: { token, ...answer, belief: yield* beliefOf(holding) } };
}

function* release({ memory }: OperationContext): Program<OperationResult> {
  const holding = memory.get(MEMORY) as Holding | undefined;
  if (holding === undefined) return { type: 'fail', error: 'NotHeld' };
  // From here on the client acts as if it had lost the lock, whatever becomes of the delete.
  memory.delete(MEMORY);
  const belief: Belief = { fromMs: holding.fromMs, untilMs: yield* zk.now() };
  const outcome = yield* releaseLock(zk, holding.lock);
  const value = { token: tokenOf(holding), belief };
  return outcome === 'released' ? { type: 'ok', value } : { type: 'fail', value, error: 'NoNode' };
}

function tokenOf({ lock }: Holding): string {
  return formatHex(lock.fence);
}

function* beliefOf({ fromMs }: Holding): Program<Belief> {
  const { lastAnsweredSendMs, negotiatedTimeoutMs } = yield* zk.session();
  const marginMs = Math.floor(negotiatedTimeoutMs / MARGIN_SHARE);
  return { fromMs, untilMs: lastAnsweredSendMs + negotiatedTimeoutMs - marginMs };
}

function* finalChildren(path: string): Program<OperationResult> {
  yield* zk.sync(path);
  const { children, stat, zxid } = yield* zk.getChildren(path);
  const { cversion } = stat;
  const value = { children: [...children].sort(), cversion, pzxid: formatHex(stat.pzxid) };
  return { type: 'ok', value, zxid: formatHex(zxid) };
}

interface StoreAnswer {
  readonly accepted: boolean;
  readonly highest: string;
}

/** The store knows nothing of ZooKeeper: it only refuses a token smaller than the largest it has seen. */
function fencedStore(): (value: unknown) => StoreAnswer {
  let highest = 0n;
  return (value) => {
    const token = BigInt((value as { readonly token: string }).token);
    const accepted = token >= highest;
    if (accepted) highest = token;
    return { accepted, highest: formatHex(highest) };
  };
}

export const lock: Workload = {
  name: 'lock',
  title: 'An exclusive lock whose holders write to a separate fenced store',
  plan,
  setup,
  operation,
  final: () => [
    ...finalReads([DIR]),
    { id: `final-children${DIR}`, f: 'final-children', key: DIR },
  ],
  services: () => new Map([[STORE, fencedStore()]]),
  owedKinds: ['acquire', 'store', 'release'],
  check: (evidence: Evidence) => checkLockWorkload(evidence),
};
