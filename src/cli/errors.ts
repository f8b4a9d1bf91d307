/**
 * What goes wrong outside of the project, each with a stable code and printed as what happened, why, and
 * what to do next. Caught once, at the edge.
 */
import { ExitCode } from '../harness/result.ts';

export interface ErrorWords {
  /** Stable, kebab-case: scripts may look for it. */
  readonly code: string;
  readonly what: string;
  readonly why?: string;
  readonly next?: string;
}

export class CommandError extends Error {
  override readonly name: string = 'CommandError';
  readonly code: string;
  readonly why: string | undefined;
  readonly next: string | undefined;
  readonly exitCode: number;

  constructor(words: ErrorWords, exitCode: number) {
    super(words.what);
    this.code = words.code;
    this.why = words.why;
    this.next = words.next;
    this.exitCode = exitCode;
  }
}

/** The command line asks for something that makes no sense. */
export class UsageError extends CommandError {
  override readonly name = 'UsageError';
  constructor(words: ErrorWords) {
    super(words, ExitCode.usage);
  }
}

/** The host or a file does not allow what was asked. */
export class EnvironmentError extends CommandError {
  override readonly name = 'EnvironmentError';
  constructor(words: ErrorWords) {
    super(words, ExitCode['harness-error']);
  }
}

export function describeError(error: CommandError): string {
  const lines = [`umpire: ${error.message} [${error.code}]`];
  if (error.why !== undefined) lines.push(`  why:  ${error.why}`);
  if (error.next !== undefined) lines.push(`  next: ${error.next}`);
  return lines.join('\n');
}
