/**
 * Wall clocks of child processes, moved by libfaketime where it is installed. It is preloaded, reads the
 * offset from a file on each call, and leaves the monotonic clock alone: a server's timeouts must not
 * notice. (Its rate faults would speed the monotonic clock too; they are not offered.)
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

export function clockEnvironment(offsetFile: string): Record<string, string> {
  if (faketimeLibrary === undefined) return {};
  return {
    LD_PRELOAD: faketimeLibrary,
    FAKETIME_TIMESTAMP_FILE: offsetFile,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    FAKETIME_NO_CACHE: '1',
  };
}

/** By rename: a reader never sees half a number. */
export function writeClockOffset(offsetFile: string, offsetMs: number): void {
  const seconds = (offsetMs / 1000).toFixed(3);
  writeFileSync(`${offsetFile}.new`, `${offsetMs < 0 ? '' : '+'}${seconds}\n`);
  renameSync(`${offsetFile}.new`, offsetFile);
}
