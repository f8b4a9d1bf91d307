import { describe, expect, test } from 'vitest';
import { checkWireTap } from '../../../../src/harness/world/wire-tap/tap-checks.ts';
import type { TapEvent, TapMessage } from '../../../../src/harness/world/wire-tap/tap-event.ts';
import { Exchange, goodExchange, hex, proposal } from './exchange.ts';

const links = ['client', 'election', 'quorum'] as const;

function check(events: readonly TapEvent[], servers = 3) {
  return checkWireTap({ links, events, dropped: 0 }, servers);
}

/** Kinds of anomalies and whom they blame. */
function found(events: readonly TapEvent[], servers = 3): string[] {
  return check(events, servers).flatMap(({ anomalies }) =>
    anomalies.map(({ kind, nodes = [] }) => `${kind} ${nodes.join(' ')}`),
  );
}

/** Index of the nth event that has all these fields. */
function at(events: readonly TapEvent[], fields: Partial<TapEvent>, nth = 0): number {
  const places = events.flatMap((event, index) =>
    Object.entries(fields).every(([name, value]) => Reflect.get(event, name) === value)
      ? [index]
      : [],
  );
  const place = places[nth];
  if (place === undefined) throw new Error(`no such event: ${JSON.stringify(fields)}`);
  return place;
}

const replaced = (events: readonly TapEvent[], index: number, message: TapMessage): TapEvent[] =>
  events.with(index, { ...(events[index] as TapEvent), ...message } as TapEvent);

const without = (events: readonly TapEvent[], ...indices: readonly number[]): TapEvent[] =>
  events.filter((_, index) => !indices.includes(index));

