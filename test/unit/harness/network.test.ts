import { beforeEach, describe, expect, test } from 'vitest';
import { EventQueue } from '../../../src/harness/world/simulation/event-queue.ts';
import {
  type Machine,
  Network,
  type Socket,
} from '../../../src/harness/world/simulation/network.ts';

const PORT = 2181;

let queue: EventQueue;
let network: Network;
let a: Machine;
let b: Machine;

function machine(name: string): Machine {
  const made = { name, address: `10.0.0.${name}`, isPowered: true, listeners: new Map() };
  network.addMachine(made);
  return made;
}

beforeEach(() => {
  queue = new EventQueue();
  network = new Network({ queue, seed: '5eed', latencyUs: [100, 900], splitPerMille: 300 });
  a = machine('1');
  b = machine('2');
});

class End {
  readonly log: string[] = [];
  received = '';
  drained = 0;
  socket: Socket | undefined;
  /** Takes what it receives at once, as a running process does. */
  isReading = true;
  unread = 0;
  established(): void {
    this.log.push('established');
  }
  gotBytes(bytes: Uint8Array): void {
    this.received += new TextDecoder().decode(bytes);
    if (this.isReading) this.socket?.consumed(bytes.length);
    else this.unread += bytes.length;
  }
  owner() {
    return {
      established: () => this.established(),
      received: (bytes: Uint8Array) => this.gotBytes(bytes),
      drained: (sizeBytes: number) => {
        this.drained += sizeBytes;
      },
      closed: (reason: string) => {
        this.log.push(`closed: ${reason}`);
      },
    };
  }
  send(text: string): void {
    this.socket?.send(new TextEncoder().encode(text));
    this.socket?.pump();
  }
}

function runFor(durationMs: number): void {
  const endUs = queue.nowUs + durationMs * 1000;
  let isOver = false;
  queue.at(endUs, () => {
    isOver = true;
  });
  while (!isOver) queue.take()?.();
}

function listen(on: Machine): End {
  const server = new End();
  on.listeners.set(PORT, (socket) => {
    server.socket = socket;
    server.log.push('accepted');
    return server.owner();
  });
  return server;
}

function dial(from: Machine, to: Machine, timeoutMs = 5000): End {
  const client = new End();
  client.socket = network.dial(from, to.address, PORT, timeoutMs, client.owner());
  return client;
}

describe('a dial', () => {
  test('is refused where nobody listens, and times out where the machine has no power', () => {
    const refused = dial(a, b);
    b.isPowered = true;
    runFor(10);
    expect(refused.log).toEqual(['closed: connection to 10.0.0.2:2181 refused']);
    network.powerOff(b);
    const silent = dial(a, b, 2000);
    runFor(1999);
    expect(silent.log).toEqual([]);
    runFor(2);
    expect(silent.log).toEqual(['closed: no connection to 10.0.0.2:2181 within 2000 ms']);
  });

  test('into a cut succeeds by a later knock once the cut is healed', () => {
    listen(b);
    network.cut('1', '2');
    const client = dial(a, b);
    runFor(500);
    expect(client.log).toEqual([]);
    network.join('1', '2');
    runFor(1500);
    expect(client.log).toEqual(['established']);
  });
});

describe('a cut', () => {
  test('stalls one direction only, loses nothing, and goes on at the next retransmission', () => {
    const server = listen(b);
    const client = dial(a, b);
    runFor(20);
    network.cut('1', '2');
    client.send('hello ');
    server.send('from b');
    runFor(3000);
    client.send('world');
    runFor(100);
    expect(server.received).toBe('');
    expect(client.received).toBe('from b');
    expect(client.log).toEqual(['established']);
    network.join('1', '2');
    runFor(50);
    // Retransmissions double from 200 ms: at 3.1 s the next one comes at 6.2 s after the first.
    expect(server.received).toBe('');
    runFor(3300);
    expect(server.received).toBe('hello world');
  });

  test('is seen by a ping through the very link', () => {
    const answers: boolean[] = [];
    network.cut('1', '2');
    network.ping(a, b, 500_000, (arrived) => answers.push(arrived));
    network.ping(b, a, 500_000, (arrived) => answers.push(arrived));
    runFor(600);
    expect(answers.sort()).toEqual([false, true]);
  });
});

describe('the end of a process or of a machine', () => {
  test('a killed process resets its connections', () => {
    const server = listen(b);
    const client = dial(a, b);
    runFor(20);
    network.resetAll(b);
    runFor(20);
    expect(client.log).toEqual(['established', 'closed: reset by the other end']);
    expect(server.log).toEqual(['accepted']);
  });

  test('a machine without power is silent, and resets what reaches it when it is back', () => {
    listen(b);
    const client = dial(a, b);
    runFor(20);
    network.powerOff(b);
    client.send('anybody there?');
    runFor(10_000);
    expect(client.log).toEqual(['established']);
    network.powerOn(b);
    runFor(10_000);
    expect(client.log).toEqual(['established', 'closed: reset by the other end']);
  });
});

describe('credit', () => {
  test('comes back only as the receiver reads, and every byte arrives once', () => {
    const server = listen(b);
    const client = dial(a, b);
    runFor(20);
    server.isReading = false;
    const text = 'x'.repeat(600 * 1024);
    client.send(text);
    runFor(100);
    expect(client.drained).toBe(256 * 1024);
    expect(server.received.length).toBe(256 * 1024);
    server.isReading = true;
    server.socket?.consumed(server.unread);
    runFor(100);
    expect(client.drained).toBe(text.length);
    expect(server.received.length).toBe(text.length);
  });

  test('a paused connection keeps what arrives until it is resumed', () => {
    const server = listen(b);
    const client = dial(a, b);
    runFor(20);
    server.socket?.pause();
    client.send('later');
    client.socket?.close();
    runFor(100);
    expect([server.received, server.log]).toEqual(['', ['accepted']]);
    server.socket?.resume();
    expect(server.received).toBe('later');
    expect(server.log).toEqual(['accepted', 'closed: closed by the other end']);
  });
});
