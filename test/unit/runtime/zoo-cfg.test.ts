import { describe, expect, test } from 'vitest';
import { parseProperties } from '../../../src/server/runtime/java-properties.ts';
import { StartupError } from '../../../src/server/runtime/startup-error.ts';
import { type LoadedConfig, parseServerConfig } from '../../../src/server/runtime/zoo-cfg.ts';

const servers = [
  'initLimit=10',
  'syncLimit=5',
  'server.1=a:2888:3888',
  'server.2=b:2888:3888:participant',
  'server.3=c:2888:3888;127.0.0.1:2183',
];

function load(lines: readonly string[], myid = '1', dynamic = ''): LoadedConfig {
  return parseServerConfig(lines.join('\n'), {
    file: 'zoo.cfg',
    readDynamicConfig: () => dynamic,
    readMyId: () => myid,
  });
}

function failure(lines: readonly string[], myid = '1'): StartupError {
  try {
    load(lines, myid);
  } catch (error) {
    if (error instanceof StartupError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('Java properties', () => {
  test('separators, comments, continuation and escapes', () => {
    const text = [
      '# comment',
      '  ! comment',
      'a=1',
      'b : 2',
      'c   3',
      'long=one,\\',
      '     two',
      'path=C\\:\\\\zk',
      'tab=\\tx',
      'umlaut=\\u00e4',
      'key\\ with\\=signs=v = w',
      'empty',
      'even=\\\\',
    ].join('\r\n');
    expect(parseProperties(text).map(({ key, value }) => [key, value])).toEqual([
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
      ['long', 'one,two'],
      ['path', 'C:\\zk'],
      ['tab', '\tx'],
      ['umlaut', 'ä'],
      ['key with=signs', 'v = w'],
      ['empty', ''],
      ['even', '\\'],
    ]);
    expect(parseProperties(text)[4]).toMatchObject({ key: 'path', line: 8 });
  });
});

describe('zoo.cfg', () => {
  test('a standalone server with upstream defaults', () => {
    const { config, warnings } = load(['dataDir=/zk', 'clientPort=2181']);
    expect(config).toMatchObject({
      sid: 1,
      dataDir: '/zk',
      dataLogDir: '/zk',
      clientHost: '0.0.0.0',
      clientPort: 2181,
      tickTimeMs: 3000,
      minSessionTimeoutMs: 6000,
      maxSessionTimeoutMs: 60_000,
      maxClientConnections: 60,
      servers: [],
      snapCount: 100_000,
      preallocationSizeBytes: 64 * 1024 * 1024,
    });
    expect([...config.fourLetterWords]).toEqual(['srvr']);
    expect(warnings).toEqual([]);
  });

  test('every key that is used', () => {
    const { config } = load([
      ...servers,
      'dataDir=/zk/data',
      'dataLogDir=/zk/log',
      'clientPort=2182',
      'clientPortAddress=127.0.0.1',
      'tickTime=200',
      'minSessionTimeout=300',
      'maxSessionTimeout=9000',
      'maxClientCnxns=0',
      'snapCount=500',
      'preAllocSize=64',
      'commitLogCount=20',
      'cnxTimeout=700',
      'jute.maxbuffer=4096',
      '4lw.commands.whitelist=ruok, mntr',
    ]);
    expect(config).toMatchObject({
      dataLogDir: '/zk/log',
      clientHost: '127.0.0.1',
      clientPort: 2182,
      tickTimeMs: 200,
      initLimit: 10,
      syncLimit: 5,
      minSessionTimeoutMs: 300,
      maxSessionTimeoutMs: 9000,
      maxClientConnections: 0,
      snapCount: 500,
      preallocationSizeBytes: 65_536,
      commitLogCount: 20,
      connectTimeoutMs: 700,
      maxFrameSizeBytes: 4096,
    });
    expect([...config.fourLetterWords]).toEqual(['ruok', 'mntr']);
    expect(config.servers.map(({ sid, host, role }) => [sid, host, role])).toEqual([
      [1, 'a', 'participant'],
      [2, 'b', 'participant'],
      [3, 'c', 'participant'],
    ]);
  });

  test('myid chooses the server, whose line may hold the client port', () => {
    const { config } = load([...servers, 'dataDir=/zk'], '3\n');
    expect(config).toMatchObject({ sid: 3, clientHost: '127.0.0.1', clientPort: 2183 });
  });

  test('server lines may stand in the dynamic file', () => {
    const lines = ['dataDir=/zk', 'clientPort=2181', 'initLimit=5', 'syncLimit=2'];
    const { config } = load(
      [...lines, 'dynamicConfigFile=zoo.dynamic'],
      '2',
      `${servers.slice(2).join('\n')}\nversion=100000000`,
    );
    expect(config.servers).toHaveLength(3);
    expect(failure([...servers, 'dataDir=/zk', 'dynamicConfigFile=x']).why).toContain('dynamic');
  });

  test('one voter alone is standalone, unless that is disabled', () => {
    const lines = ['dataDir=/zk', 'clientPort=2181', 'server.1=a:2888:3888'];
    expect(load(lines).config.servers).toEqual([]);
    const strict = [...lines, 'standaloneEnabled=false', 'initLimit=5', 'syncLimit=2'];
    expect(load(strict).config.servers).toHaveLength(1);
  });

  test('unknown keys and even ensembles are accepted with a warning', () => {
    const { warnings } = load([
      'dataDir=/zk',
      'clientPort=2181',
      'autopurge.purgeInterval=1',
      ...servers.slice(0, 4),
    ]);
    expect(warnings).toEqual([
      'autopurge.purgeInterval (line 3) is not used by this server',
      '2 voting servers tolerate 0 failures, no more than 1 would',
    ]);
  });

  test.each([
    [['clientPort=2181'], 'dataDir is not set'],
    [['dataDir=/zk'], 'clientPort is not set'],
    [['dataDir=/zk', 'clientPort=70000'], 'not a TCP port'],
    [['dataDir=/zk', 'clientPort=2181', 'tickTime=0'], 'tickTime=0'],
    [['dataDir=/zk', 'clientPort=2181', 'tickTime=2s'], 'tickTime=2s'],
    [
      ['dataDir=/zk', 'clientPort=1', 'minSessionTimeout=9', 'maxSessionTimeout=8'],
      'exceeds maxSessionTimeout',
    ],
    [['dataDir=/zk', 'clientPort=1', 'electionAlg=1'], 'electionAlg=1'],
    [['dataDir=/zk', 'clientPort=1', 'secureClientPort=2'], 'TLS'],
    [['dataDir=/zk', 'clientPort=1', 'sslQuorum=true'], 'sslQuorum'],
    [['dataDir=/zk', 'clientPort=1', 'group.1=1:2'], 'hierarchical'],
    [['dataDir=/zk', 'clientPort=1', ...servers.slice(1)], 'initLimit is not set'],
    [['dataDir=/zk', 'clientPort=1', ...servers.slice(0, 3), 'server.2=b'], 'server.2'],
    [['dataDir=/zk', 'clientPort=1', 'server.1=a:1:2:observer'], 'every server is an observer'],
    [['dataDir=/zk', 'clientPort=1', 'server.255=a:1:2', 'server.1=b:1:2'], 'marks TTL nodes'],
  ])('%j is refused', (lines, why) => {
    const error = failure(lines);
    expect(error.why).toContain(why);
    expect(error.exitCode).toBe(2);
    expect(error.whatToDo).not.toBe('');
  });

  test('a foreign or broken myid is refused', () => {
    const lines = ['dataDir=/zk', 'clientPort=2181', ...servers];
    expect(failure(lines, '9').why).toContain('no server.9 line (known: 1, 2, 3)');
    expect(failure(lines, 'one').why).toContain('not a number');
  });
});
