/**
 * Probes: questions to the victim's side. None asks the injector what it has done; each looks at what a
 * server does, at the kernel's process table, or at a server's own clock readings.
 */
import { connect } from 'node:net';
import type { ProtocolEvent } from '../../../base/protocol-event.ts';
import type { ProbeResult } from '../world.ts';
import type { LinkProxy } from './link-proxy.ts';

export const LINK_PROBE_MS = 500;
const MODE_PROBE_MS = 1000;

/**
 * Eight bytes of a protocol version that no peer speaks, sent through the very proxy of the link to the
 * target's election port: a peer that receives them closes the connection. That close is observed at the
 * target's side of the proxy, so that a cut of the way back does not count as a cut of the way there.
 */
export function probeLink(
  proxy: LinkProxy,
  proxyPort: number,
  done: (state: 'open' | 'blocked') => void,
): void {
  const socket = connect({ host: '127.0.0.1', port: proxyPort });
  const startedMs = performance.now();
  let timer: NodeJS.Timeout | undefined;
  let sourcePort: number | undefined;
  const finish = (state: 'open' | 'blocked'): void => {
    clearTimeout(timer);
    socket.destroy();
    done(state);
  };
  const look = (): void => {
    if (sourcePort !== undefined && proxy.hasTargetEnded(sourcePort)) finish('open');
    else if (performance.now() - startedMs >= LINK_PROBE_MS) finish('blocked');
    else timer = setTimeout(look, 10);
  };
  socket.on('error', () => {});
  socket.on('connect', () => {
    sourcePort = socket.localPort;
    socket.write(unknownVersion());
  });
  look();
}

/** -1: V1 is -65536, V2 is -65535, and what is not negative is a sid of the ancient format. */
function unknownVersion(): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(-1n);
  return bytes;
}

type ModeResult = Extract<ProbeResult, { probe: 'mode' }>;

/** `srvr` at the client port itself, past every proxy. */
export function probeMode(port: number, done: (result: ModeResult) => void): void {
  const socket = connect({ host: '127.0.0.1', port });
  let text = '';
  socket.setTimeout(MODE_PROBE_MS, () => socket.destroy());
  socket.on('connect', () => socket.write('srvr'));
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  socket.on('close', () => done(readMode(text)));
}

export function readMode(text: string): ModeResult {
  const mode = /^Mode: (leader|follower|standalone)$/m.exec(text)?.[1] as
    | 'leader'
    | 'follower'
    | 'standalone'
    | undefined;
  const zxid = /^Zxid: (0x[0-9a-f]+)$/m.exec(text)?.[1];
  if (mode !== undefined) return { probe: 'mode', mode, ...(zxid === undefined ? {} : { zxid }) };
  const isAnswer = text.includes('not currently serving');
  return { probe: 'mode', mode: isAnswer ? 'not-serving' : 'unreachable' };
}

export interface ClockReading {
  readonly event: ProtocolEvent;
  /** The harness's clocks when the event was read. */
  readonly readMonotonicMs: number;
}

type ClockResult = Extract<ProbeResult, { probe: 'clock' }>;

export interface HarnessClocks {
  monotonicMs(): number;
  wallMs(): number;
}

/**
 * Compares clocks by events of one server life. Server and harness share the kernel's monotonic clock, so
 * that the wall offset is exact whenever the event was read; drift is how much the distance between
 * both monotonic clocks changed since the first event of that life, within the polling interval.
 */
export function compareClocks(
  first: ClockReading,
  last: ClockReading,
  harness: HarnessClocks,
): ClockResult {
  const { event } = last;
  const wallThenMs = harness.wallMs() - (harness.monotonicMs() - event.now);
  const distanceMs = ({ event: { now }, readMonotonicMs }: ClockReading): number =>
    readMonotonicMs - now;
  return {
    probe: 'clock',
    wallOffsetMs: Math.round(event.wallMs - wallThenMs),
    monotonicDriftMs: Math.round(distanceMs(last) - distanceMs(first)),
  };
}
