/** How the findings of the contract name things: requests, replies, clients, servers, times. */
import { formatTime } from '../report.ts';
import type { Anomaly } from '../verdict.ts';
import { type Call, hex, type SeenEvent } from './sessions.ts';

export function pathOf(call: Call): string | undefined {
  const { request } = call;
  if (request.op === 'create') return call.path ?? request.path;
  return 'path' in request ? request.path : undefined;
}

/** `setData /r/3` */
export function requestText(call: Call): string {
  const { request } = call;
  if (request.op === 'multi') {
    return `multi of ${request.operations.map(({ op, path }) => `${op} ${path}`).join(', ')}`;
  }
  const path = pathOf(call);
  return path === undefined ? request.op : `${request.op} ${path}`;
}

/** `setData /r/3 by client/4/0 (answered zxid 0x200000011 by server 2 at 12.481 s)` */
export function callText(call: Call): string {
  const { client, node } = call.connection;
  const where = node === undefined ? '' : `by server ${node} `;
  const answer = call.isAnswered
    ? `answered zxid ${hex(call.zxid)} ${where}at ${formatTime(call.endTime)}`
    : `sent ${where}at ${formatTime(call.startTime)}, never answered`;
  return `${requestText(call)} by ${client} (${answer})`;
}

/** `nodeDeleted /lock/a (to client/4/0 from server 2 at 12.481 s)` */
export function eventText({ connection, event, path, zxid, time }: SeenEvent): string {
  const { client, node } = connection;
  const from = node === undefined ? '' : ` from server ${node}`;
  const named = zxid < 0 ? '' : ` of zxid ${hex(zxid)}`;
  return `${event} ${path}${named} (to ${client}${from} at ${formatTime(time)})`;
}

export type Facts = Omit<Anomaly, 'kind' | 'message'>;

export function factsOf(call: Call): Facts {
  const path = pathOf(call);
  const { node } = call.connection;
  return {
    entries: [],
    time: call.isAnswered ? call.endTime : call.startTime,
    ...(call.isAnswered ? { zxid: hex(call.zxid) } : {}),
    ...(path === undefined ? {} : { path }),
    ...(node === undefined ? {} : { nodes: [node] }),
  };
}

export function factsOfEvent({ connection, path, zxid, time }: SeenEvent): Facts {
  const { node } = connection;
  return {
    ...{ entries: [], time, path },
    ...(zxid < 0 ? {} : { zxid: hex(zxid) }),
    ...(node === undefined ? {} : { nodes: [node] }),
  };
}
