/**
 * A web server over a store, for this host alone: it listens on loopback, answers only requests that name
 * it by a loopback name (a page elsewhere could otherwise have its own name resolve to here), only GET,
 * and only files of stored runs. Every page forbids itself to load anything from anywhere else.
 */
import { createReadStream, realpathSync, statSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import { extname, join, resolve, sep } from 'node:path';
import { messageOf } from '../base/thrown.ts';
import { HarnessError, RunDirectory } from '../harness/index.ts';
import { html } from '../report/html.ts';
import {
  type ComparedRun,
  comparePage,
  filterOf,
  filterStore,
  listPage,
  PAGE_POLICY,
  page,
  readStore,
  type StoreEntry,
} from '../report/store-page/index.ts';
import { EnvironmentError } from './errors.ts';

export interface StoreServer {
  readonly url: string;
  close(): Promise<void>;
}

const LOOPBACK = '127.0.0.1';

const fileTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.ndjson': 'text/plain; charset=utf-8',
  '.md': 'text/plain; charset=utf-8',
  '.xml': 'text/plain; charset=utf-8',
};

/** A report's own script and style are in its file; nothing else may be loaded. */
const REPORT_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'";

/** `port` 0 takes any. Throws EnvironmentError where the port is taken. */
export async function serveStore(root: string, port: number): Promise<StoreServer> {
  const server = createServer((request, response) => {
    try {
      answer(resolve(root), request, response);
    } catch (error) {
      fail(response, error);
    }
  });
  await listen(server, port);
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no address');
  return {
    url: `http://${LOOPBACK}:${address.port}/`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((listening, failed) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE';
      failed(
        new EnvironmentError({
          code: isTaken ? 'port-in-use' : 'port-unusable',
          what: `Port ${port} on ${LOOPBACK} ${isTaken ? 'is in use' : 'cannot be used'}.`,
          ...(isTaken ? {} : { why: error.message }),
          next: 'Choose another one with --port; 0 takes any that is free.',
        }),
      );
    });
    server.listen({ host: LOOPBACK, port, exclusive: true }, listening);
  });
}

function answer(root: string, request: IncomingMessage, response: ServerResponse): void {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '');
  if (host !== LOOPBACK && host !== 'localhost') {
    sendMessage(response, 403, 'This store is shown to this host only.');
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    sendMessage(response, 405, 'Only GET is answered here.');
    return;
  }
  const url = new URL(request.url ?? '/', `http://${LOOPBACK}`);
  if (url.pathname === '/') {
    const entries = entriesOf(root);
    const filter = filterOf(url.searchParams);
    sendPage(response, 200, listPage(root, entries, filterStore(entries, filter), filter));
  } else if (url.pathname === '/compare') {
    compare(root, url.searchParams, response);
  } else if (url.pathname.startsWith('/run/')) {
    sendFile(root, url.pathname.slice('/run/'.length), response);
  } else sendMessage(response, 404, 'There is no such page.');
}

function entriesOf(root: string): StoreEntry[] {
  return statSync(root, { throwIfNoEntry: false })?.isDirectory() === true ? readStore(root) : [];
}

function compare(root: string, query: URLSearchParams, response: ServerResponse): void {
  const runs = entriesOf(root).filter(({ isRun }) => isRun);
  const chosen = ['a', 'b'].map((side) => runs.find(({ path }) => path === query.get(side)));
  const [a, b] = chosen.map((entry) => (entry === undefined ? undefined : readRun(root, entry)));
  if (a === undefined || b === undefined) {
    sendMessage(response, 404, 'Choose two single runs of this store, one as A and one as B.');
  } else sendPage(response, 200, comparePage(a, b));
}

function readRun(root: string, { path }: StoreEntry): ComparedRun {
  const directory = new RunDirectory(join(root, path));
  return { path, result: directory.readResult(), history: directory.readHistory() };
}

/** Only files that stand in the store, wherever links lead, and only of kinds that runs have. */
function sendFile(root: string, encoded: string, response: ServerResponse): void {
  const path = inside(root, encoded);
  const type = path === undefined ? undefined : fileTypes[extname(path)];
  if (path === undefined || type === undefined || !statSync(path).isFile()) {
    sendMessage(response, 404, 'There is no such file in this store.');
    return;
  }
  const policy = extname(path) === '.html' ? REPORT_POLICY : PAGE_POLICY;
  response.writeHead(200, headers(type, policy));
  createReadStream(path)
    .on('error', () => response.destroy())
    .pipe(response);
}

function inside(root: string, encoded: string): string | undefined {
  try {
    const base = realpathSync(root);
    const path = realpathSync(join(base, decodeURIComponent(encoded)));
    return path.startsWith(base + sep) ? path : undefined;
  } catch {
    // Not there, or no path at all.
    return undefined;
  }
}

function headers(type: string, policy: string): OutgoingHttpHeaders {
  return {
    'Content-Type': type,
    'Content-Security-Policy': policy,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
  };
}

function sendPage(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, headers('text/html; charset=utf-8', PAGE_POLICY));
  response.end(text);
}

function sendMessage(response: ServerResponse, status: number, sentence: string): void {
  const body = html`<section><p>${sentence}</p><p><a href="/">To the store</a></p></section>`;
  sendPage(response, status, page('Umpire', html`<span>store</span>`, body));
}

function fail(response: ServerResponse, error: unknown): void {
  const sentence = messageOf(error);
  if (response.headersSent) response.destroy();
  else sendMessage(response, error instanceof HarnessError ? 404 : 500, sentence);
}
