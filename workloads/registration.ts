/**
 * Registration: every client is a provider, whose entries are ephemeral, and a consumer, who holds the list
 * of providers. Under faults sessions end, and their entries with them.
 *
 *   f          invoke value   ok value                                               fail
 *   register   —              {name}, zxid = the creation's                          refused
 *   withdraw   —              {name, isExact}, zxid = the deletion's, or after it    NotRegistered, NoNode
 *   watch      {forMs}        {views: [{state: {children, pzxid}, zxid, confirmed}]}
 *   final-read, final-children (key = path)
 *
 * A view is a list as it was read at `zxid`, and still held when a write of the same session had the zxid
 * `confirmed`: no event of the watch had come before that answer. `children` are sorted. All but the
 * last two have the key `services`.
 */
import { checkRegistrationWorkload, providersLost } from '../src/checker/index.ts';
import {
  formatHex,
  type Program,
  type Registration,
  register,
  withdraw,
  zk,
} from '../src/client/index.ts';
import type {
  OperationContext,
  OperationResult,
  PlanOperation,
  Workload,
} from '../src/harness/index.ts';
import {
  ensureNode,
  ensureSyncNodes,
  finalReads,
  numberParam,
  operationsOf,
  planClients,
  watchViews,
} from './shared.ts';

const DIR = '/services';
const KEY = 'services';
const MEMORY = 'providers';
const GAP_MS = 80;
const PACE_MS = 250;
const WATCH_MS = [200, 1200] as const;

/** Names of entries are those of the operations: a name is never used twice. */
function* enter(op: PlanOperation, { memory }: OperationContext): Program<OperationResult> {
  const registration = yield* register(zk, DIR, op.id);
  memory.set(MEMORY, [...providersOf(memory), registration]);
  return { type: 'ok', value: { name: op.id }, zxid: formatHex(registration.zxid) };
}

/** The oldest of the client's own. */
function* leave(_: PlanOperation, { memory }: OperationContext): Program<OperationResult> {
  const [oldest, ...rest] = providersOf(memory);
  if (oldest === undefined) return { type: 'fail', error: 'NotRegistered' };
  memory.set(MEMORY, rest);
  const { outcome, zxid, isExact } = yield* withdraw(zk, oldest);
  const value = { name: oldest.path.slice(DIR.length + 1), isExact };
  const result = { value, zxid: formatHex(zxid) };
  return outcome === 'removed'
    ? { type: 'ok', ...result }
    : { type: 'fail', ...result, error: 'NoNode' };
}

function providersOf(memory: OperationContext['memory']): readonly Registration[] {
  return (memory.get(MEMORY) as readonly Registration[] | undefined) ?? [];
}

function* watch(op: PlanOperation, { client }: OperationContext): Program<OperationResult> {
  const { forMs } = op.value as { readonly forMs: number };
  const views = yield* watchViews(
    client,
    forMs,
    () => zk.getChildren(DIR, true),
    ({ children, stat }) => ({ children: [...children].sort(), pzxid: formatHex(stat.pzxid) }),
  );
  return { type: 'ok', value: { views } };
}

export const registration: Workload = {
  name: 'registration',
  title: 'Providers register as ephemeral nodes, and consumers hold the list of them by watches',
  plan: (params) => ({
    clients: planClients(params, { paceMs: PACE_MS, gapMs: GAP_MS }, ({ prng, more, push }) => {
      while (more()) {
        for (let entries = prng.int(1, 2); entries > 0; entries--)
          push({ f: 'register', key: KEY });
        push({ f: 'watch', key: KEY, value: { forMs: prng.int(...WATCH_MS) } });
        // As many as have entered, in the long run: lists must not grow with the run.
        if (prng.chance(850)) push({ f: 'withdraw', key: KEY });
        if (prng.chance(650)) push({ f: 'withdraw', key: KEY });
      }
    }),
    workloadParams: { clients: params.concurrency },
  }),
  *setup(params) {
    yield* ensureNode(DIR);
    yield* ensureSyncNodes(numberParam(params, 'clients'));
  },
  operation: operationsOf('registration', { register: enter, withdraw: leave, watch }),
  final: () => [...finalReads([DIR]), ...finalReads([DIR], 'final-children')],
  owedKinds: ['register', 'withdraw', 'watch'],
  sometimes: { 'a provider went with its session': providersLost },
  check: checkRegistrationWorkload,
};
