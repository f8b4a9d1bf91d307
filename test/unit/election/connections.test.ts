import { describe, expect, test } from 'vitest';
import type { ConnectionId } from '../../../src/base/core.ts';
import { ElectionConnections } from '../../../src/server/core/election/connections.ts';
import { Election } from '../../../src/server/core/election/election.ts';
import { QuorumVerifier } from '../../../src/server/core/quorum-verifier.ts';
import { encodeInitialMessage } from '../../../src/wire/election.ts';
import { RecordingContext } from './recording-context.ts';

const id = (value: number) => value as ConnectionId;
const initial = (sid: number, address = `127.0.0.1:${3000 + sid}`) =>
  encodeInitialMessage({ sid: BigInt(sid), address });
const frame = (...payload: number[]) => Uint8Array.from([0, 0, 0, payload.length, ...payload]);

function setUp() {
  const context = new RecordingContext(2, 3);
  const heard: string[] = [];
  const connections = new ElectionConnections(context, new QuorumVerifier(context.config.servers), {
    connected: (sid) => heard.push(`up ${sid}`),
    received: (sid, payload) => heard.push(`${sid}: ${payload.join()}`),
  });
  const accept = (connection: number) =>
    connections.handle({
      type: 'connection-accepted',
      connection: id(connection),
      listener: 'election',
      remote: '127.0.0.1:5',
    });
  const receive = (connection: number, bytes: Uint8Array) =>
    connections.handle({ type: 'bytes-received', connection: id(connection), bytes });
  const establish = (connection: number) =>
    connections.handle({ type: 'connection-established', connection: id(connection) });
  const drain = (connection: number, sizeBytes: number) =>
    connections.handle({ type: 'bytes-drained', connection: id(connection), sizeBytes });
  const closed = (connection: number) =>
    connections.handle({ type: 'connection-closed', connection: id(connection), reason: 'reset' });
  return { context, heard, connections, accept, receive, establish, drain, closed };
}

describe('who keeps the connection', () => {
  test('the larger sid keeps what it has dialled', () => {
    const { context, connections, establish, heard } = setUp();
    connections.send(1, Uint8Array.of(7));
    expect(context.take()).toEqual(['dial 2 127.0.0.1:3001']);
    connections.send(1, Uint8Array.of(8));
    expect(context.take()).toEqual([]);
    establish(2);
    expect(context.take()).toEqual(['send 2 34', 'send 2 5']);
    expect(context.sent[0]?.bytes).toEqual(initial(2));
    expect(context.sent[1]?.bytes).toEqual(frame(8));
    expect(heard).toEqual(['up 1']);
    expect(connections.isLinked(1)).toBe(true);
  });

  test('the smaller sid says who it is and hangs up, then is dialled', () => {
    const { context, connections, establish, accept, receive } = setUp();
    connections.send(3, Uint8Array.of(7));
    establish(2);
    expect(context.take()).toEqual(['dial 2 127.0.0.1:3003', 'send 2 34', 'close 2']);
    expect(connections.owns(id(2))).toBe(false);
    // The answer needs time: a second knock would undo it.
    connections.send(3, Uint8Array.of(8));
    expect(context.take()).toEqual([]);
    accept(1);
    receive(1, initial(3));
    expect(context.take()).toEqual(['send 1 5']);
    expect(context.sent.at(-1)?.bytes).toEqual(frame(8));
  });

  test('a knock that brought nothing is repeated after a tick', () => {
    const { context, connections, establish } = setUp();
    connections.send(3, Uint8Array.of(7));
    establish(2);
    context.take();
    context.nowMs = context.config.tickTimeMs;
    connections.send(3, Uint8Array.of(7));
    expect(context.take()).toEqual(['dial 4 127.0.0.1:3003']);
  });

  test('a knock that the connection has overtaken is dropped', () => {
    const { context, connections, establish, accept, receive } = setUp();
    connections.send(3, Uint8Array.of(7));
    accept(1);
    receive(1, initial(3));
    context.take();
    establish(2);
    expect(context.take()).toEqual(['close 2']);
    expect(connections.isLinked(3)).toBe(true);
  });

  test('a knock ends the link and is answered at the configured address', () => {
    const { context, connections, establish, accept, receive, heard } = setUp();
    connections.send(1, Uint8Array.of(7));
    establish(2);
    context.take();
    accept(1);
    receive(1, initial(1, '10.9.9.9:1'));
    expect(context.take()).toEqual(['close 1', 'close 2', 'dial 4 127.0.0.1:3001']);
    establish(4);
    expect(heard).toEqual(['up 1', 'up 1']);
  });

  test('an unknown smaller sid is dialled where it says that it is, bounded in number', () => {
    const { context, accept, receive } = setUp();
    accept(1);
    receive(1, initial(0, '[::1]:77'));
    expect(context.take()).toEqual(['close 1', 'dial 2 ::1:77']);
    accept(3);
    receive(3, initial(0, '0.0.0.0:77'));
    expect(context.take()).toEqual(['close 3']);
    accept(5);
    receive(5, initial(0, 'nonsense'));
    expect(context.take()).toEqual(['close 5']);
  });

  test('unknown larger sids get a bounded number of links', () => {
    const { context, connections, accept, receive } = setUp();
    for (let index = 0; index < 40; index++) {
      accept(2 * index + 1);
      receive(2 * index + 1, initial(100 + index));
    }
    const linked = Array.from({ length: 40 }, (_, index) => connections.isLinked(100 + index));
    expect(linked.filter(Boolean)).toHaveLength(16);
    expect(context.take()).toHaveLength(24);
    accept(99);
    receive(99, initial(3));
    expect(connections.isLinked(3)).toBe(true);
  });

  test('a new connection of the larger sid replaces the old one', () => {
    const { context, accept, receive, heard } = setUp();
    accept(1);
    receive(1, initial(3));
    accept(3);
    receive(3, initial(3));
    expect(context.take()).toEqual(['close 1']);
    receive(1, frame(1));
    receive(3, frame(2));
    expect(heard).toEqual(['up 3', 'up 3', '3: 2']);
  });

  test('our own sid, a negative one and the anonymous one are refused', () => {
    for (const sid of [2n, -5n, 2n ** 63n - 1n]) {
      const { context, connections, accept, receive } = setUp();
      accept(1);
      receive(1, encodeInitialMessage({ sid, address: 'a:1' }));
      expect(context.take()).toEqual(['close 1']);
      expect(connections.owns(id(1))).toBe(false);
    }
  });
});

