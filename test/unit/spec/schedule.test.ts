import { describe, expect, test } from 'vitest';
import { explore } from '../../../spec/kernel/explore.ts';
import type { Spec } from '../../../spec/kernel/model.ts';
import type { Sid, State } from '../../../spec/models/zab/system-state.ts';
import { zabSystem } from '../../../spec/models/zab/zab-system.ts';
import { counterexampleOf } from '../../../spec/schedule/counterexamples.ts';
import { faultsOf } from '../../../spec/schedule/faults.ts';
import {
  choices,
  inTurns,
  type ScheduleStep,
  startOf,
  type TurnState,
  take,
} from '../../../spec/schedule/grain.ts';
import { abstractOf, pathCover } from '../../../spec/schedule/path-cover.ts';
import { everydayScopes, specOf } from '../../../spec/schedule/scopes.ts';
import { differences, viewOf } from '../../../spec/schedule/view.ts';
import { type Behaviour, walk } from '../../../spec/schedule/walk.ts';

const { spec } = specOf({ title: '', scope: {} });

/** Takes the only step that has this action, or the one with these parameters. */
function reached(from: Spec<TurnState>, steps: readonly (string | ScheduleStep)[]): TurnState {
  return steps.reduce((state: TurnState, wanted) => {
    const fits = choices(from, state).filter(({ action, params }) =>
      typeof wanted === 'string'
        ? action === wanted
        : action === wanted.action &&
          Object.entries(wanted.params).every(([key, value]) => params[key] === value),
    );
    expect(fits).toHaveLength(1);
    return take(from, state, fits[0] as ScheduleStep);
  }, startOf(from));
}

const elected: readonly ScheduleStep[] = ['s1', 's2'].map((i) => ({
  action: 'Elected',
  params: { i, leader: 's2' },
}));
const established = [
  ...elected,
  ...['Connected', 'FollowerInfoReceived', 'EpochProposed', 'AcceptedEpochSaved'],
  ...['EpochAckReceived', 'CurrentEpochSaved', 'SyncReceived', 'NewLeaderReceived'],
  ...['CurrentEpochSaved', 'NewLeaderAckReceived', 'LearnerActivated'],
];

describe('turns', () => {
  test('are fewer states than the small steps of the model, and exactly so many', () => {
    const fine = explore(zabSystem.define(zabSystem.scope));
    const turns = explore(spec);
    expect([fine.distinct, turns.distinct]).toEqual([804, 528]);
    expect(turns.violations).toEqual([]);
    expect(turns.isComplete).toBe(true);
  });

  test('hold what a server does at once: the leader logs what it proposes, and commits what a quorum has', () => {
    const proposed = reached(spec, [...established, 'ProposalSent']);
    expect(proposed.servers.s2.log).toHaveLength(1);
    expect(proposed.servers.s2.flushed).toBe(0);
    const committed = [
      ...established,
      ...['ProposalSent', 'ProposalReceived'],
      { action: 'TxnFlushed', params: { i: 's1' } },
      { action: 'TxnFlushed', params: { i: 's2' } },
      'AckReceived',
    ];
    const { s2 } = reached(spec, committed).servers;
    expect([s2.applied, s2.pending]).toEqual([1, []]);
  });

  test('write the log in groups: what comes during a flush is flushed together', () => {
    const { spec: two } = specOf({ title: '', scope: { txns: 3, window: 3 } });
    const proposed = reached(two, [...established, 'ProposalSent', 'ProposalSent', 'ProposalSent']);
    expect(proposed.writing.s2).toEqual({ upTo: 1, isOpen: true });
    const flush: ScheduleStep = { action: 'TxnFlushed', params: { i: 's2' } };
    const first = take(two, proposed, flush);
    expect([first.servers.s2.flushed, first.writing.s2.upTo]).toEqual([1, 3]);
    expect(take(two, first, flush).servers.s2.flushed).toBe(3);
  });

  test('an unflushed group may arrive in part at a crash, and no later one', () => {
    const crashed: ScheduleStep = { action: 'Crash', params: { i: 's2' } };
    const down = reached(spec, [...established, 'ProposalSent', crashed]);
    const kept = choices(spec, down).flatMap(({ action, params }) =>
      action === 'Recovered' ? [params.kept] : [],
    );
    expect(kept).toEqual([0, 1]);
  });
});

