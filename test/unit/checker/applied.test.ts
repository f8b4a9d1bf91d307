import { expect, test } from 'vitest';
import type { ProtocolEvent } from '../../../src/base/protocol-event.ts';
import { standingApplications } from '../../../src/checker/servers/applied.ts';

function sequenceOf(
  ...steps: ReadonlyArray<readonly [act: string, zxid?: string | undefined, life?: number]>
) {
  return steps.map(([act, zxid, incarnation = 1], n) => ({
    act,
    args: zxid === undefined ? {} : { zxid },
    incarnation,
    n,
  })) as unknown as readonly ProtocolEvent[];
}

const standing = (sequence: readonly ProtocolEvent[]): string[] =>
  [...standingApplications(sequence)].map(({ args }) => args.zxid);

test('what a learner applies while it is synchronized stands once it is activated', () => {
  const sequence = sequenceOf(
    ['SyncReceived'],
    ['TxnApplied', '0x1'],
    ['NewLeaderAcked'],
    ['LearnerActivated'],
    ['TxnApplied', '0x2'],
  );
  expect(standing(sequence)).toEqual(['0x1', '0x2']);
  expect(standing(sequence.slice(0, 3))).toEqual([]);
});

test('and is forgotten when its leader falls, or the learner itself', () => {
  const fallen = sequenceOf(['SyncReceived'], ['TxnApplied', '0x1'], ['RoleEnded']);
  const killed = sequenceOf(['SyncReceived'], ['TxnApplied', '0x1'], ['Recovered', undefined, 2]);
  const later = sequenceOf(['SyncReceived', undefined, 2], ['LearnerActivated', undefined, 2]);
  expect(standing([...fallen, ...later])).toEqual([]);
  expect(standing([...killed, ...later])).toEqual([]);
});

test('a leader or a server alone applies what is committed', () => {
  expect(standing(sequenceOf(['LeaderEstablished'], ['TxnApplied', '0x7']))).toEqual(['0x7']);
});
