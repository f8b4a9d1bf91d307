/** Finds a Chromium and opens it without anything that would reach out to a network. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const candidates = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

export const chromiumPath = candidates.find((path) => path !== undefined && existsSync(path));

/** A skipped test says why, once. */
export function explainSkip(): void {
  if (chromiumPath !== undefined) return;
  process.stderr.write('browser tests skipped: no Chromium found; set CHROMIUM_PATH\n');
}

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath as string,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
