/**
 * The agent: a small program in a container of its own that owns the network namespace of one server. The
 * server's container joins that namespace, so that packet filters and the address outlive each `kill -9`
 * of the server, and the server's image stays as it is shipped.
 *
 * It does what it is told on its standard input (agent-protocol.ts) and ends when that ends: the harness
 * is gone then. Probes are sent from here, the victim's side, and know nothing of the filters.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import {
  type AgentAnswer,
  type AgentMessage,
  type AgentRequest,
  type AskOutcome,
  type Examination,
  FAKETIME_LIBRARY,
  FAKETIME_SOURCE,
  HEARING_PORT,
  LINK_SILENCE_MS,
  MOUNT,
  SERVER_SILENCE_MS,
} from './agent-protocol.ts';

const DATAGRAMS = 3;
const DATAGRAM_EVERY_MS = 100;
const CLOCK_TEST_S = 3600;
const LOOPBACK_SILENCE_MS = 300;
/** Of the kernel, for packets that wait for tcpdump. */
const CAPTURE_BUFFER_KIB = 16 * 1024;

const hearing = createSocket('udp4');

function say(message: AgentMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function run(program: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((ended) => {
    execFile(program, args, (error, _, stderr) =>
      ended(error === null ? undefined : stderr.trim() || error.message),
    );
  });
}

/** Filters are changed one after the other. */
let filtering: Promise<unknown> = Promise.resolve();

/** All packets of an address, whatever they carry: in front of what is there. */
function filter(verb: 'drop' | 'accept', from: string): Promise<string | undefined> {
  const args = ['-w', '5', verb === 'drop' ? '-I' : '-D', 'INPUT', '-s', from, '-j', 'DROP'];
  const done = filtering.then(() => run('iptables', args));
  filtering = done;
  return done;
}

function sendDatagrams(host: string, nonce: string): void {
  for (let count = 0; count < DATAGRAMS; count++) {
    setTimeout(() => hearing.send(nonce, HEARING_PORT, host), count * DATAGRAM_EVERY_MS);
  }
}

/** Whether packets pass there and back: a refusal says so as well as an acceptance. */
function reach(host: string, port: number, timeoutMs = LINK_SILENCE_MS): Promise<boolean> {
  return new Promise((ended) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const end = (isReached: boolean): void => {
      socket.destroy();
      ended(isReached);
    };
    socket.on('connect', () => end(true));
    socket.on('timeout', () => end(false));
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED'));
  });
}

function ask(port: number, word: string): Promise<{ outcome: AskOutcome; text: string }> {
  return new Promise((ended) => {
    const socket = connect({ host: '127.0.0.1', port });
    let text = '';
    let outcome: AskOutcome = 'silent';
    const timer = setTimeout(() => socket.destroy(), SERVER_SILENCE_MS);
    socket.on('connect', () => socket.write(word));
    socket.on('data', (chunk) => {
      outcome = 'answered';
      text += chunk.toString('latin1');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') outcome = 'refused';
    });
    // A running server closes the connection even where it has no answer; silence is none at all.
    socket.on('end', () => {
      outcome = 'answered';
    });
    socket.on('close', () => {
      clearTimeout(timer);
      ended({ outcome, text });
    });
  });
}

/** A filter on loopback must stop a connect that works before and after. */
async function examineFilter(): Promise<string | undefined> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((listening) => server.listen(HEARING_PORT, '127.0.0.1', listening));
  try {
    if (!(await reach('127.0.0.1', HEARING_PORT))) return 'loopback does not work';
    const error = await filter('drop', '127.0.0.1');
    if (error !== undefined) return `iptables: ${error}`;
    const isStopped = !(await reach('127.0.0.1', HEARING_PORT, LOOPBACK_SILENCE_MS));
    await filter('accept', '127.0.0.1');
    if (!isStopped) return 'iptables takes rules that do nothing';
    return (await reach('127.0.0.1', HEARING_PORT)) ? undefined : 'a filter cannot be removed';
  } finally {
    server.close();
  }
}

async function examineNetem(): Promise<string | undefined> {
  const error = await run('tc', ['qdisc', 'add', 'dev', 'lo', 'root', 'netem', 'delay', '1ms']);
  if (error === undefined) await run('tc', ['qdisc', 'del', 'dev', 'lo', 'root']);
  return error;
}

let capturing: ChildProcess | undefined;