describe('what passed on the wires is judged', () => {
  test('a good exchange passes, and each check looked at something', () => {
    for (const { verdict, looked } of check(goodExchange())) {
      expect(verdict).toBe('pass');
      expect(looked).toBeGreaterThan(0);
    }
  });

  test('nothing to look at is not a pass; no peers, or wires that are not tapped, are no matter', () => {
    expect(check([]).map(({ verdict }) => verdict)).toEqual(Array(4).fill('not-exercised'));
    expect(check(goodExchange(), 1)).toEqual([]);
    expect(checkWireTap({ links: ['client'], events: [], dropped: 0 }, 3)).toEqual([]);
  });

  test('a commit without the acknowledgement of a quorum blames the leader', () => {
    const events = goodExchange();
    const acks = [1, 2].map((from) => at(events, { message: 'ACK', from, zxid: hex(2, 2) }));
    expect(found(without(events, ...acks))).toEqual([
      'commit-without-quorum 3',
      'commit-without-quorum 3',
      'acknowledged-without-quorum 3',
    ]);
    // One acknowledgement beside the leader's own is a quorum of three, and none of five.
    expect(found(without(events, acks[0] as number))).toEqual([]);
    expect(found(without(events, acks[0] as number), 5)).toContain('commit-without-quorum 3');
  });

  test('an acknowledgement that comes after the commit does not count', () => {
    const events = goodExchange();
    const commit = at(events, { message: 'COMMIT', to: 1, zxid: hex(2, 1) });
    const ack = at(events, { message: 'ACK', from: 1, zxid: hex(2, 1) });
    const early = [...events];
    const [moved] = early.splice(commit, 1);
    early.splice(ack, 0, moved as TapEvent);
    expect(found(early)).toEqual(['commit-without-quorum 3']);
  });

  test('commits out of order, and of what was not proposed', () => {
    const events = goodExchange();
    const commit = at(events, { message: 'COMMIT', to: 1, zxid: hex(2, 1) });
    const swapped = replaced(events, commit, { message: 'COMMIT', zxid: hex(2, 2) });
    expect(found(swapped)).toContain('commit-out-of-order 3');
    const extra = events.toSpliced(commit, 0, events[commit] as TapEvent);
    expect(found(extra)).toContain('commit-out-of-order 3');
  });

  test('a gap in the proposals, and another epoch, blame the leader', () => {
    const events = goodExchange();
    const second = at(events, { message: 'PROPOSAL', to: 2, zxid: hex(2, 2) });
    const rest = without(events, second).filter(
      (event) => !(event.connection === 2 && event.n > second && event.message !== 'PROPOSAL'),
    );
    expect(found(rest)).toContain('proposal-out-of-order 3');
    const foreign = replaced(events, second, proposal(1, 2));
    expect(found(foreign)).toContain('proposal-out-of-order 3');
  });

  test('two transactions under one zxid', () => {
    const events = goodExchange();
    const second = at(events, { message: 'PROPOSAL', to: 2, zxid: hex(2, 2) });
    const other = { ...proposal(2, 2), cxid: 99 } as TapMessage;
    expect(found(replaced(events, second, other))).toEqual(['two-txns-one-zxid 3 3']);
  });

  test('acknowledgements of what was not proposed, or in another order, blame the learner', () => {
    const events = goodExchange();
    const first = at(events, { message: 'ACK', from: 2, zxid: hex(2, 1) });
    const ahead = replaced(events, first, { message: 'ACK', zxid: hex(2, 7) });
    expect(found(ahead)).toContain('acknowledged-unproposed 2');
    expect(found(ahead)).toContain('acknowledged-out-of-order 2');
  });

  test('a client that is answered too early, or for nothing', () => {
    const events = goodExchange();
    const reply = at(events, { message: 'reply', xid: 2 });
    const made = replaced(events, reply, { message: 'reply', xid: 2, zxid: hex(2, 9), err: 0 });
    expect(found(made)).toEqual(['acknowledged-never-proposed 3']);
    const early = [...events];
    const [moved] = early.splice(reply, 1);
    early.splice(at(events, { message: 'ACK', from: 1, zxid: hex(2, 2) }), 0, moved as TapEvent);
    expect(found(early)).toEqual(['acknowledged-without-quorum 3']);
    const refused = replaced(made, reply, { message: 'reply', xid: 2, zxid: hex(2, 9), err: -101 });
    expect(found(refused)).toEqual([]);
  });

  test('two leaders of one epoch, and one that no quorum has acknowledged', () => {
    const exchange = new Exchange();
    exchange.events.push(...goodExchange());
    exchange.say('quorum', 20, 2, 1, { message: 'NEWLEADER', epoch: 2 });
    expect(found(exchange.events)).toEqual(['two-leaders 3 2']);
    const events = goodExchange();
    const acks = [1, 2].map((from) => at(events, { message: 'ACK', from, zxid: hex(2, 0) }));
    expect(found(without(events, ...acks))).toEqual(
      expect.arrayContaining(['leader-without-quorum 3']),
    );
  });

  test('an accepted epoch that is forgotten, and a proposed one that is not above it', () => {
    const exchange = new Exchange();
    exchange.events.push(...goodExchange());
    exchange.say('quorum', 21, 1, 3, { message: 'FOLLOWERINFO', acceptedEpoch: 1, sid: 1 });
    expect(found(exchange.events)).toEqual(['accepted-epoch-went-back 1']);
    const events = goodExchange();
    const info = at(events, { message: 'LEADERINFO', to: 1 });
    expect(found(replaced(events, info, { message: 'LEADERINFO', epoch: 0 }))).toContain(
      'epoch-not-above 3',
    );
  });

  test('what was acknowledged is still there at the next leader, unless a leader took it back', () => {
    const again = (prelude?: TapMessage): TapEvent[] => {
      const exchange = new Exchange();
      exchange.events.push(...goodExchange());
      if (prelude !== undefined) exchange.say('quorum', 30, 2, 1, prelude);
      exchange.say('quorum', 31, 1, 2, { message: 'FOLLOWERINFO', acceptedEpoch: 2, sid: 1 });
      exchange.say('quorum', 31, 1, 2, {
        message: 'ACKEPOCH',
        zxid: hex(2, 2),
        currentEpoch: 2,
      });
      return exchange.events;
    };
    expect(found(again())).toEqual(['acknowledgement-forgotten 1']);
    expect(found(again({ message: 'TRUNC', zxid: hex(2, 2) }))).toEqual([]);
    expect(found(again({ message: 'SNAP', zxid: hex(1, 9) }))).toEqual([]);
  });

  test('what was in bytes that could not be read is blamed on nobody', () => {
    const events = goodExchange();
    const first = at(events, { message: 'ACK', from: 1, zxid: hex(2, 1) });
    const second = at(events, { message: 'ACK', from: 2, zxid: hex(2, 1) });
    const gap: TapMessage = { message: 'gap', reason: 'garbage' };
    const torn = replaced(replaced(events, first, gap), second, gap);
    expect(found(torn)).toEqual([]);
    const clients = check(torn).find(({ checker }) => checker === 'tap-clients');
    expect(clients?.findings).toBeDefined();
  });
});
