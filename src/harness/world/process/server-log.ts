/**
 * What one server says on its standard error, over all its lives: every line in a file, and the last ones at
 * `warn` or above in memory. And what its exit code means.
 */
import { appendFileSync } from 'node:fs';
import type { ServerExit } from '../world.ts';

const KEPT_LINES = 200;
/** Broken invariant; anything that Node itself ends for. */
const CRASH_EXIT_CODE = 70;
const UNEXPECTED_EXIT_CODE = 1;
/** pino's number for `warn`. */
const WARN_LEVEL = 40;

export class ServerLog {
  /** Newest last, bounded. */
  readonly warnings: string[] = [];
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  add(line: string): void {
    appendFileSync(this.path, `${line}\n`);
    if (isTelling(line)) this.remember(line);
  }

  remember(line: string): void {
    this.warnings.push(line);
    if (this.warnings.length > KEPT_LINES) this.warnings.shift();
  }

  /** For an end that nobody asked for; `signal` where one ended it. */
  describeExit(sid: number, code: number, signal: string | undefined): Omit<ServerExit, 'time'> {
    const how = signal === undefined ? `exit code ${code}` : `signal ${signal}`;
    const reason = `${how}; last words: ${this.warnings.at(-1) ?? 'none'}`;
    const isCrash =
      signal !== undefined || code === CRASH_EXIT_CODE || code === UNEXPECTED_EXIT_CODE;
    this.remember(`the process ended: ${how}`);
    return { node: sid, code, reason, isCrash };
  }
}

/**
 * Of JSON lines those at `warn` or above. Of others, Java's by their level; a crash writes a dump or a
 * stack, every line of which is worth keeping.
 */
function isTelling(line: string): boolean {
  if (line.startsWith('{')) {
    try {
      const { level } = JSON.parse(line) as { level?: number };
      return level === undefined || level >= WARN_LEVEL;
    } catch {
      return true;
    }
  }
  return !/\b(INFO|DEBUG|TRACE)\b/.test(line);
}
