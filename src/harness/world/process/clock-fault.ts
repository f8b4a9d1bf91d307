/**
 * Wall clocks of child processes, moved by libfaketime where it is installed. It is preloaded, reads offset
 * and rate from a file on each call, and leaves the monotonic clock alone: a server's timeouts must not
 * notice.
 */
import { existsSync, renameSync, writeFileSync } from 'node:fs';

const libraries = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib64/faketime/libfaketime.so.1',
  '/usr/lib/faketime/libfaketime.so.1',
  '/usr/local/lib/faketime/libfaketime.so.1',
];

export const faketimeLibrary: string | undefined = libraries.find((path) => existsSync(path));

export function clockEnvironment(
  offsetFile: string,
  library: string | undefined = faketimeLibrary,
): Record<string, string> {
  if (library === undefined) return {};
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: offsetFile,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    FAKETIME_NO_CACHE: '1',
  };
}

export interface ClockSetting {
  /** What the wall clock is off by from now on. */
  readonly offsetMs: number;
  readonly ratePerMille: number;
  /** How long the process has been running: libfaketime counts a rate from its start. */
  readonly ageMs: number;
}

export const TRUE_CLOCK: ClockSetting = { offsetMs: 0, ratePerMille: 1000, ageMs: 0 };

/** By rename: a reader never sees half a number. The rate is always told, since it would stay otherwise. */
export function writeClock(file: string, { offsetMs, ratePerMille, ageMs }: ClockSetting): void {
  const rate = ratePerMille / 1000;
  const seconds = ((offsetMs - ageMs * (rate - 1)) / 1000).toFixed(3);
  writeFileSync(`${file}.new`, `${seconds.startsWith('-') ? '' : '+'}${seconds} x${rate}\n`);
  renameSync(`${file}.new`, file);
}
