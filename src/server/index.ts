/**
 * `umpire/server`: a standalone server inside this process, for tests and development.
 *
 *   const server = await createServer({ dataDir: '/tmp/zk' });
 *   … connect to 127.0.0.1:server.port …
 *   await server.close();
 */
import { createServer as createNetServer } from 'node:net';
import { resolve } from 'node:path';
import { defaultConfig, type ServerConfig } from './core/config.ts';
import type { LogLevel } from './core/seam.ts';
import { createLog, silentLog } from './runtime/log.ts';
import { runServer } from './runtime/run-server.ts';

export type { ServerConfig } from './core/config.ts';
export { StartupError } from './runtime/startup-error.ts';
export { loadServerConfig, parseServerConfig } from './runtime/zoo-cfg.ts';

export interface CreateServerOptions {
  /** Made where it does not exist; holds `version-2`. */
  readonly dataDir: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default: a free one. */
  readonly port?: number;
  readonly tickTimeMs?: number;
  /** Four-letter words that are answered; default all. */
  readonly fourLetterWords?: readonly string[];
  /** Log lines on stderr from this level on; default none. */
  readonly logLevel?: LogLevel;
  /** Called when the server ends without being asked to. */
  readonly onFailure?: (error: Error) => void;
}

export interface EmbeddedServer {
  readonly host: string;
  readonly port: number;
  /** `127.0.0.1:2181`, as clients want it. */
  readonly connectString: string;
  /** Stops it as SIGTERM would; everything is on disk afterwards. */
  close(): Promise<void>;
}

export async function createServer(options: CreateServerOptions): Promise<EmbeddedServer> {
  const host = options.host ?? '127.0.0.1';
  const port = options.port ?? (await freePort(host));
  let end: { code: number; reason: string } | undefined;
  let isClosing = false;
  let onEnd: (() => void) | undefined;
  const server = runServer({
    config: embeddedConfig(options, host, port),
    log: options.logLevel === undefined ? silentLog : createLog(options.logLevel, 1),
    onHalt: (code, reason) => {
      end = { code, reason };
      onEnd?.();
      if (!isClosing) options.onFailure?.(new Error(`the server ended (${code}): ${reason}`));
    },
  });
  while (!server.isServing()) {
    if (end !== undefined) throw new Error(`the server did not start: ${end.reason}`);
    await new Promise((wake) => setTimeout(wake, 10));
  }
  return {
    host,
    port,
    connectString: `${host}:${port}`,
    close() {
      return new Promise((closed) => {
        if (end !== undefined) return closed();
        isClosing = true;
        onEnd = closed;
        server.requestStop();
      });
    },
  };
}

function embeddedConfig(options: CreateServerOptions, host: string, port: number): ServerConfig {
  const dataDir = resolve(options.dataDir);
  const tickTimeMs = options.tickTimeMs ?? defaultConfig.tickTimeMs;
  return {
    ...defaultConfig,
    sid: 1,
    dataDir,
    dataLogDir: dataDir,
    clientHost: host,
    clientPort: port,
    tickTimeMs,
    minSessionTimeoutMs: 2 * tickTimeMs,
    maxSessionTimeoutMs: 20 * tickTimeMs,
    fourLetterWords: new Set(options.fourLetterWords ?? ['*']),
  };
}

/** Between finding and using it another process may take the port; the server then says so. */
function freePort(host: string): Promise<number> {
  return new Promise((found, failed) => {
    const probe = createNetServer();
    probe.on('error', failed);
    probe.listen({ host, port: 0 }, () => {
      const address = probe.address();
      probe.close(() => found(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