/** Answers once packets are being seen: tcpdump says so on its standard error. */
function capture(ports: readonly number[]): Promise<string | undefined> {
  return new Promise((answered) => {
    const filter = `tcp and (${ports.map((port) => `port ${port}`).join(' or ')})`;
    const options = ['-i', 'eth0', '-Q', 'out', '-n', '-U', '-s', '0', '-w', '-', '-Z', 'root'];
    const more = ['-B', String(CAPTURE_BUFFER_KIB), '--time-stamp-precision=nano', filter];
    const tcpdump = spawn('tcpdump', [...options, ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
    capturing = tcpdump;
    let words = '';
    tcpdump.stdout.on('data', (chunk: Buffer) => say({ captured: chunk.toString('base64') }));
    tcpdump.stderr.on('data', (chunk: Buffer) => {
      words += chunk.toString();
      if (words.includes('listening on')) answered(undefined);
    });
    tcpdump.on('error', (error) => answered(error.message));
    tcpdump.on('close', () => answered(words.trim()));
  });
}

/** Answers when the last packet has been told. */
function endCapture(): Promise<void> {
  const tcpdump = capturing;
  capturing = undefined;
  if (tcpdump === undefined || tcpdump.exitCode !== null) return Promise.resolve();
  return new Promise((ended) => {
    tcpdump.on('close', () => ended());
    tcpdump.kill('SIGINT');
  });
}

async function examineCapture(): Promise<string | undefined> {
  const error = await capture([HEARING_PORT]);
  await endCapture();
  return error === undefined ? undefined : `tcpdump: ${error}`;
}

function examineFaketime(): string | undefined {
  if (!existsSync(FAKETIME_SOURCE)) return 'libfaketime is not in the image';
  const before = Number(process.hrtime.bigint() / 1_000_000n);
  const script =
    'const mono = Number(process.hrtime.bigint() / 1_000_000n);' +
    'process.stdout.write(JSON.stringify([Date.now(), mono]));';
  const { stdout } = spawnSync(process.execPath, ['-e', script], {
    encoding: 'utf8',
    env: {
      ...process.env,
      LD_PRELOAD: FAKETIME_SOURCE,
      FAKETIME: `+${CLOCK_TEST_S}`,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
  });
  try {
    const [wallMs = 0, monotonicMs = 0] = JSON.parse(stdout) as number[];
    const isMoved = Math.abs(wallMs - Date.now() - CLOCK_TEST_S * 1000) < 60_000;
    const isSteady = monotonicMs >= before && monotonicMs - before < 60_000;
    if (!isMoved) return 'libfaketime does not move the wall clock';
    return isSteady ? undefined : 'libfaketime moves the monotonic clock';
  } catch {
    return 'node does not run with libfaketime';
  }
}

async function examine(): Promise<Examination> {
  const [filterMissing, netem] = [await examineFilter(), await examineNetem()];
  const [faketime, captureMissing] = [examineFaketime(), await examineCapture()];
  return {
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
    ...(filterMissing === undefined ? {} : { filter: filterMissing }),
    ...(netem === undefined ? {} : { netem }),
    ...(faketime === undefined ? {} : { faketime }),
    ...(captureMissing === undefined ? {} : { capture: captureMissing }),
  };
}

async function carryOut(request: AgentRequest): Promise<Omit<AgentAnswer, 'id'>> {
  switch (request.task) {
    case 'drop':
    case 'accept': {
      const error = await filter(request.task, request.from);
      return error === undefined ? {} : { error: `iptables: ${error}` };
    }
    case 'reach':
      sendDatagrams(request.host, request.nonce);
      return { isReached: await reach(request.host, request.tcpPort) };
    case 'ask':
      return { ask: await ask(request.port, request.word) };
    case 'capture': {
      const error = await capture(request.ports);
      return error === undefined ? {} : { error: `tcpdump: ${error}` };
    }
    case 'capture-end':
      await endCapture();
      return {};
    case 'examine':
      return { examined: await examine() };
  }
}

function serve(): void {
  hearing.on('message', (message) => say({ heard: message.toString() }));
  hearing.bind(HEARING_PORT, () => say({ isReady: true }));
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    const request = JSON.parse(line) as AgentRequest;
    carryOut(request).then(
      (answer) => say({ id: request.id, ...answer }),
      (error: unknown) => say({ id: request.id, error: String(error) }),
    );
  });
  lines.on('close', () => process.exit(0));
  process.on('SIGTERM', () => process.exit(0));
}

// Into the directory that is shared with the server: its image knows nothing of faults.
if (existsSync(FAKETIME_SOURCE) && existsSync(MOUNT)) {
  copyFileSync(FAKETIME_SOURCE, FAKETIME_LIBRARY);
}
serve();
