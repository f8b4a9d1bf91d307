/** The state of a server as the four-letter words print it. Upstream: ServerStats, ZooKeeperServerBean. */
import type { RoleName } from '../../base/protocol-event.ts';
import type { ClientConnection } from './client-connection.ts';
import type { ClientPort } from './client-port.ts';
import type { ServerConfig } from './config.ts';
import type { ConnectionStatus, ServerStatus } from './four-letter-words.ts';
import type { Leader } from './leader.ts';
import type { Replica } from './replica.ts';

export interface StatusSources {
  readonly config: ServerConfig;
  readonly roleName: RoleName;
  readonly replica: Replica | undefined;
  readonly clientPort: ClientPort | undefined;
  readonly leader: Leader | undefined;
  readonly uptimeMs: number;
}

export function serverStatus(sources: StatusSources): ServerStatus {
  const { config, roleName, replica, clientPort, leader } = sources;
  const stats = clientPort?.stats;
  const database = replica?.database;
  const isServing = clientPort?.isServing ?? false;
  return {
    config,
    isServing,
    mode: roleName === 'leading' ? 'leader' : roleName === 'following' ? 'follower' : 'standalone',
    peerState: peerState(roleName, isServing),
    lastProcessedZxid: replica?.lastProcessed ?? 0n,
    minLatencyMs: stats?.minLatencyMs ?? 0,
    averageLatencyMs:
      stats === undefined || stats.latencyCount === 0
        ? 0
        : stats.totalLatencyMs / stats.latencyCount,
    maxLatencyMs: stats?.maxLatencyMs ?? 0,
    received: stats?.received ?? 0,
    sent: stats?.sent ?? 0,
    outstanding: clientPort?.outstandingCount ?? 0,
    connectionCount: clientPort?.connections.size ?? 0,
    connections: [...(clientPort?.connections.values() ?? [])].map(connectionStatus),
    nodeCount: database?.nodeCount ?? 0,
    watchCount: clientPort?.watches.count ?? 0,
    ephemeralCount: database?.tree.ephemeralCount ?? 0,
    approximateDataSizeBytes: database?.tree.dataSizeBytes ?? 0,
    globalSessionCount: database?.sessions.size ?? 0,
    uptimeMs: sources.uptimeMs,
    ...(leader === undefined ? {} : leaderStatus(leader, config)),
  };
}

function peerState(roleName: RoleName, isServing: boolean): string {
  if (roleName !== 'leading' && roleName !== 'following') return roleName;
  return `${roleName} - ${isServing ? 'broadcast' : 'synchronization'}`;
}

function leaderStatus(leader: Leader, config: ServerConfig): Partial<ServerStatus> {
  const hasProposals = leader.maxProposalSizeBytes > 0;
  return {
    proposalSizes: {
      last: hasProposals ? leader.lastProposalSizeBytes : -1,
      min: hasProposals ? leader.minProposalSizeBytes : -1,
      max: hasProposals ? leader.maxProposalSizeBytes : -1,
    },
    learnerCount: leader.learnerCount,
    syncedFollowerCount: leader.syncedFollowerCount,
    pendingSyncCount: 0,
    quorumSize: config.servers.filter(({ role }) => role === 'participant').length,
  };
}

function connectionStatus(connection: ClientConnection): ConnectionStatus {
  const { stats } = connection;
  return {
    remote: connection.remote,
    isReading: !connection.isPaused,
    queued: 0,
    received: stats.received,
    sent: stats.sent,
    ...(connection.phase === 'open'
      ? {
          session: {
            sessionId: connection.sessionId,
            lastOperation: stats.lastOperation,
            establishedMs: connection.establishedWallMs,
            timeoutMs: connection.timeoutMs,
            lastCxid: stats.lastCxid,
            lastZxid: stats.lastZxid,
            lastResponseMs: stats.lastResponseMs,
            lastLatencyMs: stats.lastLatencyMs,
            minLatencyMs: stats.minLatencyMs,
            averageLatencyMs: stats.sent === 0 ? 0 : stats.totalLatencyMs / stats.sent,
            maxLatencyMs: stats.maxLatencyMs,
          },
        }
      : {}),
  };
}
