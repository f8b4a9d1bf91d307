/// <reference lib="dom" />
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderReport } from '../../src/report/index.ts';
import { sampleRun } from '../unit/report/sample-run.ts';
import { chromiumPath, explainSkip, launch } from './chromium.ts';

explainSkip();

// Scripts of the page are texts: the tests themselves are compiled without the types of a browser.
const INK_SCRIPT = `(() => {
  const canvas = document.getElementById('timeline-canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let different = 0;
  for (let at = 0; at < data.length; at += 4) {
    if ([0, 1, 2].some((part) => data[at + part] !== data[part])) different++;
  }
  return different / (data.length / 4);
})()`;

/** Ten steps of the wheel; milliseconds of each with its frame. */
const ZOOM_SCRIPT = `(async () => {
  const canvas = document.getElementById('timeline-canvas');
  const start = performance.now();
  for (let turn = 0; turn < 10; turn++) {
    const wheel = new WheelEvent('wheel', { deltaY: -120, cancelable: true, bubbles: true });
    Object.defineProperty(wheel, 'offsetX', { value: 700 });
    canvas.dispatchEvent(wheel);
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
  return (performance.now() - start) / 10;
})()`;

describe.skipIf(chromiumPath === undefined)('report in a browser', () => {
  const folder = mkdtempSync(join(tmpdir(), 'umpire-report-'));
  let browser: Browser;
  const complaints: string[] = [];
  const requests: string[] = [];

  beforeAll(async () => {
    browser = await launch();
  });

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function url(operations: number): string {
    const path = join(folder, `${operations}.html`);
    writeFileSync(path, renderReport(sampleRun({ operations })));
    return pathToFileURL(path).href;
  }

  async function open(
    address: string,
    scheme: 'light' | 'dark' = 'light',
    javaScriptEnabled = true,
  ): Promise<Page> {
    complaints.length = 0;
    requests.length = 0;
    const context = await browser.newContext({
      viewport: { width: 1400, height: 900 },
      colorScheme: scheme,
      javaScriptEnabled,
    });
    const page = await context.newPage();
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => {
      if (!/^(data|blob):/.test(request.url())) requests.push(request.url());
    });
    await page.goto(address);
    if (javaScriptEnabled) await page.waitForSelector('html[data-ready]');
    return page;
  }

  /** Share of the canvas that differs from its first pixel: an empty drawing is near 0. */
  function ink(page: Page): Promise<number> {
    return page.evaluate<number>(INK_SCRIPT);
  }

  for (const scheme of ['light', 'dark'] as const) {
    for (const operations of [10, 10_000]) {
      it(`draws ${operations} operations in ${scheme} without a request`, async () => {
        const address = url(operations);
        const page = await open(address, scheme);
        await page.waitForTimeout(200);
        expect(await ink(page)).toBeGreaterThan(0.02);
        expect(complaints).toEqual([]);
        expect(requests).toEqual([address]);
        await page.context().close();
      });
    }
  }

  it('stays quick with 100 000 operations: zoom, search, next anomaly', async () => {
    const page = await open(url(100_000));
    await page.waitForTimeout(200);
    const caption = () => page.locator('#list-caption').textContent();
    await expect.poll(caption).toMatch(/of 100.000 operations/);

    const canvas = page.locator('#timeline-canvas');
    await canvas.hover({ position: { x: 700, y: 300 } });
    const drawMs = await page.evaluate<number>(ZOOM_SCRIPT);
    // Generous, for a loaded host without a GPU; a redraw of everything per operation takes seconds.
    expect(drawMs).toBeLessThan(500);
    await expect.poll(caption).not.toMatch(/of 100.000/);

    await page.keyboard.press('f');
    await page.keyboard.press('/');
    await page.keyboard.type('client:3 f:write outcome:ok');
    const result = page.locator('#search-result');
    await expect.poll(() => result.textContent()).toMatch(/^\d+ matches$/);
    await page.keyboard.press('Enter');
    expect(await result.textContent()).toMatch(/^1 of \d+$/);
    expect(await page.locator('#chosen').textContent()).toMatch(/write \/r\/\d.*client3/);
    expect(page.url()).toMatch(/#op=\d+$/);

    await page.keyboard.press('Escape');
    await page.keyboard.press('n');
    expect(await page.locator('#chosen').textContent()).toContain('acknowledged-write-lost');
    await page.keyboard.press('n');
    expect(await page.locator('#chosen').textContent()).toContain('non-linearizable');
    await page.keyboard.press('p');
    expect(await page.locator('#chosen').textContent()).toContain('acknowledged-write-lost');
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('follows a link to an operation and says when a search makes no sense', async () => {
    const page = await open(`${url(200)}#op=20`);
    expect(await page.locator('#chosen').textContent()).toContain('Chosen operation');
    await page.fill('#search', 'client:four');
    expect(await page.locator('#search-result').textContent()).toContain('is no number');
    await page.fill('#search', 'nothing-has-this');
    expect(await page.locator('#search-result').textContent()).toBe('0 matches');
    await page.context().close();
  });

  it('can be read without JavaScript', async () => {
    const page = await open(url(200), 'light', false);
    const text = await page.locator('body').textContent();
    expect(text).toContain('Acknowledged write lost');
    expect(text).toContain('not verified');
    expect(text).toContain('is drawn with JavaScript');
    expect(await page.locator('button:visible').count()).toBe(0);
    await page.context().close();
  });
});