describe('path cover', () => {
  test('takes every action in every abstract state, and the same for the same seed', () => {
    const options = { seed: 'a', maxSteps: 60 };
    const cover = pathCover(spec, options);
    const pairs = new Set<string>();
    for (const schedule of cover.schedules) {
      let state = startOf(spec);
      for (const step of schedule) {
        pairs.add(`${step.action} in ${abstractOf(state)}`);
        state = take(spec, state, step);
      }
    }
    expect(pairs.size).toBe(cover.pairs);
    expect(pathCover(spec, options)).toEqual(cover);
    expect(pathCover(spec, { ...options, seed: 'b' }).schedules).not.toEqual(cover.schedules);
  });

  test('every scope can be explored whole and begins where servers look for a leader', () => {
    for (const scope of everydayScopes) {
      const { servers } = startOf(specOf(scope).spec);
      for (const { role } of Object.values(servers)) expect(role).toBe('looking');
    }
  });
});

describe('view', () => {
  test('of equal states is equal; a lost message and another log are told', () => {
    const proposed = reached(spec, [...established, 'ProposalSent']);
    const view = viewOf(proposed);
    expect(differences(view, view)).toEqual([]);
    expect(view.channels).toEqual({ 's2→s1': ['PROPOSAL 1.1 = 0'] });
    const { s1 } = view.servers;
    const other = {
      servers: { ...view.servers, s1: { ...(s1 as NonNullable<typeof s1>), lastLogged: '1.1' } },
      channels: {},
    };
    expect(differences(view, other)).toEqual([
      's1 lastLogged: the model says 0.0, the server 1.1',
      's2→s1: the model sends [PROPOSAL 1.1 = 0], the server []',
    ]);
  });
});

describe('counterexamples', () => {
  test('end where the promise is broken, and nowhere before', () => {
    const { property, scope, start, states, steps } = counterexampleOf('staleAcksCount');
    expect([property, steps.length, states.length]).toEqual(['durability', 27, 27]);
    const right = inTurns(zabSystem.define(scope) as Spec<State>);
    const holds = right.always?.durability;
    const broken = [start, ...states].map((state) => holds?.(state) === false);
    expect(broken.indexOf(true)).toBe(states.length);
  });
});

describe('walks', () => {
  const behaviours = (faultPerMille: number): readonly Behaviour[] => {
    const taken = new Map<string, number>();
    const many = specOf({ title: '', scope: { crashes: 2, timeouts: 2, partitions: 1 } });
    return ['a', 'b', 'c', 'd', 'e', 'f'].map((seed) => [
      ...walk(many.spec, startOf(many.spec), { seed, taken, faultPerMille }),
    ]);
  };

  test('go on until nothing is possible any more', () => {
    for (const behaviour of behaviours(1000)) {
      expect(choices(spec, (behaviour.at(-1) as Behaviour[number]).after)).toEqual([]);
    }
  });

  test('their faults name the server that leads first as the largest, and the step before', () => {
    const faults = behaviours(100).flatMap(faultsOf);
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(['crash', 'cut', 'timeout']));
    expect(faults.some(({ after: moment }) => moment !== undefined)).toBe(true);
    for (const { servers, steps } of faults) {
      expect(servers.every((server) => server === 1 || server === 2)).toBe(true);
      expect(steps).toBeGreaterThan(0);
    }
  });

  test('what a crash takes with it is one fault with the crash of another meanwhile', () => {
    const crash = (i: Sid): ScheduleStep => ({ action: 'Crash', params: { i } });
    const { spec: twice } = specOf({ title: '', scope: { crashes: 2 } });
    let before = startOf(twice);
    const behaviour = [...elected, crash('s1'), crash('s2')].map((step) => {
      const next = take(twice, before, step);
      const taken = { before, step, after: next };
      before = next;
      return taken;
    });
    expect(faultsOf(behaviour).map(({ servers }) => servers)).toEqual([[1, 2]]);
  });
});
