/** One server on this machine: the core, its driver and what a life of it needs. */

import { randomBytes } from 'node:crypto';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerConfig } from '../core/config.ts';
import { Listener } from '../core/seam.ts';
import { Server } from '../core/server.ts';
import { systemClock } from './clock.ts';
import { Driver } from './driver.ts';
import type { ServerLog } from './log.ts';
import type { DialMap } from './sockets.ts';
import { ServerExitCode, StartupError } from './startup-error.ts';
import { openTraceFile } from './trace-file.ts';

export interface RunOptions {
  readonly config: ServerConfig;
  readonly log: ServerLog;
  readonly onHalt: (code: number, reason: string) => void;
  /** Tests only: see sockets.ts. */
  readonly dialMap?: DialMap;
  /** Tests only: see trace-file.ts. */
  readonly tracePath?: string;
}

export interface RunningServer {
  /** Closes connections, flushes, and ends in `onHalt` with code 0. */
  requestStop(): void;
  /** Its own client port is open and requests are served. */
  isServing(): boolean;
}

export function runServer(options: RunOptions): RunningServer {
  const { log, onHalt, tracePath } = options;
  const config = { ...options.config, isTraced: tracePath !== undefined };
  checkDirectory(config.dataDir);
  checkDirectory(config.dataLogDir);
  const traceFile = tracePath === undefined ? undefined : openTraceFile(tracePath);
  const core = new Server(config);
  const driver = new Driver({
    core,
    clock: systemClock,
    log,
    lateTimerMs: config.tickTimeMs,
    ...(options.dialMap === undefined ? {} : { dialMap: options.dialMap }),
    ...(traceFile === undefined ? {} : { traceFile }),
    onHalt,
    describeState: () => ({ ...core.status(), connections: undefined }),
  });
  driver.start(traceFile?.incarnation ?? 1, randomBytes(8).toString('hex'));
  return {
    requestStop: () => driver.enqueue({ type: 'stop-requested' }),
    isServing: () => driver.isListening(Listener.client) && core.status().isServing,
  };
}

function checkDirectory(directory: string): void {
  try {
    mkdirSync(join(directory, 'version-2'), { recursive: true });
    accessSync(join(directory, 'version-2'), constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new StartupError('DATA_DIRECTORY', ServerExitCode.dataDirectory, {
      what: `the data directory cannot be used (${directory})`,
      why: (error as Error).message,
      whatToDo: 'make it writable for this user, or set dataDir and dataLogDir to one that is',
    });
  }
}
