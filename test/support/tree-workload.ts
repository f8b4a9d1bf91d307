/**
 * A workload of everything that a client can ask: nodes that come and go, ephemerals, sequences, multis,
 * watches that are left and awaited, syncs, sessions that end. It has no checker of its own: its runs are
 * judged by the contract.
 */
import { type Program, part, ZkError, zk } from '../../src/client/index.ts';
import type { PlanClient, PlanOperation } from '../../src/harness/plan.ts';
import type {
  OperationContext,
  OperationResult,
  Workload,
  WorkloadParams,
} from '../../src/harness/workload.ts';
import { ensureNode } from '../../workloads/shared.ts';

const GAP_MS = 60;
const kinds = [
  ...['set', 'set', 'set', 'get', 'get', 'exists', 'children', 'watch-data', 'watch-data'],
  ...['watch-children', 'watch-exists', 'create', 'create', 'delete', 'delete', 'ephemeral'],
  ...[
    'ephemeral',
    'queue',
    'queue',
    'dequeue',
    'multi',
    'multi',
    'multi-fail',
    'sync',
    'both',
    'watch-all',
  ],
];

function plan(
  params: WorkloadParams,
  watchers: number,
): {
  readonly clients: readonly PlanClient[];
  readonly workloadParams: Readonly<Record<string, number>>;
} {
  const count = Math.min(2000, Math.ceil(params.timeLimitMs / (GAP_MS / 2)));
  const clients = Array.from({ length: params.concurrency }, (_, id) => {
    const prng = params.prng(`workload/client/${id}`);
    const ops = Array.from({ length: count }, (_op, index): PlanOperation => {
      const isLast = index % 40 === 39;
      const any = id < watchers ? 'watch-all' : (kinds[prng.int(0, kinds.length - 1)] as string);
      const f = isLast ? 'bye' : any;
      return { id: `c${id}-${index}`, after: prng.int(0, GAP_MS), f };
    });
    return { id, ops };
  });
  return { clients, workloadParams: {} };
}

function* setup(): Program<void> {
  for (const path of ['/t', '/t/q', '/t/m', '/t/m/1', '/t/m/2']) yield* ensureNode(path, 'first');
  for (const name of ['a', 'b', 'c']) yield* ensureNode(`/t/${name}`, `first ${name}`);
}

function* operation(
  op: PlanOperation,
  context: OperationContext,
  awaitMs: number,
): Program<OperationResult> {
  try {
    yield* perform(op, context, awaitMs);
    return { type: 'ok' };
  } catch (error) {
    if (!(error instanceof ZkError) || !error.definite) throw error;
    return { type: 'fail', error: error.code };
  }
}

function* perform(op: PlanOperation, { prng }: OperationContext, awaitMs: number): Program<void> {
  const name = ['a', 'b', 'c', 'd', 'e'][prng.int(0, 4)] as string;
  const path = `/t/${name}`;
  switch (op.f) {
    case 'set':
      yield* zk.setData(path, op.id, prng.chance(300) ? prng.int(0, 5) : -1);
      return;
    case 'get':
      yield* zk.getData(path);
      return;
    case 'exists':
      yield* zk.exists(`${path}/eph`);
      return;
    case 'children':
      yield* zk.getChildren(prng.chance(500) ? '/t' : '/t/q');
      return;
    case 'create':
      yield* zk.create(path, op.id);
      return;
    case 'delete':
      yield* zk.delete(path, prng.chance(300) ? prng.int(0, 3) : -1);
      return;
    case 'ephemeral':
      yield* zk.create(`${path}/eph`, op.id, { mode: 'ephemeral' });
      return;
    case 'queue': {
      const mode = prng.chance(500) ? 'ephemeralSequential' : 'persistentSequential';
      yield* zk.create('/t/q/n-', op.id, { mode });
      return;
    }
    case 'dequeue': {
      const { children } = yield* zk.getChildren('/t/q');
      const first = [...children].sort()[0];
      if (first !== undefined) yield* zk.delete(`/t/q/${first}`);
      return;
    }
    case 'multi':
      yield* zk.multi([
        part.setData('/t/m/1', op.id),
        part.create('/t/m/both', op.id),
        part.delete('/t/m/both'),
        part.setData('/t/m/2', op.id),
      ]);
      return;
    case 'multi-fail':
      yield* zk.multi([part.setData('/t/m/1', op.id), part.check(path, 1000)]);
      return;
    case 'both':
      yield* zk.getData('/t/m/1');
      yield* zk.getData('/t/m/2');
      return;
    case 'sync':
      yield* zk.sync('/t');
      yield* zk.getData('/t/m/1');
      return;
    case 'watch-data':
      yield* zk.awaitWatch((yield* zk.getData(path, true)).watch, awaitMs);
      return;
    case 'watch-exists':
      yield* zk.awaitWatch((yield* zk.exists(`${path}/eph`, true)).watch, awaitMs);
      return;
    case 'watch-children':
      yield* zk.awaitWatch(
        (yield* zk.getChildren(prng.chance(500) ? path : '/t/q', true)).watch,
        awaitMs,
      );
      return;
    case 'watch-all': {
      // Everything that others change, and then one that nobody does: a long look.
      for (const at of ['/t/m/1', '/t/m/2', path]) yield* zk.exists(at, true);
      yield* zk.getChildren('/t/q', true);
      yield* zk.exists(`${path}/eph`, true);
      yield* zk.awaitWatch((yield* zk.getChildren('/t/m/1', true)).watch, awaitMs);
      return;
    }
    case 'bye':
      yield { call: 'request', request: { op: 'close' } };
      return;
    default:
      throw new Error(`unknown operation ${op.f}`);
  }
}

/** `awaitMs`: how long a client waits for its watch to fire; `watchers`: clients that only watch. */
export function treeWorkload(awaitMs = 400, watchers = 0): Workload {
  return {
    name: 'tree',
    title: 'Everything that a client can ask, on a small tree',
    plan: (params) => plan(params, watchers),
    setup,
    operation: (op, context) => operation(op, context, awaitMs),
    final: () => [{ id: 'final', f: 'sync' }],
    owedKinds: [],
    check: () => [],
  };
}
