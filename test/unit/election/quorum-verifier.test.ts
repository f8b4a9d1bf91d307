import { describe, expect, test } from 'vitest';
import {
  formatServerLine,
  parseQuorumVerifier,
  parseServerLine,
  QuorumVerifier,
} from '../../../src/server/core/quorum-verifier.ts';
import { MalformedError } from '../../../src/wire/jute.ts';
import { addresses } from './network.ts';

describe('quorums', () => {
  test.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
    [6, 4],
    [7, 4],
  ])('of %i voters need %i', (voters, needed) => {
    const verifier = new QuorumVerifier(addresses(voters, 2));
    const sids = verifier.voters.slice(0, needed);
    expect(verifier.containsQuorum(sids)).toBe(true);
    expect(verifier.containsQuorum(sids.slice(1))).toBe(false);
  });

  test('count each voter once, and observers and strangers never', () => {
    const verifier = new QuorumVerifier(addresses(3, 2));
    expect(verifier.containsQuorum([1, 1, 1, 4, 5, 99])).toBe(false);
    expect(verifier.containsQuorum([1, 4, 3])).toBe(true);
    expect(verifier.isVoter(3)).toBe(true);
    expect(verifier.isVoter(4)).toBe(false);
    expect(new QuorumVerifier([]).containsQuorum([])).toBe(false);
  });
});

describe('the text', () => {
  test('is upstream’s, to the byte', () => {
    const verifier = new QuorumVerifier(
      [
        {
          sid: 10,
          host: '::1',
          quorumPort: 2888,
          electionPort: 3888,
          role: 'observer',
          clientHost: '0.0.0.0',
          clientPort: 2181,
        },
        { sid: 2, host: 'b', quorumPort: 1, electionPort: 2, role: 'participant' },
      ],
      0x100000000n,
    );
    expect(verifier.toText()).toBe(
      'server.2=b:1:2:participant\n' +
        'server.10=[::1]:2888:3888:observer;0.0.0.0:2181\n' +
        'version=100000000',
    );
    expect(verifier.withVersion(-1n).toText()).toMatch(/version=ffffffffffffffff$/);
    expect(parseQuorumVerifier(verifier.toText()).equals(verifier)).toBe(true);
    expect(verifier.withVersion(1n).equals(verifier)).toBe(false);
  });

  test('is read with blank lines, comments and keys of others in it', () => {
    const verifier = parseQuorumVerifier('# ours\n\n server.1 = a:1:2 \ntickTime=5\nversion=1f\n');
    expect([...verifier.members.keys()]).toEqual([1]);
    expect(verifier.version).toBe(0x1fn);
  });

  test.each([
    ['server.1=a:1:2\nserver.1=b:1:2', 'the server is named twice'],
    ['server.1', 'a line has no "="'],
    ['version=xyz', 'is not hex'],
    ['group.1=1:2', 'hierarchical'],
  ])('%j is refused', (text, problem) => {
    expect(() => parseQuorumVerifier(text)).toThrow(MalformedError);
    expect(() => parseQuorumVerifier(text)).toThrow(problem);
  });
});

describe('server lines', () => {
  const base = { sid: 1, host: 'zk', quorumPort: 2888, electionPort: 3888 };
  test.each([
    ['zk:2888:3888', { ...base, role: 'participant' }],
    ['zk:2888:3888:PARTICIPANT', { ...base, role: 'participant' }],
    [
      'zk:2888:3888:observer;2181',
      { ...base, role: 'observer', clientHost: '0.0.0.0', clientPort: 2181 },
    ],
    [
      ' zk : 2888 : 3888 ; 10.0.0.1:2181',
      { ...base, role: 'participant', clientHost: '10.0.0.1', clientPort: 2181 },
    ],
    [
      '[fe80::1]:2888:3888;[::]:2181',
      { ...base, host: 'fe80::1', role: 'participant', clientHost: '::', clientPort: 2181 },
    ],
  ])('%j', (value, expected) => {
    const server = parseServerLine('server.1', value);
    expect(server).toEqual(expected);
    const line = formatServerLine(server);
    expect(parseServerLine(line.key, line.value)).toEqual(server);
  });

  test.each([
    ['server.x', 'zk:1:2'],
    ['server.', 'zk:1:2'],
    ['server.1', ''],
    ['server.1', 'zk'],
    ['server.1', 'zk:1'],
    ['server.1', ':1:2'],
    ['server.1', 'zk:1:2:king'],
    ['server.1', 'zk:1:2:participant:4'],
    ['server.1', 'zk:0:2'],
    ['server.1', 'zk:1:65536'],
    ['server.1', 'zk:1:2;'],
    ['server.1', 'zk:1:2;a:b:3'],
    ['server.1', 'zk:1:2;2181;2182'],
    ['server.1', 'a:1:2|b:1:2'],
    ['server.1', '::1:1:2'],
  ])('%j = %j is refused, naming the key', (key, value) => {
    expect(() => parseServerLine(key, value)).toThrow(MalformedError);
    expect(() => parseServerLine(key, value)).toThrow(key);
  });
});
