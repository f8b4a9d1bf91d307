/** Short records of wires: what upstream's servers do otherwise than ours, and what nobody may do. */
import { expect, test } from 'vitest';
import { followWires, type Observation } from '../../../spec/conform/index.ts';

const scope = { servers: 3, commitLogCount: 100 };

/** Lines like `1 2>3 PROPOSAL 1.5`: connection, from whom to whom, message, zxid or epoch, a learner's epoch. */
function seen(text: string): readonly Observation[] {
  const lines = text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  return lines.map(([connection, ends = '', message, value = '0', currentEpoch], index) => {
    const [from, to] = ends.split('>').map(Number);
    const [epoch, counter = '0'] = value.split('.');
    const zxid = `0x${epoch}${counter.padStart(8, '0')}`.replace(/^0x0+$/, '0x0');
    const fields: Record<string, object> = {
      FOLLOWERINFO: { acceptedEpoch: Number(epoch) },
      LEADERINFO: { epoch: Number(epoch) },
      NEWLEADER: { epoch: Number(epoch) },
      ACKEPOCH: { zxid, currentEpoch: Number(currentEpoch) },
      PROPOSAL: { zxid, session: '0x1', cxid: 1, op: 'setData' },
      UPTODATE: {},
    };
    const said = fields[message ?? ''] ?? { zxid };
    return {
      n: index + 1,
      connection: Number(connection),
      from,
      to,
      message,
      ...said,
    } as Observation;
  });
}

/** Server 3 leads, and 2 follows. */
const established = `
  1 2>3 FOLLOWERINFO 0
  1 3>2 LEADERINFO 1
  1 2>3 ACKEPOCH 0 0
  1 3>2 DIFF 0
  1 3>2 NEWLEADER 1
  1 2>3 ACK 1.0
  1 3>2 UPTODATE`;

/** Server 1 comes as the second learner, with an empty log. */
const joining = `2 1>3 FOLLOWERINFO 0
  2 3>1 LEADERINFO 1
  2 1>3 ACKEPOCH 0 0
  2 3>1 DIFF 0`;

const committed = (connection: number, zxid: string): string => `
  ${connection} 3>2 PROPOSAL ${zxid}
  ${connection} 2>3 ACK ${zxid}
  ${connection} 3>2 COMMIT ${zxid}`;

const reasonOf = (text: string): string | undefined =>
  followWires(seen(text), scope).rejected?.refusals[0]?.reason;

function expectExplained(text: string): void {
  const { messages, rejected } = followWires(seen(text), scope);
  expect(rejected?.refusals).toBeUndefined();
  expect(messages).toBe(text.trim().split('\n').length);
}

test('a leader and a follower, and what is told by no message', () => {
  const followed = followWires(seen(`${established}\n 1 2>3 ACK 1.0${committed(1, '1.1')}`), scope);
  expect(followed).toMatchObject({ rejected: undefined, messages: 11, again: 1, unfollowed: 0 });
  expect(followed.silentSteps).toBeGreaterThan(10);
  expect(followed.silentMax).toBeLessThan(10);
});

test('a commit needs a quorum that was seen to acknowledge', () => {
  const alone = `${established}\n 1 3>2 PROPOSAL 1.1\n 1 3>2 COMMIT 1.1`;
  expect(reasonOf(alone)).toContain('“a quorum has acknowledged it” is false');
});

test('UPTODATE may be queued behind live traffic', () => {
  expectExplained(`${established}
    ${joining}
    2 3>1 NEWLEADER 1
    2 1>3 ACK 1.0${committed(1, '1.1')}
    2 3>1 PROPOSAL 1.1
    2 3>1 COMMIT 1.1
    2 3>1 UPTODATE
    2 1>3 ACK 1.1`);
});

test('NEWLEADER may be queued behind live traffic, which shows when the learner joined', () => {
  expectExplained(`${established}${committed(1, '1.1')}
    2 1>3 FOLLOWERINFO 0
    2 3>1 LEADERINFO 1
    2 1>3 ACKEPOCH 0 0
    1 3>2 PROPOSAL 1.2
    1 2>3 ACK 1.2
    1 3>2 PROPOSAL 1.3
    1 3>2 COMMIT 1.2
    2 3>1 DIFF 1.1
    2 3>1 PROPOSAL 1.1
    2 3>1 COMMIT 1.1
    2 3>1 PROPOSAL 1.2
    2 3>1 PROPOSAL 1.3
    2 3>1 COMMIT 1.2
    2 3>1 NEWLEADER 1`);
});

test('what came uncommitted before NEWLEADER may be acknowledged before UPTODATE', () => {
  expectExplained(`${established}
    1 3>2 PROPOSAL 1.1
    ${joining}
    2 3>1 PROPOSAL 1.1
    2 3>1 NEWLEADER 1
    2 1>3 ACK 1.0
    2 1>3 ACK 1.1
    2 3>1 UPTODATE
    1 2>3 ACK 1.1
    1 3>2 COMMIT 1.1
    2 3>1 COMMIT 1.1`);
});

test('and before NEWLEADER is', () => {
  const text = `${established}
    1 3>2 PROPOSAL 1.1
    ${joining}
    2 3>1 PROPOSAL 1.1
    2 3>1 NEWLEADER 1
    2 1>3 ACK 1.1`;
  expectExplained(`${text}
    2 1>3 ACK 1.0
    2 3>1 UPTODATE`);
  expect(
    reasonOf(`${text}
    2 3>1 UPTODATE`),
  ).toContain('UPTODATE');
});

