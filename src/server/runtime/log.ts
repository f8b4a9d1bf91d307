/**
 * The server's own log: JSON lines on stderr (pino, synchronous and in-process, so that the bundle needs no
 * worker file and a crash loses no line). Lines at `warn` and above are what the harness collects.
 */
import { writeSync } from 'node:fs';
import { pino } from 'pino';
import type { LogLevel } from '../core/seam.ts';

export interface ServerLog {
  write(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** The state of a server that is about to stop, as one readable block. */
  dump(state: Readonly<Record<string, unknown>>): void;
}

/** JSON has no 64-bit integers and no binary; both go out as hex. */
export function toPlain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `0x${BigInt.asUintN(64, value).toString(16)}`;
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex')}`;
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  return value;
}

export function createLog(level: LogLevel, sid: number, descriptor = 2): ServerLog {
  const logger = pino(
    { level, base: { sid }, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: descriptor, sync: true }),
  );
  return {
    write(lineLevel, message, fields = {}) {
      if (!logger.isLevelEnabled(lineLevel)) return;
      logger[lineLevel](JSON.parse(JSON.stringify(fields, toPlain)) as object, message);
    },
    dump(state) {
      writeSync(descriptor, `${JSON.stringify(state, toPlain, 1)}\n`);
    },
  };
}

export const silentLog: ServerLog = { write() {}, dump() {} };
