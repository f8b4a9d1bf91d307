/**
 * Four-letter words: a client sends four letters instead of a frame length, the server answers with text
 * and closes. The texts here are functions of a status; names, order and spelling are upstream's, since
 * scripts and dashboards parse them.
 *
 *   not one of our words      → undefined: the bytes are a frame length after all
 *   not in the whitelist      → a sentence that says so
 *   no quorum, word needs one → a sentence that says so; ruok and envi always answer, isro says `null`
 *
 * Upstream: FourLetterCommands and the package org.apache.zookeeper.server.command.
 */
import { formatHex } from '../../base/zxid.ts';
import { OpCode } from '../../wire/client.ts';
import type { ServerConfig } from './config.ts';
import { QuorumVerifier } from './quorum-verifier.ts';

export interface ConnectionStatus {
  /** `host:port` of the client. */
  readonly remote: string;
  readonly isReading: boolean;
  readonly queued: number;
  readonly received: number;
  readonly sent: number;
  /** Absent before the session is established. */
  readonly session?: SessionStatus;
}

export interface SessionStatus {
  readonly sessionId: bigint;
  /** OpCode of the last request; 0 for none. */
  readonly lastOperation: number;
  /** Wall milliseconds. */
  readonly establishedMs: number;
  readonly timeoutMs: number;
  readonly lastCxid: number;
  readonly lastZxid: bigint;
  readonly lastResponseMs: number;
  readonly lastLatencyMs: number;
  readonly minLatencyMs: number;
  readonly averageLatencyMs: number;
  readonly maxLatencyMs: number;
}

export interface ProposalSizes {
  /** -1 before the first proposal. */
  readonly last: number;
  readonly min: number;
  readonly max: number;
}

export interface ServerStatus {
  readonly config: ServerConfig;
  readonly isServing: boolean;
  readonly mode: 'leader' | 'follower' | 'observer' | 'standalone';
  /** zk_peer_state: `looking`, `leading - broadcast`, `following - synchronization`, … */
  readonly peerState: string;
  readonly lastProcessedZxid: bigint;
  readonly minLatencyMs: number;
  readonly averageLatencyMs: number;
  readonly maxLatencyMs: number;
  readonly received: number;
  readonly sent: number;
  readonly outstanding: number;
  readonly connectionCount: number;
  readonly connections: Iterable<ConnectionStatus>;
  readonly nodeCount: number;
  readonly watchCount: number;
  readonly ephemeralCount: number;
  readonly approximateDataSizeBytes: number;
  readonly globalSessionCount: number;
  readonly uptimeMs: number;
  /** Leader only. */
  readonly proposalSizes?: ProposalSizes;
  readonly learnerCount?: number;
  readonly syncedFollowerCount?: number;
  readonly pendingSyncCount?: number;
  readonly quorumSize?: number;
}

type Answer = (status: ServerStatus) => string;

const words: ReadonlyMap<string, Answer> = new Map<string, Answer>([
  ['ruok', () => 'imok'],
  ['isro', ({ isServing }) => (isServing ? 'rw' : 'null')],
  ['envi', environment],
  ['conf', configuration],
  ['srvr', (status) => summary(status, '')],
  ['stat', stat],
  ['cons', cons],
  ['mntr', mntr],
]);
const needServing: ReadonlySet<string> = new Set(['conf', 'srvr', 'stat', 'cons', 'mntr']);

/** The answer to the four letters; undefined where they are none of our words. */
export function fourLetterWord(word: string, status: ServerStatus): string | undefined {
  const answer = words.get(word);
  if (answer === undefined) return undefined;
  const { fourLetterWords } = status.config;
  if (!fourLetterWords.has(word) && !fourLetterWords.has('*')) {
    return `${word} is not executed because it is not in the whitelist.\n`;
  }
  if (needServing.has(word) && !status.isServing) {
    return 'This ZooKeeper instance is not currently serving requests\n';
  }
  return answer(status);
}

function versionLine({ config }: ServerStatus): string {
  return `Zookeeper version: ${config.version}\n`;
}

/** `clients` stands between the version and the figures. */
function summary(status: ServerStatus, clients: string): string {
  const { proposalSizes } = status;
  const lines = [
    `Latency min/avg/max: ${latencies(status)}`,
    `Received: ${status.received}`,
    `Sent: ${status.sent}`,
    `Connections: ${status.connectionCount}`,
    `Outstanding: ${status.outstanding}`,
    `Zxid: ${formatHex(status.lastProcessedZxid)}`,
    `Mode: ${status.mode}`,
    `Node count: ${status.nodeCount}`,
  ];
  if (status.mode === 'leader' && proposalSizes !== undefined) {
    const { last, min, max } = proposalSizes;
    lines.push(`Proposal sizes last/min/max: ${last}/${min}/${max}`);
  }
  return `${versionLine(status)}${clients}${lines.join('\n')}\n`;
}

function stat(status: ServerStatus): string {
  const lines = [...status.connections].map((connection) => `${briefLine(connection)})\n`);
  return summary(status, `Clients:\n${lines.join('')}\n`);
}

function cons(status: ServerStatus): string {
  const lines = [...status.connections].map((connection) => {
    const { session } = connection;
    return `${briefLine(connection)}${session === undefined ? '' : sessionPart(session)})\n`;
  });
  return `${lines.join('')}\n`;
}

