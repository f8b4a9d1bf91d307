/**
 * A lock that guards a store outside ZooKeeper. A client acquires, uses the store a few times with pauses
 * between, and releases. Each use carries the fencing token. The store refuses what is stale: to store
 * under a token smaller than one that it has seen, to load under one smaller than one that stored.
 *
 *   f                  invoke value   ok value                                 fail
 *   acquire…           —              {token, belief}                          LockTimeout, AlreadyHeld
 *   store, load        {blind}        {token, accepted, highest, belief}       NotHeld, BeliefEnded
 *   release            —              {token, belief}                          NotHeld, NoNode
 *   final-read         (key = path)   {value, mzxid, version}
 *   final-children     (key = path)   {children, cversion, pzxid}
 *
 * `acquire` and `acquire-exclusive` ask for the lock alone, `acquire-shared` together with other shared
 * holders, who only load. Tokens are hex: the czxid of the holder's queue node. All but the last two
 * have the workload's name as their key.
 *
 * `belief` is {fromMs, untilMs} on the client's monotonic clock: from the acquisition until when the
 * client may believe that its session lives, counted from when it *sent* what was answered last, not from
 * the answer, less a margin. That belief is honest but no proof: a follower that is cut off from the
 * leader goes on answering pings that the leader never hears of, until it notices.
 *
 * An `ok` release is a proof: its delete found the holder's own node, so that the lock was held from the
 * acquisition up to the invocation of the release, which is what `belief` says there. Two proven holds
 * that overlap, or a token accepted after a larger one was granted and before its own proven release,
 * are violations without excuse. A `blind` use does not ask its belief first, as a client that was
 * paused just before would not either; the others stop at the end of their belief.
 */
import { checkLockWorkload } from '../src/checker/index.ts';
import {
  acquireLock,
  formatHex,
  type LockMode,
  type Program,
  releaseLock,
  zk,
} from '../src/client/index.ts';
import type {
  OperationContext,
  OperationResult,
  PlanOperation,
  Workload,
} from '../src/harness/index.ts';
import { beliefOf, type Holding, holdingOf, lastBeliefOf, tokenOf } from './holding.ts';
import { type Draft, ensureNode, finalReads, operationsOf, planClients } from './shared.ts';

const STORE = 'fenced-store';
const MEMORY = 'lock';
const GAP_MS = 80;
/** How long to queue before an acquisition gives up and leaves the queue. */
const QUEUE_TIMEOUT_MS = 2500;

export interface FencedLock {
  readonly name: string;
  readonly title: string;
  /** How each kind of acquisition asks for the lock. */
  readonly acquisitions: Readonly<Record<string, LockMode>>;
  readonly sometimes?: NonNullable<Workload['sometimes']>;
}

type Use = 'store' | 'load';

export function fencedLock({ name, title, acquisitions, sometimes }: FencedLock): Workload {
  const dir = `/${name}`;
  const hasShared = Object.values(acquisitions).includes('shared');
  return {
    name,
    title,
    plan: (params) => ({
      clients: planClients(params, { paceMs: GAP_MS, gapMs: GAP_MS }, (draft) =>
        drawClient(draft, name, acquisitions),
      ),
      workloadParams: { clients: params.concurrency },
    }),
    setup: () => ensureNode(dir),
    operation: operationsOf(name, {
      ...Object.fromEntries(
        Object.entries(acquisitions).map(([f, mode]) => [
          f,
          (op: PlanOperation, context: OperationContext) => acquire(dir, mode, op, context),
        ]),
      ),
      store: (op, context) => use('store', op, context),
      ...(hasShared ? { load: (op, context) => use('load', op, context) } : {}),
      release,
    }),
    final: () => [...finalReads([dir]), ...finalReads([dir], 'final-children')],
    services: () => new Map([[STORE, fencedStore()]]),
    owedKinds: [...Object.keys(acquisitions), 'store', ...(hasShared ? ['load'] : []), 'release'],
    ...(sometimes === undefined ? {} : { sometimes }),
    check: checkLockWorkload,
  };
}

function drawClient(
  { prng, more, push }: Draft,
  key: string,
  acquisitions: FencedLock['acquisitions'],
): void {
  while (more()) {
    const f = prng.pick(Object.keys(acquisitions));
    push({ f, key });
    for (let uses = prng.int(1, 3); uses > 0; uses--) {
      const value = { blind: prng.chance(250) };
      push({ f: acquisitions[f] === 'shared' ? 'load' : 'store', key, value });
    }
    push({ f: 'release', key });
  }
}

function* acquire(
  dir: string,
  mode: LockMode,
  op: PlanOperation,
  { memory }: OperationContext,
): Program<OperationResult> {
  if (memory.has(MEMORY)) return { type: 'fail', error: 'AlreadyHeld' };
  const lock = yield* acquireLock(zk, dir, { id: op.id, mode, timeoutMs: QUEUE_TIMEOUT_MS });
  if (lock === undefined) return { type: 'fail', error: 'LockTimeout' };
  const holding = yield* holdingOf(lock);
  memory.set(MEMORY, holding);
  const token = tokenOf(holding);
  return { type: 'ok', value: { token, belief: yield* beliefOf(holding) }, zxid: token };
}

function* use(
  kind: Use,
  op: PlanOperation,
  { memory }: OperationContext,
): Program<OperationResult> {
  const holding = memory.get(MEMORY) as Holding | undefined;
  if (holding === undefined) return { type: 'fail', error: 'NotHeld' };
  const isBlind = (op.value as { readonly blind?: boolean } | undefined)?.blind === true;
  const { untilMs } = yield* beliefOf(holding);
  if (!isBlind && (yield* zk.now()) >= untilMs) return { type: 'fail', error: 'BeliefEnded' };
  const token = tokenOf(holding);
  const answer = (yield* zk.external(STORE, { use: kind, token, value: op.id })) as StoreAnswer;
  return { type: 'ok', value: { token, ...answer, belief: yield* beliefOf(holding) } };
}

function* release(_: PlanOperation, { memory }: OperationContext): Program<OperationResult> {
  const holding = memory.get(MEMORY) as Holding | undefined;
  if (holding === undefined) return { type: 'fail', error: 'NotHeld' };
  // From here on the client acts as if it had lost the lock, whatever becomes of the delete.
  memory.delete(MEMORY);
  const belief = yield* lastBeliefOf(holding);
  const outcome = yield* releaseLock(zk, holding.lock);
  const value = { token: tokenOf(holding), belief };
  return outcome === 'released' ? { type: 'ok', value } : { type: 'fail', value, error: 'NoNode' };
}

interface StoreAnswer {
  readonly accepted: boolean;
  /** What the token was compared with. */
  readonly highest: string;
}

/** The store knows nothing of ZooKeeper: it only compares tokens with those that it has seen. */
function fencedStore(): (value: unknown) => StoreAnswer {
  let seen = 0n;
  let stored = 0n;
  return (value) => {
    const { use: kind, token: text } = value as { readonly use: Use; readonly token: string };
    const token = BigInt(text);
    const bound = kind === 'load' ? stored : seen;
    const accepted = token >= bound;
    if (accepted && token > seen) seen = token;
    if (accepted && kind === 'store') stored = token;
    return { accepted, highest: formatHex(accepted ? token : bound) };
  };
}
