/** Writes the journal of all sessions of a run: what clients observe, in the words of the checkers. */
import { textOfBytes } from '../base/latin1.ts';
import { formatHex } from '../base/zxid.ts';
import type {
  JournalRecord,
  JournalReply,
  JournalRequest,
  MultiPart,
  NodeStat,
  PlainWrite,
  WatchEventName,
} from '../checker/zookeeper/journal.ts';
import { ZkError, type ZkReply } from '../client/core/program.ts';
import type {
  ObservedRequest,
  SessionObservation,
  SessionObserver,
} from '../client/core/session-observation.ts';
import {
  type Acl,
  CreateMode,
  type MultiOperation,
  type MultiResult,
  type Stat,
  WatchEventType,
} from '../wire/client.ts';
import { errorName } from '../wire/error-code.ts';
import type { World } from './world/world.ts';

export class SessionJournal {
  readonly #world: Pick<World, 'nowNs'>;
  readonly records: JournalRecord[] = [];

  constructor(world: Pick<World, 'nowNs'>) {
    this.#world = world;
  }

  /** What one life of a client tells goes into the journal under this name. */
  observer(client: string): SessionObserver {
    return (observation) => {
      const seen = { client, time: this.#world.nowNs() };
      const record = recordOf(observation);
      if (record !== undefined) this.records.push({ ...seen, ...record });
    };
  }
}

type Facts<T> = T extends JournalRecord ? Omit<T, 'client' | 'time'> : never;

function recordOf(observation: SessionObservation): Facts<JournalRecord> | undefined {
  switch (observation.type) {
    case 'connecting': {
      const { type, sessionId, lastZxidSeen, server } = observation;
      const session = sessionId === 0n ? '' : formatHex(sessionId);
      const base = { type, session, lastZxidSeen: Number(lastZxidSeen) };
      return server === undefined ? base : { ...base, node: server };
    }
    case 'connected': {
      const { type, sessionId, timeoutMs } = observation;
      return { type, session: formatHex(sessionId), timeoutMs };
    }
    case 'refused':
      return { type: observation.type, session: formatHex(observation.sessionId) };
    case 'disconnected':
      return { type: observation.type };
    case 'requested': {
      const { xid, request } = observation;
      return { type: 'request', xid, request: requestOf(request) };
    }
    case 'answered': {
      const { xid, zxid, answer } = observation;
      return { type: 'reply', xid, zxid: Number(zxid), reply: replyOf(answer) };
    }
    case 'notified': {
      const { zxid, event } = observation;
      const name = eventNames.get(event.type);
      if (name === undefined) return undefined;
      return { type: 'event', event: name, path: event.path, zxid: Number(zxid) };
    }
  }
}

const eventNames = new Map<number, WatchEventName>([
  [WatchEventType.nodeCreated, 'nodeCreated'],
  [WatchEventType.nodeDeleted, 'nodeDeleted'],
  [WatchEventType.nodeDataChanged, 'nodeDataChanged'],
  [WatchEventType.nodeChildrenChanged, 'nodeChildrenChanged'],
]);

const textOf = (data: Uint8Array | null): string | null =>
  data === null ? null : textOfBytes(data);

function requestOf(request: ObservedRequest): JournalRequest {
  switch (request.op) {
    case 'create': {
      const { op, path, data, mode, acl } = request;
      return { op, path, data: textOf(data), flags: CreateMode[mode], ...permsOf(acl) };
    }
    case 'setData': {
      const { op, path, data, version } = request;
      return { op, path, data: textOf(data), version };
    }
    case 'exists':
    case 'getData':
    case 'getChildren':
      return { op: request.op, path: request.path, watch: request.watch === true };
    case 'multi':
      return { op: 'multi', operations: request.operations.map(partOf) };
    case 'setWatches': {
      const { op, relativeZxid, dataWatches, existWatches, childWatches } = request;
      const lists = { data: dataWatches, exist: existWatches, child: childWatches };
      return { op, relativeZxid: Number(relativeZxid), ...lists };
    }
    default:
      return request;
  }
}

/** Only what the world may do is modelled; under any other list nothing can be said of permissions. */
function permsOf(acl: readonly Acl[] | null | undefined): { perms?: number } {
  const [only] = acl ?? [];
  if (only === undefined || only.id.scheme !== 'world' || only.perms === 31) return {};
  return { perms: only.perms };
}

function partOf(operation: MultiOperation): PlainWrite {
  const path = operation.request.path ?? '';
  switch (operation.type) {
    case 2:
      return { op: 'delete', path, version: operation.request.version };
    case 5: {
      const { data, version } = operation.request;
      return { op: 'setData', path, data: textOf(data), version };
    }
    case 13:
      return { op: 'check', path, version: operation.request.version };
    default: {
      const { data, flags, acl } = operation.request;
      return { op: 'create', path, data: textOf(data), flags, ...permsOf(acl) };
    }
  }
}

function replyOf(answer: ZkReply | ZkError | undefined): JournalReply {
  if (answer === undefined) return {};
  if (answer instanceof ZkError) return { error: answer.code };
  const { path, data, stat, children, results } = answer;
  return {
    ...(stat === null ? { error: 'NoNode' } : {}),
    ...(path === undefined ? {} : { path }),
    ...(data === undefined ? {} : { data: textOf(data) }),
    ...(stat === undefined || stat === null ? {} : { stat: statOf(stat) }),
    ...(children === undefined ? {} : { children }),
    ...(results === undefined ? {} : { results: results.map(resultOf) }),
  };
}

function resultOf(result: MultiResult): MultiPart {
  switch (result.type) {
    case -1:
      return { error: errorName(result.err) };
    case 1:
      return { path: result.path };
    case 15:
      return { path: result.path, stat: statOf(result.stat) };
    case 5:
      return { stat: statOf(result.stat) };
    default:
      return {};
  }
}

function statOf(stat: Stat): NodeStat {
  return {
    czxid: Number(stat.czxid),
    mzxid: Number(stat.mzxid),
    ctime: Number(stat.ctime),
    mtime: Number(stat.mtime),
    version: stat.version,
    cversion: stat.cversion,
    aversion: stat.aversion,
    ephemeralOwner: stat.ephemeralOwner === 0n ? '' : formatHex(stat.ephemeralOwner),
    dataLength: stat.dataLength,
    numChildren: stat.numChildren,
    pzxid: Number(stat.pzxid),
  };
}
