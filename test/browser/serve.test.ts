/** The store page: what it answers, what it refuses, and how it looks in a browser without any network. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type StoreServer, serveStore } from '../../src/cli/serve-store.ts';
import { RunDirectory } from '../../src/harness/store.ts';
import { writeRunReports } from '../../src/report/index.ts';
import { sampleRun } from '../unit/report/sample-run.ts';
import { chromiumPath, explainSkip, launch } from './chromium.ts';

explainSkip();

const folder = mkdtempSync(join(tmpdir(), 'umpire-serve-'));
const root = join(folder, 'store');
let server: StoreServer;

function store(path: string, options: Parameters<typeof sampleRun>[0], seed: string): void {
  const input = sampleRun(options);
  const result = { ...input.result, seed, name: `register-${seed}` };
  const directory = new RunDirectory(join(root, path));
  directory.writePlan(input.plan);
  directory.writeEvidence(input);
  directory.writeResult(result);
  writeRunReports(directory.path, { ...input, result });
}

beforeAll(async () => {
  store('simulation-register/2026-01-01T000000.000', { operations: 200 }, 'aaaa');
  store('simulation-register/2026-01-02T000000.000', { operations: 400, verdict: 'pass' }, 'bbbb');
  const portfolio = new RunDirectory(join(root, 'default/2026-01-03T000000.000'));
  const many = { v: 1, name: 'portfolio', verdict: 'pass', sentence: 'Nothing wrong <in> 9 runs.' };
  portfolio.write('result.json', JSON.stringify({ ...many, date: '2026-01-03T00:00:00.000Z' }));
  const dead = new RunDirectory(join(root, 'process-lock/2026-01-04T000000.000'));
  dead.write('plan.json', '{}');
  writeFileSync(join(folder, 'secret.json'), '{"secret":true}');
  symlinkSync(join(folder, 'secret.json'), join(portfolio.path, 'link.json'));
  mkdirSync(join(root, 'empty'));
  server = await serveStore(root, 0);
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** By hand: `fetch` would not send a foreign host name, and would tidy the path. */
function get(
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<{ status: number; text: string; policy: string }> {
  return new Promise((done, failed) => {
    const { hostname, port } = new URL(server.url);
    const asked = request({ hostname, port, path, headers, method }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => {
        const policy = String(response.headers['content-security-policy']);
        done({ status: response.statusCode ?? 0, text, policy });
      });
    });
    asked.on('error', failed);
    asked.end();
  });
}

describe('the server of the store', () => {
  it('lists runs, portfolios and what never ended; texts are only texts', async () => {
    const { status, text, policy } = await get('/');
    expect(status).toBe(200);
    expect(policy).toContain("default-src 'none'");
    for (const words of ['register-aaaa', 'register-bbbb', 'portfolio', 'unfinished']) {
      expect(text).toContain(words);
    }
    expect(text).toContain('Nothing wrong &lt;in&gt; 9 runs.');
    expect(text).toContain('4 entries of 4');
  });

  it('filters by words and by exact values', async () => {
    expect((await get('/?q=BBBB')).text).toContain('1 entry of 4');
    expect((await get('/?verdict=violation')).text).toContain('1 entry of 4');
    expect((await get('/?verdict=unfinished')).text).toContain('process-lock');
    expect((await get('/?q=bbbb&verdict=violation')).text).toContain('Nothing matches');
  });

  it('gives files of runs and of nothing else', async () => {
    const run = '/run/simulation-register/2026-01-01T000000.000';
    expect((await get(`${run}/report.html`)).text).toContain('register-aaaa');
    expect((await get(`${run}/history.ndjson`)).status).toBe(200);
    for (const path of [
      '/run/../secret.json',
      '/run/%2e%2e/secret.json',
      '/run/..%2fsecret.json',
      '/run/default/2026-01-03T000000.000/link.json',
      '/run/simulation-register',
      '/run/%ff',
      '/elsewhere',
    ]) {
      const { status, text } = await get(path);
      expect([path, status]).toEqual([path, 404]);
      expect(text).not.toContain('secret');
    }
  });

  it('answers only this host, and only questions', async () => {
    expect((await get('/', { host: 'evil.example' })).status).toBe(403);
    expect((await get('/', { host: 'localhost:1' })).status).toBe(200);
    expect((await get('/', {}, 'POST')).status).toBe(405);
    expect(new URL(server.url).hostname).toBe('127.0.0.1');
  });

  it('says in one sentence that a port is in use', async () => {
    const port = Number(new URL(server.url).port);
    await expect(serveStore(root, port)).rejects.toMatchObject({
      code: 'port-in-use',
      message: `Port ${port} on 127.0.0.1 is in use.`,
    });
  });

  it('compares two runs and marks what differs', async () => {
    const [a, b] = ['2026-01-01T000000.000', '2026-01-02T000000.000'].map((time) =>
      encodeURIComponent(`simulation-register/${time}`),
    );
    const { status, text } = await get(`/compare?a=${a}&b=${b}`);
    expect(status).toBe(200);
    expect(text).toMatch(/<tr class="differs"><th scope="row">seed<\/th>\s*<td>aaaa<\/td><td>bbbb/);
    expect(text).toMatch(/<tr class=""><th scope="row">world<\/th>/);
    expect(text).toMatch(/(read|write) p99/);
    expect((await get(`/compare?a=${a}`)).status).toBe(404);
  });
});

describe.skipIf(chromiumPath === undefined)('the store in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`filters, compares and opens a report, in ${colorScheme}, with no request elsewhere`, async () => {
      const context = await browser.newContext({
        colorScheme,
        viewport: { width: 1400, height: 900 },
      });
      const view = await context.newPage();
      const complaints: string[] = [];
      const foreign: string[] = [];
      view.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
      });
      view.on('pageerror', (error) => complaints.push(String(error)));
      view.on('request', (sent) => {
        const url = sent.url();
        if (!url.startsWith(server.url) && !/^(data|blob):/.test(url)) foreign.push(url);
      });
      await view.goto(server.url);
      await view.fill('input[name=q]', 'register');
      await view.selectOption('select[name=verdict]', 'pass');
      await view.click('text=Filter');
      expect(await view.locator('#count').textContent()).toContain('1 entry of 4');
      await view.click('text=Clear');
      await view.check('input[name=a] >> nth=0');
      await view.check('input[name=b] >> nth=1');
      await view.click('text=Compare A with B');
      expect(await view.locator('tr.differs').count()).toBeGreaterThan(2);
      await view.click('text=register-aaaa');
      await view.waitForSelector('html[data-ready]');
      expect(await view.locator('h1').textContent()).toBe('Violation');
      expect(complaints).toEqual([]);
      expect(foreign).toEqual([]);
      await context.close();
    });
  }
});
