/** How servers of schedules are configured, and what can be seen of them. */

import type { ServerView } from '../../spec/schedule/view.ts';
import { counterOf, epochOf, type Zxid, zxidFrom } from '../../src/base/zxid.ts';
import { defaultConfig, type ServerConfig } from '../../src/server/core/config.ts';
import type { ScheduledServer } from './schedule-server.ts';

export const TICK_MS = 1000;
export const QUORUM_PORT = 2888;

export function configOf(sid: number, count: number, window: number): ServerConfig {
  return {
    ...defaultConfig,
    sid,
    dataDir: `/${sid}/data`,
    dataLogDir: `/${sid}/log`,
    clientHost: `10.0.0.${sid}`,
    clientPort: 2181,
    tickTimeMs: TICK_MS,
    minSessionTimeoutMs: 2 * TICK_MS,
    maxSessionTimeoutMs: 20 * TICK_MS,
    preallocationSizeBytes: 0,
    commitLogCount: window,
    isTraced: true,
    servers: Array.from({ length: count }, (_, index) => ({
      sid: index + 1,
      host: `10.0.0.${index + 1}`,
      quorumPort: QUORUM_PORT,
      electionPort: 3888,
      role: 'participant',
    })),
  };
}

/** As it tells by itself once a tick. */
export function serverView(server: ScheduledServer): ServerView {
  const post = server.state();
  const zxid = (hex: string): string => {
    const value: Zxid = zxidFrom(BigInt(hex));
    return `${epochOf(value)}.${counterOf(value)}`;
  };
  return {
    role: post.role as ServerView['role'],
    acceptedEpoch: String(post.acceptedEpoch),
    currentEpoch: String(post.currentEpoch),
    lastLogged: zxid(post.lastLogged),
    lastFlushed: zxid(post.lastFlushed),
    lastApplied: zxid(post.lastApplied),
  };
}
