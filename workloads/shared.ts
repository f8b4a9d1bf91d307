/** What the workloads have in common: preparing nodes, quorum reads, reads of the final phase. */
import {
  type Bytes,
  formatHex,
  type NodeData,
  type Program,
  toText,
  ZkError,
  zk,
} from '../src/client/index.ts';
import type { PlanOperation } from '../src/harness/plan.ts';
import type { OperationResult, WorkloadParams } from '../src/harness/workload.ts';

export type Params = Readonly<Record<string, number | string>>;

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

export function finalReads(paths: readonly string[]): readonly PlanOperation[] {
  return paths.map((path) => ({ id: `final${path}`, f: 'final-read', key: path }));
}

/** `sync` first: a server that is merely behind is not one that lost something. */
export function* finalRead(path: string): Program<OperationResult> {
  yield* zk.sync(path);
  const node = yield* zk.getData(path);
  return { type: 'ok', value: registerValue(node), zxid: formatHex(node.zxid) };
}

/** Operations that fill a client's time when each takes about `paceMs`, with bounds for extremes. */
export function operationCount(params: WorkloadParams, paceMs: number): number {
  return Math.min(20_000, Math.max(20, Math.ceil(params.timeLimitMs / paceMs)));
}

export function unknownOperation(workload: string, operation: PlanOperation): Error {
  return new Error(`the ${workload} workload has no operation "${operation.f}"`);
}

export function keyOf(operation: PlanOperation): string {
  if (operation.key === undefined) throw new Error(`operation ${operation.id} needs a key`);
  return operation.key;
}
