/**
 * The model of the running server, at the grain of the server itself.
 *
 * `zab-system` takes small steps, so that a crash fits between any two of them. A server core takes larger
 * ones: what it does in one turn nothing can come between. Here every step of the model is followed by those
 * that the core takes in the same turn, and the log is written in the core's groups. So a behaviour is a
 * *schedule*: each step is one thing that the world does to a server (a packet arrives, the disk
 * completes, a client writes, a crash), and afterwards the server can be compared with the model.
 */
import { assert } from '../../src/base/assert.ts';
import { type Action, initialStates, type Params, type Spec } from '../kernel/model.ts';
import { enabledSteps, falseGuards, Stepper } from '../kernel/step.ts';
import { record } from '../kernel/value.ts';
import { type Sid, type State, sidsOf } from '../models/zab/system-state.ts';

/** What one server's log is writing. */
export interface Writing {
  /** The group under way reaches to this position; equal to `flushed` when there is none. */
  readonly upTo: number;
  /** A transaction alone begins a group if there is a file for it. */
  readonly isOpen: boolean;
}

export type TurnState = State & { readonly writing: Readonly<Record<Sid, Writing>> };

/** Taken at once wherever they are enabled. In this order, which is the core's. */
const IN_THE_SAME_TURN: readonly string[] = [
  'ProposalLogged',
  'ProposalCommitted',
  'TxnApplied',
  'ProposalAcked',
  'SyncChosen',
  'NewLeaderAcked',
  'LeaderEstablished',
];

/** The spec whose steps are whole turns of servers. Its properties are those of the model. */
export function inTurns(fine: Spec<State>): Spec<TurnState> {
  const sameTurn = { ...fine, actions: chosen(fine, IN_THE_SAME_TURN) };
  const stepper = new Stepper(sameTurn);
  const finish = (before: State): State => {
    let state = before;
    for (let isMoving = true; isMoving; ) {
      let next: (() => State) | undefined;
      stepper.forEach(state, (action, params) => {
        const copy = { ...params };
        next ??= () => stepper.take(action, state, copy);
      });
      isMoving = next !== undefined;
      if (next !== undefined) state = next();
    }
    return state;
  };
  const names = Object.keys(fine.actions).filter((name) => !IN_THE_SAME_TURN.includes(name));
  const turns = names.map((name) => [
    name,
    turnOf(name, fine.actions[name] as Action<State>, finish),
  ]);
  const { mutants: _, starts: __, symmetry: ___, ...properties } = fine;
  return {
    ...(properties as unknown as Spec<TurnState>),
    init: initialStates(fine).map(atRest),
    actions: Object.fromEntries(turns) as Readonly<Record<string, Action<TurnState>>>,
  };
}

function chosen(
  fine: Spec<State>,
  names: readonly string[],
): Readonly<Record<string, Action<State>>> {
  for (const name of names) assert(name in fine.actions, 'the model has this action', { name });
  return Object.fromEntries(names.map((name) => [name, fine.actions[name] as Action<State>]));
}

export function atRest(s: State): TurnState {
  const writing = record(sidsOf(s), (i) => ({ upTo: s.servers[i].flushed, isOpen: false }));
  return { ...s, writing };
}

function turnOf(
  name: string,
  action: Action<State>,
  finish: (state: State) => State,
): Action<TurnState> {
  const one = action as unknown as Action<TurnState>;
  const guards = name === 'Recovered' ? { ...one.when, ...onlyWhatTheDiskWasGiven } : one.when;
  return {
    ...one,
    ...(guards === undefined ? {} : { when: guards }),
    next: (before, params) => {
      const step = name === 'TxnFlushed' ? flushGroup : one.next;
      const after = finish(step(before, params)) as TurnState;
      return { ...after, writing: writingAfter(before, name, after) };
    },
  };
  function flushGroup(before: TurnState, params: Params): TurnState {
    const { i } = params as { readonly i: Sid };
    const { upTo } = before.writing[i];
    let s: State = before;
    while (s.servers[i].flushed < upTo) s = action.next(s, params);
    return s as TurnState;
  }
}

/** The log that is not flushed: its first group may be on the disk in part, later ones were never written. */
const onlyWhatTheDiskWasGiven = {
  'the disk was given no more': (s: TurnState, params: Params): boolean => {
    const { i, kept } = params as { readonly i: Sid; readonly kept: number };
    const { upTo } = s.writing[i];
    // Without a crash the disk comes to rest first.
    return s.servers[i].role === 'recovering' ? kept === upTo : kept <= upTo;
  },
};

function writingAfter(before: TurnState, action: string, s: State): TurnState['writing'] {
  return record(sidsOf(s), (i): Writing => {
    const { flushed, log, role } = s.servers[i];
    const old = before.writing[i];
    if (role === 'down' || role === 'recovering') return old;
    const isRead = before.servers[i].role !== role || isNewHistory(before, s, i);
    const isOpen = old.isOpen && !isRead;
    if (flushed === log.length) return { upTo: flushed, isOpen: isOpen && role !== 'looking' };
    if (old.upTo > flushed && isOpen) return old;
    // What waited goes together; so does what is handed over at once, or while a file is begun.
    const isTogether = !isOpen || action === 'TxnFlushed' || action === 'NewLeaderReceived';
    return { upTo: isTogether ? log.length : flushed + 1, isOpen: true };
  });
}

/** A log that was read back or replaced is not being written. */
function isNewHistory(before: State, after: State, i: Sid): boolean {
  const [old, now] = [before.servers[i].phase, after.servers[i].phase];
  return ['loading', 'truncating', 'truncated'].includes(old) && now !== old;
}

// --- schedules -----------------------------------------------------------------------------------

export interface ScheduleStep {
  readonly action: string;
  readonly params: Params;
}

/** The one initial state. */
export function startOf(spec: Spec<TurnState>): TurnState {
  const [state] = initialStates(spec);
  assert(state !== undefined, 'a spec has an initial state');
  return state;
}

/** The steps that the world may take now, in the order of the spec. */
export function choices(spec: Spec<TurnState>, state: TurnState): readonly ScheduleStep[] {
  return enabledSteps({ ...spec, actions: withoutEffect(spec) }, state).map(
    ({ action, params }) => ({ action, params }),
  );
}

/** Guards alone: a step that is impossible is found out when it is taken. */
function withoutEffect(spec: Spec<TurnState>): Spec<TurnState>['actions'] {
  return Object.fromEntries(
    Object.entries(spec.actions).map(([name, action]) => [name, { ...action, next: (s) => s }]),
  );
}

export function take(spec: Spec<TurnState>, state: TurnState, step: ScheduleStep): TurnState {
  const guards = falseGuards(spec, state, step.action, step.params);
  assert(guards.length === 0, 'the step is enabled', { action: step.action, guards });
  return (spec.actions[step.action] as Action<TurnState>).next(state, step.params);
}
