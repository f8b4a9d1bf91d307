/** One good exchange between a leader and two learners of three servers, as bytes and as tap events. */
import { formatHex, zxidOf } from '../../../../src/base/zxid.ts';
import type {
  Endpoint,
  TapEvent,
  TapLink,
  TapMessage,
} from '../../../../src/harness/world/wire-tap/tap-event.ts';

/** Appends events with their numbers. */
export class Exchange {
  readonly events: TapEvent[] = [];

  say(link: TapLink, connection: number, from: Endpoint, to: Endpoint, message: TapMessage): void {
    const n = this.events.length + 1;
    this.events.push({ ...message, n, time: n * 1e6, link, connection, from, to });
  }

  /** To leader 3. */
  up(sid: number, message: TapMessage): void {
    this.say('quorum', sid, sid, 3, message);
  }

  /** From leader 3. */
  down(sid: number, message: TapMessage): void {
    this.say('quorum', sid, 3, sid, message);
  }
}

export const hex = (epoch: number, counter: number): string => formatHex(zxidOf(epoch, counter));

export function proposal(epoch: number, counter: number): TapMessage {
  return {
    message: 'PROPOSAL',
    zxid: hex(epoch, counter),
    session: '0x77',
    cxid: counter,
    op: 'setData',
  };
}

/** Discovery, synchronization, and `writes` writes of a client of leader 3, each acknowledged by both. */
export function goodExchange(writes = 3): TapEvent[] {
  const exchange = new Exchange();
  for (const sid of [1, 2]) exchange.up(sid, { message: 'FOLLOWERINFO', acceptedEpoch: 1, sid });
  for (const sid of [1, 2]) exchange.down(sid, { message: 'LEADERINFO', epoch: 2 });
  for (const sid of [1, 2]) {
    exchange.up(sid, { message: 'ACKEPOCH', zxid: hex(1, 9), currentEpoch: 1 });
    exchange.down(sid, { message: 'DIFF', zxid: hex(1, 9) });
    exchange.down(sid, { message: 'NEWLEADER', epoch: 2 });
  }
  for (const sid of [1, 2]) exchange.up(sid, { message: 'ACK', zxid: hex(2, 0) });
  for (const sid of [1, 2]) {
    exchange.down(sid, { message: 'UPTODATE' });
    exchange.up(sid, { message: 'ACK', zxid: hex(2, 0) });
  }
  for (let counter = 1; counter <= writes; counter++) {
    exchange.say('client', 9, 'client 1', 3, { message: 'request', xid: counter, op: 'setData' });
    for (const sid of [1, 2]) exchange.down(sid, proposal(2, counter));
    for (const sid of [1, 2]) exchange.up(sid, { message: 'ACK', zxid: hex(2, counter) });
    for (const sid of [1, 2]) exchange.down(sid, { message: 'COMMIT', zxid: hex(2, counter) });
    const reply = { message: 'reply', xid: counter, zxid: hex(2, counter), err: 0 } as const;
    exchange.say('client', 9, 3, 'client 1', reply);
  }
  return exchange.events;
}
