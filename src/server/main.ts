#!/usr/bin/env node
/**
 * `main.js PATH/zoo.cfg`: one server in the foreground until SIGTERM or SIGINT. A second signal ends it at
 * once, as a crash would.
 *
 * For tests only, set by the harness and documented here alone:
 *   UMPIRE_TRACE        file that protocol events are appended to (runtime/trace-file.ts)
 *   UMPIRE_DIAL_MAP     JSON file, "host:port" → "host:port" of outgoing connections (runtime/sockets.ts)
 *   UMPIRE_PARENT_PIPE  when set, the server dies when its standard input ends, so that nothing outlives a
 *                       harness that was killed
 *   UMPIRE_LOG_LEVEL    debug, info (default), warn, error
 */
import { readFileSync } from 'node:fs';
import type { LogLevel } from './core/seam.ts';
import { createLog } from './runtime/log.ts';
import { runServer } from './runtime/run-server.ts';
import type { DialMap } from './runtime/sockets.ts';
import { formatStartupError, ServerExitCode, StartupError } from './runtime/startup-error.ts';
import { loadServerConfig } from './runtime/zoo-cfg.ts';

function main(): void {
  const environment = readEnvironment();
  const { config, warnings } = loadServerConfig(configPath());
  const log = createLog(environment.logLevel, config.sid);
  for (const warning of warnings) log.write('warn', warning);
  const { tracePath, dialMapPath } = environment;
  const server = runServer({
    config,
    log,
    onHalt: (code, reason) => {
      if (code === ServerExitCode.bindFailure) {
        report(
          new StartupError('BIND_FAILED', code, {
            what: 'a port cannot be opened',
            why: reason,
            whatToDo: 'stop what uses the port (ss -ltnp shows it), or choose another in zoo.cfg',
          }),
        );
      } else if (code !== 0) log.write('error', 'the server ends', { code, reason });
      process.exit(code);
    },
    ...(tracePath === undefined ? {} : { tracePath }),
    ...(dialMapPath === undefined ? {} : { dialMap: readDialMap(dialMapPath) }),
  });
  stopOnSignals(server.requestStop);
  if (environment.diesWithParent) dieWithParent();
}

function configPath(): string {
  const path = process.argv[2];
  if (path !== undefined && process.argv.length === 3 && !path.startsWith('-')) return path;
  throw new StartupError('USAGE', ServerExitCode.badInvocation, {
    what: 'one argument is expected: the path of zoo.cfg',
    why: `${process.argv.length - 2} given (${process.argv.slice(2).join(' ') || 'none'})`,
    whatToDo: 'node dist/server/main.js PATH/zoo.cfg',
  });
}

function readEnvironment() {
  const {
    UMPIRE_TRACE: tracePath,
    UMPIRE_DIAL_MAP: dialMapPath,
    UMPIRE_PARENT_PIPE: parentPipe,
    UMPIRE_LOG_LEVEL: level,
  } = process.env;
  const logLevel: LogLevel =
    level === 'debug' || level === 'warn' || level === 'error' ? level : 'info';
  return { tracePath, dialMapPath, logLevel, diesWithParent: parentPipe !== undefined };
}

function readDialMap(path: string): DialMap {
  return new Map(Object.entries(JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>));
}

function stopOnSignals(requestStop: () => void): void {
  let isStopping = false;
  const codes = { SIGTERM: 143, SIGINT: 130 } as const;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (isStopping) process.exit(codes[signal]);
      isStopping = true;
      requestStop();
    });
  }
}

function dieWithParent(): void {
  process.stdin.resume();
  process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL'));
  process.stdin.on('error', () => process.kill(process.pid, 'SIGKILL'));
}

function report(error: StartupError): void {
  process.stderr.write(formatStartupError(error));
}

try {
  main();
} catch (error) {
  if (!(error instanceof StartupError)) throw error;
  report(error);
  process.exitCode = error.exitCode;
}
