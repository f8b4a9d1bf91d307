/**
 * Loopback ports for servers that will be killed and restarted. They are taken from below the range that
 * the kernel gives to outgoing connections (32768 and up on Linux): otherwise any connection of the
 * machine could take a dead server's port before its restart.
 */
import { createServer } from 'node:net';

const FIRST_PORT = 15_000;
const LAST_PORT = 32_000;

/** Free now, distinct, and scattered so that two runs at once rarely meet. */
export async function findFreePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  const range = LAST_PORT - FIRST_PORT;
  let candidate = Math.trunc(Math.random() * range);
  for (let tries = 0; ports.length < count; tries++) {
    if (tries > range) throw new Error(`fewer than ${count} of the loopback ports are free`);
    candidate = (candidate + 1) % range;
    if (await isFree(FIRST_PORT + candidate)) ports.push(FIRST_PORT + candidate);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((found) => {
    const probe = createServer();
    probe.on('error', () => found(false));
    probe.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      probe.close(() => found(true));
    });
  });
}
