import { describe, expect, test } from 'vitest';
import { defaultConfig } from '../../../src/server/core/config.ts';
import { fourLetterWord, type ServerStatus } from '../../../src/server/core/four-letter-words.ts';

const base: ServerStatus = {
  config: {
    ...defaultConfig,
    sid: 2,
    dataDir: '/zk/data',
    dataLogDir: '/zk/log',
    clientPort: 2181,
    minSessionTimeoutMs: 6000,
    maxSessionTimeoutMs: 60_000,
    servers: [
      { sid: 1, host: 'a', quorumPort: 2888, electionPort: 3888, role: 'participant' },
      { sid: 2, host: 'b', quorumPort: 2889, electionPort: 3889, role: 'participant' },
    ],
    fourLetterWords: new Set(['*']),
    version: '3.9.5-test',
  },
  isServing: true,
  mode: 'leader',
  peerState: 'leading - broadcast',
  lastProcessedZxid: 0x100000099n,
  minLatencyMs: 0,
  averageLatencyMs: 1.23456,
  maxLatencyMs: 17,
  received: 10,
  sent: 9,
  outstanding: 1,
  connectionCount: 2,
  connections: [
    { remote: '127.0.0.1:36384', isReading: true, queued: 0, received: 1, sent: 0 },
    {
      remote: '127.0.0.1:36386',
      isReading: false,
      queued: 3,
      received: 156,
      sent: 155,
      session: {
        sessionId: 0x100003834520000n,
        lastOperation: 3,
        establishedMs: 1795228101240,
        timeoutMs: 5000,
        lastCxid: 0x9b,
        lastZxid: 0x100000099n,
        lastResponseMs: 3722881,
        lastLatencyMs: 3,
        minLatencyMs: 0,
        averageLatencyMs: 6.7,
        maxLatencyMs: 535,
      },
    },
  ],
  nodeCount: 5,
  watchCount: 4,
  ephemeralCount: 3,
  approximateDataSizeBytes: 44,
  globalSessionCount: 2,
  uptimeMs: 1234,
  proposalSizes: { last: 61, min: 48, max: 89 },
};

const whitelisted = (...words: string[]): ServerStatus => ({
  ...base,
  config: { ...base.config, fourLetterWords: new Set(words) },
});

const srvr = `Zookeeper version: 3.9.5-test
Latency min/avg/max: 0/1.2346/17
Received: 10
Sent: 9
Connections: 2
Outstanding: 1
Zxid: 0x100000099
Mode: leader
Node count: 5
Proposal sizes last/min/max: 61/48/89
`;
const brief = ' /127.0.0.1:36384[1](queued=0,recved=1,sent=0)';

describe('four-letter words', () => {
  test('texts', () => {
    expect(fourLetterWord('ruok', base)).toBe('imok');
    expect(fourLetterWord('isro', base)).toBe('rw');
    expect(fourLetterWord('srvr', base)).toBe(srvr);
    expect(fourLetterWord('stat', base)).toBe(
      srvr.replace(
        '\n',
        `\nClients:\n${brief}\n /127.0.0.1:36386[0](queued=3,recved=156,sent=155)\n\n`,
      ),
    );
    expect(fourLetterWord('cons', base)).toBe(
      `${brief}\n /127.0.0.1:36386[0](queued=3,recved=156,sent=155,sid=0x100003834520000,` +
        'lop=EXIS,est=1795228101240,to=5000,lcxid=0x9b,lzxid=0x100000099,lresp=3722881,' +
        'llat=3,minlat=0,avglat=6,maxlat=535)\n\n',
    );
  });

  test('mntr begins with version, state and peer state, and leaves out what a role does not have', () => {
    const lines = fourLetterWord('mntr', base)?.split('\n') ?? [];
    expect(lines.slice(0, 4)).toEqual([
      'zk_version\t3.9.5-test',
      'zk_server_state\tleader',
      'zk_peer_state\tleading - broadcast',
      'zk_avg_latency\t1.2346',
    ]);
    expect(lines).toContain('zk_last_proposal_size\t61');
    expect(lines.some((line) => line.startsWith('zk_learners'))).toBe(false);
  });

  test('conf names the ensemble', () => {
    const lines = fourLetterWord('conf', base)?.split('\n') ?? [];
    expect(lines).toContain('dataLogDir=/zk/log/version-2');
    expect(lines).toContain('serverId=2');
    expect(lines).toContain('electionPort=3889');
    expect(lines.slice(lines.indexOf('membership: ') + 1)).toEqual([
      'server.1=a:2888:3888:participant',
      'server.2=b:2889:3889:participant',
      'version=0',
    ]);
  });

  test('whitelist, unknown words, and a server without a quorum', () => {
    expect(fourLetterWord('ruok', whitelisted('srvr'))).toBe(
      'ruok is not executed because it is not in the whitelist.\n',
    );
    expect(fourLetterWord('abcd', base)).toBeUndefined();
    const looking: ServerStatus = { ...base, isServing: false };
    const refusal = 'This ZooKeeper instance is not currently serving requests\n';
    expect(fourLetterWord('srvr', looking)).toBe(refusal);
    expect(fourLetterWord('mntr', looking)).toBe(refusal);
    expect(fourLetterWord('isro', looking)).toBe('null');
    expect(fourLetterWord('ruok', looking)).toBe('imok');
    expect(fourLetterWord('envi', looking)).toContain('Environment:\n');
  });
});