test('a leader that remembers nothing sends a snapshot; one that was established names its epoch', () => {
  expectExplained(`${established}
    2 1>3 FOLLOWERINFO 0
    2 3>1 LEADERINFO 1
    2 1>3 ACKEPOCH 0 0
    2 3>1 SNAP 1.0
    2 3>1 NEWLEADER 1
    2 1>3 ACK 1.0
    2 3>1 UPTODATE`);
});

test('a snapshot that leaves something out is refused', () => {
  const short = `${established}${committed(1, '1.1')}${committed(1, '1.2')}
    2 1>3 FOLLOWERINFO 0
    2 3>1 LEADERINFO 1
    2 1>3 ACKEPOCH 0 0
    2 3>1 SNAP 1.1
    2 3>1 NEWLEADER 1`;
  expect(reasonOf(short)).toContain('NEWLEADER comes before all up to 1.2');
});

test('who has more than a leader that a quorum follows already is cut back to it', () => {
  expectExplained(`${established}${committed(1, '1.1')}
    1 3>2 PROPOSAL 1.2
    2 1>2 FOLLOWERINFO 0
    2 2>1 LEADERINFO 2
    2 1>2 ACKEPOCH 0 0
    2 2>1 DIFF 1.1
    2 2>1 PROPOSAL 1.1
    2 2>1 COMMIT 1.1
    2 2>1 NEWLEADER 2
    2 1>2 ACK 2.0
    2 2>1 UPTODATE
    3 3>2 FOLLOWERINFO 1
    3 2>3 LEADERINFO 2
    3 3>2 ACKEPOCH 1.2 1
    3 2>3 TRUNC 1.1
    3 2>3 NEWLEADER 2
    3 3>2 ACK 2.0`);
});

test('who is cut back behind what was committed is sent the rest again', () => {
  const text = `${established}
    ${joining}
    2 3>1 NEWLEADER 1
    2 1>3 ACK 1.0
    2 3>1 UPTODATE
    1 3>2 PROPOSAL 1.1
    2 3>1 PROPOSAL 1.1
    1 2>3 ACK 1.1
    2 1>3 ACK 1.1
    1 3>2 COMMIT 1.1
    3 1>2 FOLLOWERINFO 1
    3 2>1 LEADERINFO 2
    3 1>2 ACKEPOCH 1.1 1
    3 2>1 TRUNC 0`;
  expectExplained(`${text}
    3 2>1 PROPOSAL 1.1
    3 2>1 COMMIT 1.1
    3 2>1 NEWLEADER 2`);
  // Seen of Apache 3.8.0, whose memory of what was committed may be older than its tree.
  expect(
    reasonOf(`${text}
    3 2>1 NEWLEADER 2`),
  ).toContain('but had 1.1 on its disk');
});

test('what a server has acknowledged it does not go back behind', () => {
  const forgetful = `${established}${committed(1, '1.1')}${committed(1, '1.2')}
    2 2>1 FOLLOWERINFO 1
    2 1>2 LEADERINFO 2
    2 2>1 ACKEPOCH 1.1 1`;
  expect(reasonOf(forgetful)).toBe(
    'server 2 is next seen to have no more than 1.1, but had 1.2 on its disk',
  );
});

test('NEWLEADER is acknowledged for all that was sent before it', () => {
  const behind = `${established}${committed(1, '1.1')}
    2 1>3 FOLLOWERINFO 0
    2 3>1 LEADERINFO 1
    2 1>3 ACKEPOCH 0 0
    2 3>1 DIFF 1.1
    2 3>1 PROPOSAL 1.1
    2 3>1 COMMIT 1.1
    2 3>1 NEWLEADER 1
    2 1>3 ACK 1.0
    3 1>2 FOLLOWERINFO 1
    3 2>1 LEADERINFO 2
    3 1>2 ACKEPOCH 0 1`;
  expect(reasonOf(behind)).toContain('is next seen to have no more than 0.0, but had 1.1');
});

test('a leader may save an epoch and be gone before it proposes it', () => {
  expectExplained(`1 2>3 FOLLOWERINFO 0
    2 3>2 FOLLOWERINFO 1
    2 2>3 LEADERINFO 2`);
  // But not without a quorum.
  expect(reasonOf('1 1>2 FOLLOWERINFO 0\n 2 3>2 FOLLOWERINFO 1')).toBe('acceptedEpoch is 1, not 0');
});

test('two leaders of one epoch, each with a learner of its own, are one too many', () => {
  const split = `${established}
    2 1>2 FOLLOWERINFO 0
    2 2>1 LEADERINFO 1`;
  expect(reasonOf(split)).toBe('epoch is 1, not 2');
});

test('a transaction is the same whoever sends it', () => {
  const text = `${established}
    ${joining}
    2 3>1 NEWLEADER 1
    1 3>2 PROPOSAL 1.1
    2 3>1 PROPOSAL 1.1`;
  const all = [...seen(text)];
  expect(followWires(all, scope).rejected).toBeUndefined();
  const last = all.pop() as Observation;
  const { rejected } = followWires([...all, { ...last, op: 'delete' } as Observation], scope);
  expect(rejected?.refusals[0]?.reason).toContain('the transaction 0x100000001 is delete');
});