/** Without the closing bracket. `[1]`: the server reads from this connection. */
function briefLine({ remote, isReading, queued, received, sent }: ConnectionStatus): string {
  return ` /${remote}[${isReading ? 1 : 0}](queued=${queued},recved=${received},sent=${sent}`;
}

function sessionPart(session: SessionStatus): string {
  const fields = [
    `sid=${formatHex(session.sessionId)}`,
    `lop=${operationNames.get(session.lastOperation) ?? 'NA'}`,
    `est=${session.establishedMs}`,
    `to=${session.timeoutMs}`,
    `lcxid=${formatHex(BigInt(session.lastCxid))}`,
    `lzxid=${formatHex(session.lastZxid)}`,
    `lresp=${session.lastResponseMs}`,
    `llat=${session.lastLatencyMs}`,
    `minlat=${session.minLatencyMs}`,
    `avglat=${Math.trunc(session.averageLatencyMs)}`,
    `maxlat=${session.maxLatencyMs}`,
  ];
  return `,${fields.join(',')}`;
}

/** Upstream's abbreviations of what a session asked last (Request.op2String). */
const operationNames: ReadonlyMap<number, string> = new Map([
  [OpCode.createSession, 'SESS'],
  [OpCode.closeSession, 'CLOS'],
  [OpCode.create, 'CREA'],
  [OpCode.create2, 'CRE2'],
  [OpCode.delete, 'DELE'],
  [OpCode.exists, 'EXIS'],
  [OpCode.getData, 'GETD'],
  [OpCode.setData, 'SETD'],
  [OpCode.getACL, 'GETA'],
  [OpCode.setACL, 'SETA'],
  [OpCode.getChildren, 'GETC'],
  [OpCode.getChildren2, 'GETC'],
  [OpCode.sync, 'SYNC'],
  [OpCode.ping, 'PING'],
  [OpCode.check, 'CHEC'],
  [OpCode.multi, 'MULT'],
  [OpCode.setWatches, 'SETW'],
]);

function latencies({ minLatencyMs, averageLatencyMs, maxLatencyMs }: ServerStatus): string {
  return `${minLatencyMs}/${decimal(averageLatencyMs)}/${maxLatencyMs}`;
}

/** At least one and at most four decimals, as Java prints a rounded double. */
function decimal(value: number): string {
  const text = value.toFixed(4).replace(/0+$/, '');
  return text.endsWith('.') ? `${text}0` : text;
}

function mntr(status: ServerStatus): string {
  const { proposalSizes } = status;
  const values: readonly (readonly [string, string | number | undefined])[] = [
    ['version', status.config.version],
    ['server_state', status.mode],
    ['peer_state', status.peerState],
    ['avg_latency', decimal(status.averageLatencyMs)],
    ['min_latency', status.minLatencyMs],
    ['max_latency', status.maxLatencyMs],
    ['packets_received', status.received],
    ['packets_sent', status.sent],
    ['num_alive_connections', status.connectionCount],
    ['outstanding_requests', status.outstanding],
    ['znode_count', status.nodeCount],
    ['watch_count', status.watchCount],
    ['ephemerals_count', status.ephemeralCount],
    ['approximate_data_size', status.approximateDataSizeBytes],
    ['global_sessions', status.globalSessionCount],
    ['uptime', status.uptimeMs],
    ['quorum_size', status.quorumSize],
    ['learners', status.learnerCount],
    ['synced_followers', status.syncedFollowerCount],
    ['pending_syncs', status.pendingSyncCount],
    ['last_proposal_size', proposalSizes?.last],
    ['min_proposal_size', proposalSizes?.min],
    ['max_proposal_size', proposalSizes?.max],
  ];
  return values
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `zk_${name}\t${value}\n`)
    .join('');
}

function configuration({ config }: ServerStatus): string {
  const own = config.servers.find(({ sid }) => sid === config.sid);
  const lines = [
    `clientPort=${config.clientPort}`,
    'secureClientPort=-1',
    `dataDir=${config.dataDir}/version-2`,
    `dataLogDir=${config.dataLogDir}/version-2`,
    `tickTime=${config.tickTimeMs}`,
    `maxClientCnxns=${config.maxClientConnections}`,
    `minSessionTimeout=${config.minSessionTimeoutMs}`,
    `maxSessionTimeout=${config.maxSessionTimeoutMs}`,
    'clientPortListenBacklog=-1',
    `serverId=${config.servers.length === 0 ? 0 : config.sid}`,
  ];
  if (own === undefined) return `${lines.join('\n')}\n`;
  lines.push(
    `initLimit=${config.initLimit}`,
    `syncLimit=${config.syncLimit}`,
    'electionAlg=3',
    `electionPort=${own.electionPort}`,
    `quorumPort=${own.quorumPort}`,
    `peerType=${own.role === 'participant' ? 0 : 1}`,
    'membership: ',
    new QuorumVerifier(config.servers).toText(),
  );
  return lines.join('\n');
}

function environment({ config }: ServerStatus): string {
  const lines = [
    'Environment:',
    `zookeeper.version=${config.version}`,
    `data.dir=${config.dataDir}`,
    `data.log.dir=${config.dataLogDir}`,
  ];
  return `${lines.join('\n')}\n`;
}
