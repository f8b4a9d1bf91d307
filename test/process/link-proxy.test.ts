import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LinkProxy } from '../../src/harness/world/process/link-proxy.ts';

const pass = (durationMs: number): Promise<void> =>
  new Promise((passed) => {
    setTimeout(passed, durationMs);
  });

async function until(sentence: string, condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > 5000) throw new Error(`never: ${sentence}`);
    await pass(5);
  }
}

interface End {
  readonly socket: Socket;
  text: string;
  hasEnded: boolean;
  error: string | undefined;
}

function follow(socket: Socket): End {
  const end: End = { socket, text: '', hasEnded: false, error: undefined };
  socket.on('data', (chunk) => {
    end.text += chunk.toString('latin1');
  });
  socket.on('end', () => {
    end.hasEnded = true;
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    end.error = error.code;
  });
  return end;
}

let server: Server;
let targets: End[];
let proxy: LinkProxy;
let port: number;
let diallers: End[];

beforeEach(async () => {
  targets = [];
  diallers = [];
  server = createServer({ allowHalfOpen: true }, (socket) => targets.push(follow(socket)));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  proxy = new LinkProxy((server.address() as AddressInfo).port, { announces: false });
  port = await proxy.open();
});

afterEach(() => {
  proxy.close();
  server.close();
  for (const { socket } of [...targets, ...diallers]) socket.destroy();
});

async function dial(): Promise<{ dialler: End; target: End }> {
  const dialler = follow(connect({ host: '127.0.0.1', port, allowHalfOpen: true }));
  diallers.push(dialler);
  const count = targets.length + 1;
  dialler.socket.write('hello');
  await until('the target hears', () => targets[count - 1]?.text === 'hello');
  return { dialler, target: targets[count - 1] as End };
}

describe('link proxy', () => {
  test('forwards both directions and ends', async () => {
    const { dialler, target } = await dial();
    target.socket.write('back');
    await until('the answer', () => dialler.text === 'back');
    dialler.socket.end(' bye');
    await until('the end', () => target.hasEnded);
    expect(target.text).toBe('hello bye');
    target.socket.end(' late');
    await until('the other end', () => dialler.hasEnded);
    expect(dialler.text).toBe('back late');
  });

  test('a cut forward stalls bytes and end of one direction only; the join resumes them in order', async () => {
    const { dialler, target } = await dial();
    proxy.cut('forward');
    const big = 'x'.repeat(1 << 20);
    dialler.socket.write(' one');
    dialler.socket.write(big);
    dialler.socket.end(' two');
    target.socket.write('still heard');
    await until('the way back is open', () => dialler.text === 'still heard');
    await pass(100);
    expect(target.text).toBe('hello');
    expect(target.hasEnded).toBe(false);
    proxy.join('forward');
    await until('all arrives', () => target.hasEnded);
    expect(target.text).toBe(`hello one${big} two`);
  });

  test('a cut backward stalls the way back only, also a reset', async () => {
    const { dialler, target } = await dial();
    proxy.cut('backward');
    dialler.socket.write(' there');
    await until('the way there is open', () => target.text === 'hello there');
    target.socket.resetAndDestroy();
    await pass(100);
    expect(dialler.error).toBeUndefined();
    proxy.join('backward');
    await until('the reset arrives', () => dialler.error === 'ECONNRESET');
  });

  test('while forward is cut the target does not hear of a dial; after the join it does', async () => {
    proxy.cut('forward');
    const dialler = follow(connect({ host: '127.0.0.1', port }));
    diallers.push(dialler);
    dialler.socket.write('hello');
    await pass(100);
    expect(targets).toHaveLength(0);
    expect(dialler.error).toBeUndefined();
    proxy.join('forward');
    await until('the dial arrives', () => targets[0]?.text === 'hello');
  });

  test('what has no listener is reset', async () => {
    server.close();
    const dialler = follow(connect({ host: '127.0.0.1', port }));
    diallers.push(dialler);
    await until('the reset', () => dialler.error === 'ECONNRESET');
  });

  test('an announcing proxy says when it has reached the target, along the way back', async () => {
    proxy.close();
    proxy = new LinkProxy((server.address() as AddressInfo).port, { announces: true });
    port = await proxy.open();
    proxy.cut('backward');
    const { dialler } = await dial();
    await pass(50);
    expect(dialler.text).toBe('');
    proxy.join('backward');
    await until('the announcement', () => dialler.text === '\x06');
  });

  test('it knows whether the target itself ended a connection', async () => {
    const { dialler, target } = await dial();
    const sourcePort = dialler.socket.localPort ?? 0;
    expect(proxy.hasTargetEnded(sourcePort)).toBe(false);
    proxy.cut('backward');
    target.socket.end();
    await until('the end is seen at the target', () => proxy.hasTargetEnded(sourcePort));
    expect(dialler.hasEnded).toBe(false);
  });
});