describe('strangers', () => {
  test('may take their initial message in pieces, with frames behind it', () => {
    const { heard, accept, receive } = setUp();
    accept(1);
    const stream = Uint8Array.from([...initial(3), ...frame(1, 2), ...frame(3)]);
    for (const byte of stream) receive(1, Uint8Array.of(byte));
    expect(heard).toEqual(['up 3', '3: 1,2', '3: 3']);
    const other = setUp();
    other.accept(1);
    other.receive(1, stream);
    expect(other.heard).toEqual(['up 3', '3: 1,2', '3: 3']);
  });

  test('have a handshake timeout, which an introduction ends', () => {
    const { context, connections, accept, receive } = setUp();
    accept(1);
    accept(3);
    receive(3, initial(3));
    expect([...context.timers.keys()]).toEqual(['election/handshake/1']);
    context.fire('election/handshake/1');
    expect(context.take()).toEqual(['close 1']);
    expect(connections.owns(id(1))).toBe(false);
  });

  test('are bounded; the oldest goes', () => {
    const { context, connections, accept } = setUp();
    for (let index = 0; index < 70; index++) accept(2 * index + 1);
    expect(context.take()).toEqual([1, 3, 5, 7, 9, 11].map((closed) => `close ${closed}`));
    expect(context.timers.size).toBe(64);
    expect(connections.owns(id(13))).toBe(true);
  });

  test('that are none of ours are closed', () => {
    for (const text of ['GET / HTTP/1.1\r\n\r\n', '\xff'.repeat(30)]) {
      const { context, accept, receive } = setUp();
      accept(1);
      receive(
        1,
        Uint8Array.from(text, (character) => character.charCodeAt(0)),
      );
      // The first reads as the bare sid of the ancient form, far beyond any.
      expect(context.take()).toEqual(['close 1']);
    }
  });
});

