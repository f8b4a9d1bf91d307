/**
 * Multi-Paxos: a log of commands, one instance of Paxos per slot, but one promise for all of them. A
 * leader asks for promises once; from then on every command costs one round. A new leader first
 * finishes what it finds in the logs of a quorum, slot by slot, and then goes on with commands of its own.
 *
 * After Lamport, "Paxos Made Simple" (2001), section 3. Asking for a promise is no message here: a lost request
 * is a promise that is never made.
 */
import {
  actionsOn,
  alter,
  type Domain,
  model,
  type Rename,
  type Spec,
} from '../../kernel/model.ts';
import {
  at,
  include,
  keysOf,
  majorities,
  type Name,
  names,
  put,
  putAt,
  range,
  record,
  rekey,
  setOf,
} from '../../kernel/value.ts';
import { type Acceptor, type Ballot, NO_BALLOT } from './voting.ts';

type Command = Name<'c'>;
type Slot = number;

interface Entry {
  readonly ballot: Ballot;
  readonly command: Command;
}
type Log = readonly (Entry | null)[];

interface Promised {
  readonly type: 'promise';
  readonly ballot: Ballot;
  readonly by: Acceptor;
  /** All that the acceptor has accepted, slot by slot. */
  readonly log: Log;
}
interface Proposal {
  readonly type: 'propose';
  readonly ballot: Ballot;
  readonly slot: Slot;
  readonly command: Command;
}
interface Accepted {
  readonly type: 'accept';
  readonly ballot: Ballot;
  readonly slot: Slot;
  readonly command: Command;
  readonly by: Acceptor;
}
type Message = Promised | Proposal | Accepted;
type MessageOf<T extends Message['type']> = Extract<Message, { readonly type: T }>;

interface AcceptorState {
  readonly promised: Ballot;
  readonly log: Log;
}

interface State {
  readonly acceptors: Readonly<Record<Acceptor, AcceptorState>>;
  /** For each ballot what its leader found and must finish first; null before it leads. */
  readonly found: readonly (readonly (Command | null)[] | null)[];
  readonly sent: readonly Message[];
}

const action = actionsOn<State>();

