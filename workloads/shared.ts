/**
 * What the workloads have in common: drawing plans, preparing nodes, quorum reads, watching, and the reads
 * of the final phase.
 */
import {
  type Answer,
  type Bytes,
  formatHex,
  type NodeData,
  observe,
  type Program,
  toText,
  type Watched,
  ZkError,
  zk,
} from '../src/client/index.ts';
import type {
  OperationResult,
  PlanClient,
  PlanOperation,
  Workload,
  WorkloadParams,
} from '../src/harness/index.ts';

export type Params = Readonly<Record<string, number | string>>;
type Prng = ReturnType<WorkloadParams['prng']>;

/** The operations of one client while they are drawn. */
export interface Draft {
  readonly client: number;
  readonly prng: Prng;
  /** False once they fill the client's time. */
  more(): boolean;
  readonly ops: readonly PlanOperation[];
  /** Adds one under the next id of the client, `after` milliseconds drawn from the gap if not given. */
  push(op: Omit<PlanOperation, 'id'>): void;
}

/** Every client's operations from a stream of its own, each taking about `paceMs` with the gap before it. */
export function planClients(
  params: WorkloadParams,
  { paceMs, gapMs }: { readonly paceMs: number; readonly gapMs: number },
  draw: (draft: Draft) => void,
): readonly PlanClient[] {
  const count = operationCount(params, paceMs);
  return Array.from({ length: params.concurrency }, (_, client) => {
    const prng = params.prng(`workload/client/${client}`);
    const ops: PlanOperation[] = [];
    const push: Draft['push'] = (op) => {
      ops.push({ id: `c${client}-${ops.length}`, after: prng.int(0, gapMs), ...op });
    };
    draw({ client, prng, more: () => ops.length < count, ops, push });
    return { id: client, ops };
  });
}

type Operations = Readonly<
  Record<string, (...args: Parameters<Workload['operation']>) => Program<OperationResult>>
>;

/** One program per kind of operation; the reads of the final phase are every workload's. */
export function operationsOf(name: string, operations: Operations): Workload['operation'] {
  const all: Operations = {
    ...operations,
    'final-read': (op) => finalRead(keyOf(op)),
    'final-children': (op) => finalChildren(keyOf(op)),
  };
  return (op, context) => {
    const run = all[op.f];
    if (run === undefined) throw new Error(`the ${name} workload has no operation "${op.f}"`);
    return run(op, context);
  };
}

export const SYNC_DIR = '/sync';

export function numberParam(params: Params, name: string): number {
  const value = params[name];
  if (typeof value !== 'number') throw new Error(`the plan has no number "${name}"`);
  return value;
}

/** Creates the node unless it is there; safe to repeat. */
export function* ensureNode(path: string, data: Bytes = null): Program<void> {
  for (;;) {
    try {
      yield* zk.create(path, data);
      return;
    } catch (error) {
      if (error instanceof ZkError && error.code === 'NodeExists') return;
      if (!(error instanceof ZkError) || error.code !== 'ConnectionLoss') throw error;
      yield* zk.connected();
    }
  }
}

/** One node per client for `quorumRead` to write to. */
export function* ensureSyncNodes(clients: number): Program<void> {
  yield* ensureNode(SYNC_DIR);
  for (let client = 0; client < clients; client++) yield* ensureNode(`${SYNC_DIR}/${client}`);
}

/**
 * A linearizable read: first a write of the same session, then the read. The server that answers the
 * read has applied that write, hence everything that was committed before it; a server that has not is
 * refused at reconnection, because the client has seen the write's zxid.
 */
export function* quorumRead(path: string, client: number, mark: string): Program<NodeData> {
  yield* zk.setData(`${SYNC_DIR}/${client}`, mark);
  return yield* zk.getData(path);
}

/**
 * A read changes nothing, so one that got no answer certainly had no effect. The end of the session is
 * passed on: more than this operation hangs on it.
 */
export function* readOrFail(read: () => Program<OperationResult>): Program<OperationResult> {
  try {
    return yield* read();
  } catch (error) {
    if (!(error instanceof ZkError) || error.code === 'SessionExpired') throw error;
    return { type: 'fail', error: error.code };
  }
}

export function registerValue({ data, stat }: NodeData): {
  readonly value: string | null;
  readonly mzxid: string;
  readonly version: number;
} {
  return { value: toText(data), mzxid: formatHex(stat.mzxid), version: stat.version };
}

/** A read by `f` of each path, to be done on every server. */
export function finalReads(
  paths: readonly string[],
  f: 'final-read' | 'final-children' = 'final-read',
): readonly PlanOperation[] {
  const prefix = f === 'final-read' ? 'final' : f;
  return paths.map((path) => ({ id: `${prefix}${path}`, f, key: path }));
}

/** `sync` first: a server that is merely behind is not one that lost something. */
function* finalRead(path: string): Program<OperationResult> {
  yield* zk.sync(path);
  const node = yield* zk.getData(path);
  return { type: 'ok', value: registerValue(node), zxid: formatHex(node.zxid) };
}

function* finalChildren(path: string): Program<OperationResult> {
  yield* zk.sync(path);
  const { children, stat, zxid } = yield* zk.getChildren(path);
  const { cversion } = stat;
  const value = { children: [...children].sort(), cversion, pzxid: formatHex(stat.pzxid) };
  return { type: 'ok', value, zxid: formatHex(zxid) };
}

/** A state that a watcher held: read at `zxid`, and last confirmed by a write at `confirmed`. */
export interface View<T> {
  readonly state: T;
  readonly zxid: string;
  readonly confirmed?: string;
}

const CONFIRM_EVERY_MS = 150;

/** Watches for a while; the answer tells every state that was held, in order. */
export function* watchViews<A extends Watched<Answer>, T>(
  client: number,
  durationMs: number,
  read: () => Program<A>,
  stateOf: (answer: A) => T,
): Program<readonly View<T>[]> {
  const views: View<T>[] = [];
  yield* observe(
    zk,
    read,
    {
      changed: (answer) => views.push({ state: stateOf(answer), zxid: formatHex(answer.zxid) }),
      confirmed: (zxid) => {
        const held = views.pop();
        if (held !== undefined) views.push({ ...held, confirmed: formatHex(zxid) });
      },
    },
    {
      durationMs,
      confirmEveryMs: CONFIRM_EVERY_MS,
      confirm: () => zk.setData(`${SYNC_DIR}/${client}`, null),
    },
  );
  return views;
}

/** Operations that fill a client's time when each takes about `paceMs`, with bounds for extremes. */
function operationCount(params: WorkloadParams, paceMs: number): number {
  return Math.min(20_000, Math.max(20, Math.ceil(params.timeLimitMs / paceMs)));
}

export function keyOf(operation: PlanOperation): string {
  if (operation.key === undefined) throw new Error(`operation ${operation.id} needs a key`);
  return operation.key;
}