describe('links', () => {
  test('keep one message per peer while there is no credit, the newest', () => {
    const { context, connections, accept, receive, drain } = setUp();
    accept(1);
    receive(1, initial(3));
    connections.send(3, new Uint8Array(70_000));
    for (let value = 1; value <= 5; value++) connections.send(3, Uint8Array.of(value));
    expect(context.take()).toEqual(['send 1 70004']);
    drain(1, 70_004);
    expect(context.take()).toEqual(['send 1 5']);
    expect(context.sent.at(-1)?.bytes).toEqual(frame(5));
    drain(1, 5);
    expect(context.take()).toEqual([]);
  });

  test.each([
    ['empty', [0, 0, 0, 0]],
    ['negative', [0xff, 0xff, 0xff, 0xff]],
    ['too long', [0, 8, 0, 1]],
  ])('end with an %s frame', (_, length) => {
    const { context, connections, accept, receive } = setUp();
    accept(1);
    receive(1, initial(3));
    receive(1, Uint8Array.from(length));
    expect(context.take()).toEqual(['close 1']);
    expect(connections.isLinked(3)).toBe(false);
  });

  test('that were knocked for and lost are knocked for again at once', () => {
    const { context, connections, establish, accept, receive, closed } = setUp();
    connections.send(3, Uint8Array.of(7));
    establish(2);
    accept(1);
    receive(1, initial(3));
    closed(1);
    context.take();
    connections.send(3, Uint8Array.of(8));
    expect(context.take()).toEqual(['dial 4 127.0.0.1:3003']);
  });

  test('deliver nothing more once a message has ended them', () => {
    const context = new RecordingContext(2, 3);
    const heard: number[] = [];
    const verifier = new QuorumVerifier(context.config.servers);
    const connections = new ElectionConnections(context, verifier, {
      connected: () => {},
      received: (sid) => {
        heard.push(sid);
        connections.stop();
      },
    });
    const connection = id(1);
    const remote = '127.0.0.1:5';
    connections.handle({ type: 'connection-accepted', connection, listener: 'election', remote });
    const bytes = Uint8Array.from([...initial(3), ...frame(1), ...frame(2)]);
    connections.handle({ type: 'bytes-received', connection, bytes });
    expect(heard).toEqual([3]);
  });

  test('are not redialled by themselves; the next message does it', () => {
    const { context, connections, establish, closed } = setUp();
    connections.send(1, Uint8Array.of(7));
    establish(2);
    context.take();
    closed(2);
    expect(context.take()).toEqual([]);
    connections.send(1, Uint8Array.of(8));
    expect(context.take()).toEqual(['dial 4 127.0.0.1:3001']);
    closed(4);
    connections.send(1, Uint8Array.of(9));
    expect(context.take()).toEqual(['dial 6 127.0.0.1:3001']);
  });

  test('that stay silent are given up, counted from when somebody cared', () => {
    const { context, connections, accept, receive } = setUp();
    accept(1);
    receive(1, initial(3));
    context.nowMs = 5000;
    connections.dropSilent(2000, 3001);
    expect(connections.isLinked(3)).toBe(true);
    receive(1, frame(1));
    connections.dropSilent(2000, 0);
    expect(connections.isLinked(3)).toBe(true);
    context.nowMs = 7000;
    connections.dropSilent(2000, 0);
    expect(connections.isLinked(3)).toBe(false);
    expect(context.take()).toEqual(['close 1']);
  });

  test('stop closes everything and sends nothing afterwards', () => {
    const { context, connections, establish, accept, receive } = setUp();
    accept(1);
    accept(3);
    receive(3, initial(3));
    connections.send(1, Uint8Array.of(7));
    context.take();
    connections.stop();
    expect(context.take()).toEqual(['close 1', 'close 2', 'close 3']);
    establish(2);
    receive(3, frame(1));
    expect(context.take()).toEqual([]);
    expect(context.timers.size).toBe(0);
  });
});

describe('the listener', () => {
  test('is tried three times, then the server ends as upstream does', () => {
    const context = new RecordingContext(2, 3);
    const election = new Election(context, new QuorumVerifier(context.config.servers), () => {});
    election.start();
    for (const attempt of [1, 2]) {
      expect(context.take(), `attempt ${attempt}`).toEqual(['listen election 127.0.0.1:3002']);
      election.listenFailed('in use');
      expect(context.take()).toEqual([]);
      context.fire('election/listen');
    }
    expect(context.take()).toEqual(['listen election 127.0.0.1:3002']);
    election.listenFailed('in use');
    expect(context.take()).toEqual(['halt 14']);
  });

  test('stops with the election', () => {
    const context = new RecordingContext(2, 3);
    const election = new Election(context, new QuorumVerifier(context.config.servers), () => {});
    election.start();
    election.listening();
    context.take();
    election.stop();
    expect(context.take()).toEqual(['unlisten election']);
    expect(election.state).toBe('idle');
  });
});
