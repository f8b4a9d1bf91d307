/**
 * States of the protocol where something interesting can happen soon: starts for searches and
 * walks.
 */
import { assert } from '../../../src/base/assert.ts';
import type { Params } from '../../kernel/model.ts';
import type { ProtocolActions } from './protocol.ts';
import type { Sid, State } from './protocol-state.ts';

type Played = readonly [action: keyof ProtocolActions, i: Sid, j?: Sid];

/** Where these steps lead. */
function play(actions: ProtocolActions, start: State, steps: readonly Played[]): State {
  return steps.reduce((s, [name, i, j]) => {
    const { when, next } = actions[name] as {
      when: Record<string, (state: State, params: Params) => boolean>;
      next: (state: State, params: Params) => State;
    };
    const params = { i, j };
    for (const [label, isTrue] of Object.entries(when)) {
      assert(isTrue(s, params), 'a start is not reachable', { name, i, j, label });
    }
    return next(s, params);
  }, start);
}

/** i opens an epoch, and j is the quorum with it. */
const establish = (i: Sid, j: Sid): readonly Played[] => [
  ['UpdateLeader', i],
  ['FollowLeader', j],
  ['ConnectAndFollowerSendCEPOCH', i, j],
  ['LeaderProcessCEPOCH', i, j],
  ['FollowerProcessNEWEPOCH', j, i],
  ['LeaderProcessACKEPOCH', i, j],
  ['FollowerProcessNEWLEADER', j, i],
  ['LeaderProcessACKLD', i, j],
];

/** s1 and s2 have a transaction that s1 has delivered; s3 has heard of nothing. */
export function oneDelivered(actions: ProtocolActions, init: State): State {
  return play(actions, init, [
    ...establish('s1', 's2'),
    ['FollowerProcessCOMMITLD', 's2', 's1'],
    ['LeaderProcessRequest', 's1'],
    ['LeaderBroadcastPROPOSE', 's1'],
    ['FollowerProcessPROPOSE', 's2', 's1'],
    ['LeaderProcessACK', 's1', 's2'],
  ]);
}

/** s1 has logged a transaction of epoch 1; s2 and s3 have established epoch 2 without it. */
export function oneSkipped(actions: ProtocolActions, init: State): State {
  return play(actions, init, [
    ...establish('s1', 's2'),
    ['LeaderProcessRequest', 's1'],
    ['Timeout', 's1', 's2'],
    ...establish('s2', 's3'),
  ]);
}
