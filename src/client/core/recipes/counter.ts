/**
 * A counter by compare-and-set: read value and version, write value + 1 under that version, begin anew
 * where somebody else was faster. A write whose answer was lost may have counted: it is thrown as it is,
 * never repeated, since a second try could count twice.
 */
import type { Zxid } from '../../../base/zxid.ts';
import { type Program, ZkError } from '../program.ts';
import { toText, type Zk } from '../zk.ts';

export interface CounterOptions {
  /** How often to lose against other writers before BadVersion is thrown. */
  readonly attempts?: number;
}

/** The counter could not be read, so nothing was written. */
export class NotAttemptedError extends Error {
  override readonly name = 'NotAttemptedError';
  override readonly cause: ZkError;
  constructor(cause: ZkError) {
    super(`nothing was written: ${cause.message}`);
    this.cause = cause;
  }
}

const DEFAULT_ATTEMPTS = 1000;

export function* increment(
  zk: Zk,
  path: string,
  options: CounterOptions = {},
): Program<{ readonly value: number; readonly zxid: Zxid }> {
  const { attempts = DEFAULT_ATTEMPTS } = options;
  for (let attempt = 1; ; attempt++) {
    const { value, version } = yield* readCounter(zk, path);
    try {
      const { zxid } = yield* zk.setData(path, String(value + 1), version);
      return { value: value + 1, zxid };
    } catch (error) {
      const lostTheRace = error instanceof ZkError && error.code === 'BadVersion';
      if (!lostTheRace || attempt >= attempts) throw error;
    }
  }
}

function* readCounter(zk: Zk, path: string): Program<{ value: number; version: number }> {
  try {
    const { data, stat } = yield* zk.getData(path);
    return { value: counterValue(data), version: stat.version };
  } catch (error) {
    throw error instanceof ZkError ? new NotAttemptedError(error) : error;
  }
}

/** An empty node counts as 0. Throws where the data is not a number. */
export function counterValue(data: Uint8Array | null): number {
  const text = toText(data) ?? '';
  const value = text === '' ? 0 : Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`"${text}" is not a counter`);
  return value;
}
