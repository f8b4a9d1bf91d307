/**
 * How old a read may be. A follower serves reads while it has heard from its leader within the sync limit *of
 * its own clock*; what it hears comes in order, so that hearing anything means having everything before
 * it. If its clock keeps within a rate of real time, the age of a read has a bound. If it may stand still
 * (a paused process, an asynchronous system), it has none.
 */
import { actionsOn, alter, model, type Spec } from '../kernel/model.ts';

interface State {
  /** Ticks of real time since the oldest write that the follower lacks was acknowledged; 0: none. */
  readonly age: number;
  /** Ticks of the follower's clock since it heard from its leader. */
  readonly silence: number;
  /** Ticks of real time that its clock has stood still at a stretch. */
  readonly stalled: number;
  readonly isCut: boolean;
  readonly serves: boolean;
}

const action = actionsOn<State>();

/** Of `rate` ticks of real time, the follower's clock counts one at least. */
const boundOf = (syncLimit: number, rate: number): number => (syncLimit + 1) * rate;

const write = action({
  when: { 'the follower has everything': (s) => s.age === 0 },
  next: (s) => ({ ...s, age: 1 }),
  chart: () => ({ from: 'leader', to: 'writer', text: 'done' }),
});

const hear = action({
  when: { 'the link is up': (s) => !s.isCut },
  next: (s) => ({ ...s, age: 0, silence: 0, stalled: 0, serves: true }),
  chart: () => ({ from: 'leader', to: 'follower', text: 'ping, and all before it' }),
});

const tick = (syncLimit: number, bound: number) =>
  action({
    when: { 'it serves': (s) => s.serves },
    next: (s) => ({
      ...s,
      age: aged(s, bound),
      silence: Math.min(s.silence + 1, syncLimit + 1),
      stalled: 0,
      serves: s.silence + 1 <= syncLimit,
    }),
    chart: (s) => ({ from: 'follower', text: `tick ${s.silence + 1} of silence` }),
  });

const stall = (rate: number, bound: number) =>
  action({
    when: {
      'it serves': (s) => s.serves,
      'its clock may stand still': (s) => rate === UNBOUNDED || s.stalled < rate - 1,
    },
    next: (s) => ({
      ...s,
      age: aged(s, bound),
      stalled: rate === UNBOUNDED ? 0 : s.stalled + 1,
    }),
    chart: () => ({ from: 'follower', text: 'time passes, its clock stands still' }),
  });

/** One tick older; the first age beyond the bound stands for all beyond it. */
const aged = ({ age }: State, bound: number): number =>
  age === 0 ? 0 : Math.min(age + 1, bound + 1);

const cut = action({
  when: { 'the link is up': (s) => !s.isCut },
  next: (s) => ({ ...s, isCut: true }),
  chart: () => ({ from: 'follower', text: 'cut off' }),
});

const heal = action({
  when: { 'the link is down': (s) => s.isCut },
  next: (s) => ({ ...s, isCut: false }),
});

const UNBOUNDED = 0;
/** The bound that an asynchronous system is asked for; any other is exceeded as well. */
const SOME_RATE = 2;

export const timeliness = model({
  name: 'timeliness',
  about:
    'The age of a read is bounded by the sync limit and the rate of the clock, else not at all.',
  scope: { syncLimit: 3, rate: 2 },
  runs: { everyday: [{}, { scope: { rate: UNBOUNDED } }, { scope: { syncLimit: 5, rate: 1 } }] },
  define: ({ syncLimit, rate }): Spec<State> => {
    const bound = boundOf(syncLimit, rate === UNBOUNDED ? SOME_RATE : rate);
    return {
      init: { age: 0, silence: 0, stalled: 0, isCut: false, serves: true },
      actions: {
        write,
        hear,
        tick: tick(syncLimit, bound),
        stall: stall(rate, bound),
        cut,
        heal,
      },
      always: { noReadIsOlderThanTheBound: (s) => !s.serves || s.age <= bound },
      sometimes: {
        'a read is stale': (s) => s.serves && s.age > 1,
        'the follower stops serving': (s) => !s.serves,
      },
      refuted: rate === UNBOUNDED ? ['noReadIsOlderThanTheBound'] : [],
      terminal: () => true,
      mutants: {
        pingsOvertakeWrites: {
          about: 'hearing from the leader says nothing of the writes before',
          killedBy: 'noReadIsOlderThanTheBound',
          actions: { hear: alter(hear, { next: (s) => ({ ...s, silence: 0, stalled: 0 }) }) },
        },
        neverGivesUp: {
          about: 'a follower without its leader serves on',
          killedBy: 'noReadIsOlderThanTheBound',
          actions: {
            tick: alter(tick(syncLimit, bound), {
              next: (s) => ({ ...s, age: aged(s, bound), stalled: 0 }),
            }),
          },
        },
      },
    };
  },
});