export const multiPaxos = model({
  name: 'multi-paxos',
  about: 'A log by Paxos: one promise for all slots, one round per command.',
  scope: { acceptors: 3, commands: 2, ballots: 2, slots: 2 },
  runs: {
    everyday: [{ scope: { slots: 1 } }, { walks: { walks: 1_500, steps: 40, seed: '5eed' } }],
    nightly: [{ scope: { commands: 1 } }, { symmetry: true }],
  },

  define(scope): Spec<State> {
    const acceptors = names('a', scope.acceptors);
    const commands = names('c', scope.commands);
    const ballots = range(scope.ballots);
    const slots = range(scope.slots);
    const quorums = majorities(acceptors);

    const promise = action({
      for: { a: acceptors, ballot: ballots },
      when: {
        'the ballot is larger than any promised': (s, { a, ballot }) =>
          ballot > s.acceptors[a].promised,
      },
      next: (s, { a, ballot }) => ({
        ...s,
        acceptors: put(s.acceptors, a, { promised: ballot }),
        sent: include(s.sent, { type: 'promise', ballot, by: a, log: s.acceptors[a].log }),
      }),
      chart: (_, { a, ballot }) => ({ from: a, to: leader(ballot), text: `promise ${ballot}` }),
    });

    const lead = action({
      for: { ballot: ballots, quorum: quorums },
      when: {
        'it does not lead yet': (s, { ballot }) => at(s.found, ballot) === null,
        'the quorum has promised': (s, { ballot, quorum }) =>
          promisesOf(s, ballot, quorum).length === quorum.length,
      },
      next: (s, { ballot, quorum }) => ({
        ...s,
        found: putAt(s.found, ballot, latestOf(promisesOf(s, ballot, quorum), slots)),
      }),
      chart: (_, { ballot, quorum }) => ({
        from: leader(ballot),
        text: `leads with ${quorum.join(' ')}`,
      }),
    });

    const propose = action({
      for: { ballot: ballots, command: commands },
      when: {
        'it leads': (s, { ballot }) => at(s.found, ballot) !== null,
        'there is a slot left': (s, { ballot }) => nextSlot(s, ballot) < slots.length,
        'it finishes first what it found': (s, { ballot, command }) => {
          const open = s.found[ballot]?.[nextSlot(s, ballot)] ?? null;
          return open === null || open === command;
        },
      },
      next: (s, { ballot, command }) =>
        send(s, { type: 'propose', ballot, slot: nextSlot(s, ballot), command }),
      chart: (s, { ballot, command }) => ({
        from: leader(ballot),
        text: `proposes ${command} for slot ${nextSlot(s, ballot)}`,
      }),
    });

    const accept = action({
      for: { a: acceptors, m: received('propose') },
      when: {
        'no larger ballot was promised': (s, { a, m }) => m.ballot >= s.acceptors[a].promised,
        'it has not accepted this yet': (s, { a, m }) =>
          !messages(s, 'accept').some(
            (sent) => sent.by === a && sent.ballot === m.ballot && sent.slot === m.slot,
          ),
      },
      next: (s, { a, m: { ballot, slot, command } }) => {
        const log = putAt(s.acceptors[a].log, slot, { ballot, command });
        return {
          ...s,
          acceptors: put(s.acceptors, a, { promised: ballot, log }),
          sent: include(s.sent, { type: 'accept', ballot, slot, command, by: a }),
        };
      },
      chart: (_, { a, m }) => ({
        from: leader(m.ballot),
        to: a,
        text: `${m.command} in slot ${m.slot}`,
      }),
    });

    const chosenAt = (s: State, slot: Slot): readonly Command[] => {
      const accepts = messages(s, 'accept').filter((m) => m.slot === slot);
      const isChosen = ({ ballot, command }: Entry): boolean =>
        quorums.some((quorum) =>
          quorum.every((a) =>
            accepts.some((m) => m.by === a && m.ballot === ballot && m.command === command),
          ),
        );
      return setOf(accepts.filter(isChosen).map(({ command }) => command));
    };

    return {
      init: {
        acceptors: record(acceptors, () => ({ promised: NO_BALLOT, log: slots.map(() => null) })),
        found: ballots.map(() => null),
        sent: [],
      },
      actions: { promise, lead, propose, accept },
      always: {
        'at most one command per slot': (s) => slots.every((slot) => chosenAt(s, slot).length <= 1),
        'a leader proposes one command per slot': (s) => {
          const proposals = messages(s, 'propose').map(({ ballot, slot }) => ({ ballot, slot }));
          return setOf(proposals).length === proposals.length;
        },
      },
      onStep: {
        'what is chosen stays chosen': ({ before, after }) =>
          slots.every((slot) =>
            chosenAt(before, slot).every((command) => chosenAt(after, slot).includes(command)),
          ),
        'promises only grow': ({ before, after }) =>
          acceptors.every((a) => after.acceptors[a].promised >= before.acceptors[a].promised),
      },
      sometimes: {
        'every slot is filled': (s) => slots.every((slot) => chosenAt(s, slot).length === 1),
        'a new leader finishes what it found': (s) =>
          s.found.some((found, ballot) => found?.[0] != null && nextSlot(s, ballot) > 0),
        'a command is chosen in two slots': (s) =>
          setOf(slots.flatMap((slot) => chosenAt(s, slot))).length <
          slots.flatMap((slot) => chosenAt(s, slot)).length,
        'a later slot is chosen before an earlier one': (s) =>
          slots.some(
            (slot) =>
              slot > 0 && chosenAt(s, slot).length > 0 && chosenAt(s, slot - 1).length === 0,
          ),
      },
      symmetry: { sets: { acceptors, commands }, permute: renameState },
      mutants: {
        'promise tells of the first slot only': {
          about: 'the log in a promise is cut off',
          killedBy: 'at most one command per slot',
          scope: { slots: 2 },
          walks: { walks: 20_000, steps: 40, seed: '5eed' },
          actions: {
            promise: alter(promise, {
              next: (s, { a, ballot }) => {
                const log = s.acceptors[a].log.map((entry, slot) => (slot === 0 ? entry : null));
                return {
                  ...s,
                  acceptors: put(s.acceptors, a, { promised: ballot }),
                  sent: include(s.sent, { type: 'promise', ballot, by: a, log }),
                };
              },
            }),
          },
        },
        'the new leader starts afresh': {
          about: 'it does not finish what it found',
          killedBy: 'at most one command per slot',
          actions: { propose: alter(propose, { drop: 'it finishes first what it found' }) },
        },
        'leads by itself': {
          about: 'it leads before a quorum has promised',
          killedBy: 'at most one command per slot',
          actions: { lead: alter(lead, { drop: 'the quorum has promised' }) },
        },
        'accept from a deposed leader': {
          about: 'the acceptor does not look at its promise before it accepts',
          killedBy: ['at most one command per slot', 'promises only grow'],
          actions: { accept: alter(accept, { drop: 'no larger ballot was promised' }) },
        },
        'two commands for one slot': {
          about: 'the leader does not count its slots',
          killedBy: ['a leader proposes one command per slot', 'at most one command per slot'],
          scope: { slots: 2 },
          walks: { walks: 20_000, steps: 40, seed: '5eed' },
          actions: {
            propose: alter(propose, {
              next: (s, { ballot, command }) =>
                send(s, { type: 'propose', ballot, slot: 0, command }),
            }),
            accept: alter(accept, { drop: 'it has not accepted this yet' }),
          },
        },
      },
    };
  },
});

