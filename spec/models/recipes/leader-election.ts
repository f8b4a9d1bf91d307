/**
 * Master election: every candidate creates an ephemeral sequential node, the smallest leads, each watches
 * the one before its own. When the master's session ends, its node goes and the next is woken. The service
 * records one master at a time; a master that is paused while its session expires believes on, as a
 * lock's holder does.
 */
import { actionsOn, alter, model, type Spec } from '../../kernel/model.ts';
import { type Name, names, put, record } from '../../kernel/value.ts';

type CandidateName = Name<'m'>;

interface Candidate {
  readonly at: 'out' | 'standing' | 'standby' | 'leading';
  readonly node: number;
  readonly before: number;
  readonly isExpired: boolean;
}

interface State {
  readonly candidates: Readonly<Record<CandidateName, Candidate>>;
  readonly created: number;
  readonly expiries: number;
}

const action = actionsOn<State>();

const candidatesOf = (s: State): readonly CandidateName[] =>
  Object.keys(s.candidates) as CandidateName[];
const isAt = (s: State, one: CandidateName, at: Candidate['at']): boolean =>
  s.candidates[one].at === at;
const isLive = (s: State, one: CandidateName): boolean => !s.candidates[one].isExpired;
const move = (s: State, one: CandidateName, change: Partial<Candidate>): State => ({
  ...s,
  candidates: put(s.candidates, one, change),
});
const registered = (s: State): readonly CandidateName[] =>
  candidatesOf(s).filter((one) => isLive(s, one) && s.candidates[one].node !== 0);

/** Whom the service records: the smallest node. */
const recordedMaster = (s: State): CandidateName | undefined =>
  registered(s).reduce<CandidateName | undefined>(
    (least, one) =>
      least === undefined || s.candidates[one].node < s.candidates[least].node ? one : least,
    undefined,
  );

const stand = action({
  for: { one: candidatesOf },
  when: { 'it is out': (s, { one }) => isAt(s, one, 'out') },
  next: (s, { one }) => ({
    ...move(s, one, { at: 'standing', node: s.created + 1 }),
    created: s.created + 1,
  }),
  chart: (s, { one }) => ({ from: one, to: 'service', text: `create master-${s.created + 1}` }),
});

/** Lists the children, and watches the one before in the same step: `exists` finds it or lists again. */
const look = action({
  for: { one: candidatesOf },
  when: {
    'it stands': (s, { one }) => isAt(s, one, 'standing'),
    'its session lives': (s, { one }) => isLive(s, one),
  },
  next: (s, { one }) => {
    const smaller = registered(s)
      .map((other) => s.candidates[other].node)
      .filter((node) => node < s.candidates[one].node);
    const before = Math.max(0, ...smaller);
    return move(s, one, { at: before === 0 ? 'leading' : 'standby', before });
  },
  chart: (s, { one }) => ({
    from: 'service',
    to: one,
    text: recordedMaster(s) === one ? 'you are the smallest' : 'wait for the one before you',
  }),
});

const expire = (isEventLost: boolean) =>
  action({
    for: { one: candidatesOf },
    when: {
      'an expiry is left': (s) => s.expiries > 0,
      'it has a node': (s, { one }) => s.candidates[one].node !== 0,
      'its session lives': (s, { one }) => isLive(s, one),
    },
    next: (s, { one }) => {
      const gone = move(s, one, { isExpired: true });
      const after = candidatesOf(s)
        .filter((other) => isAt(s, other, 'standby') && isLive(s, other) && !isEventLost)
        .filter((other) => s.candidates[other].before === s.candidates[one].node)
        .reduce((each, other) => move(each, other, { at: 'standing', before: 0 }), gone);
      return { ...after, expiries: s.expiries - 1 };
    },
    chart: (_, { one }) => ({ from: 'service', text: `session of ${one} expires` }),
  });

/** It comes back with a new session. */
const comeBack = action({
  for: { one: candidatesOf },
  when: { 'its session expired': (s, { one }) => !isLive(s, one) },
  next: (s, { one }) => move(s, one, { at: 'out', node: 0, before: 0, isExpired: false }),
  chart: (_, { one }) => ({ from: 'service', to: one, text: 'your session expired' }),
});

const masters = (s: State): readonly CandidateName[] =>
  candidatesOf(s).filter((one) => isAt(s, one, 'leading'));

export const leaderElection = model({
  name: 'leader-election',
  about: 'One recorded master at a time, and when it dies the next takes over.',
  scope: { candidates: 3, expiries: 2 },
  runs: { everyday: [{}] },
  define: ({ candidates, expiries }): Spec<State> => ({
    init: {
      candidates: record(names('m', candidates), () => ({
        at: 'out',
        node: 0,
        before: 0,
        isExpired: false,
      })),
      created: 0,
      expiries,
    },
    actions: { stand, look, expire: expire(false), comeBack },
    always: {
      oneMasterIsRecorded: (s) => masters(s).filter((one) => isLive(s, one)).length <= 1,
      theMasterIsTheRecordedOne: (s) =>
        masters(s).every((one) => !isLive(s, one) || recordedMaster(s) === one),
      oneBelievesToBeMaster: (s) => masters(s).length <= 1,
    },
    sometimes: {
      'a second master leads': (s) => masters(s).some((one) => s.candidates[one].node > 1),
      'one leads and all others stand by': (s) =>
        candidatesOf(s).filter((one) => isAt(s, one, 'standby')).length === candidates - 1,
    },
    eventually: {
      somebodyLeads: {
        settles: (s) => masters(s).some((one) => isLive(s, one)),
        weak: ['stand', 'look', 'comeBack'].map((name) => ({ actions: [name], each: 'one' })),
      },
    },
    refuted: expiries > 0 ? ['oneBelievesToBeMaster'] : [],
    terminal: (s) => masters(s).length > 0,
    mutants: {
      theNextIsNotWoken: {
        about: 'the end of a node fires no watch',
        killedBy: 'somebodyLeads',
        actions: { expire: expire(true) },
      },
      everybodyWhoStandsLeads: {
        about: 'nobody looks for a smaller node',
        killedBy: 'oneMasterIsRecorded',
        actions: { look: alter(look, { next: (s, { one }) => move(s, one, { at: 'leading' }) }) },
      },
    },
  }),
});