/** A leader fills its slots in order. */
const nextSlot = (s: State, ballot: Ballot): Slot =>
  messages(s, 'propose').filter((m) => m.ballot === ballot).length;

const promisesOf = (s: State, ballot: Ballot, quorum: readonly Acceptor[]): readonly Promised[] =>
  messages(s, 'promise').filter((m) => m.ballot === ballot && quorum.includes(m.by));

/** For each slot the command accepted in the largest ballot, if there is one. */
function latestOf(
  promises: readonly Promised[],
  slots: readonly Slot[],
): readonly (Command | null)[] {
  return slots.map((slot) => {
    const entries = promises.flatMap(({ log }) => log[slot] ?? []);
    const latest = Math.max(...entries.map(({ ballot }) => ballot));
    return entries.find(({ ballot }) => ballot === latest)?.command ?? null;
  });
}

const send = (s: State, message: Message): State => ({ ...s, sent: include(s.sent, message) });

function received<T extends Message['type']>(type: T): Domain<State, MessageOf<T>> {
  return (s) => messages(s, type);
}

function messages<T extends Message['type']>(s: State, type: T): readonly MessageOf<T>[] {
  return s.sent.filter((m): m is MessageOf<T> => m.type === type);
}

const leader = (ballot: Ballot): string => `l${ballot}`;

function renameState({ acceptors, found, sent }: State, rename: Rename): State {
  const renameLog = (log: Log): Log =>
    log.map((entry) => entry && { ...entry, command: rename(entry.command) });
  return {
    acceptors: rekey(
      record(keysOf(acceptors), (a) => ({
        ...acceptors[a],
        log: renameLog(acceptors[a].log),
      })),
      rename,
    ),
    found: found.map((plan) => plan?.map((command) => command && rename(command)) ?? null),
    sent: setOf(
      sent.map((m): Message => {
        if (m.type === 'promise') return { ...m, by: rename(m.by), log: renameLog(m.log) };
        if (m.type === 'propose') return { ...m, command: rename(m.command) };
        return { ...m, command: rename(m.command), by: rename(m.by) };
      }),
    ),
  };
}
