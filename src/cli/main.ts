#!/usr/bin/env node
/** `umpire`: one command line in, one exit code out. What goes wrong outside is told here, once. */
import { ExitCode, HarnessError } from '../harness/index.ts';
import { CommandError, describeError, EnvironmentError } from './errors.ts';
import { runProgram } from './program.ts';

function commandErrorOf(thrown: unknown): CommandError | undefined {
  if (thrown instanceof CommandError) return thrown;
  if (thrown instanceof HarnessError) {
    const { code, message, advice } = thrown;
    return new EnvironmentError({ code, what: message, next: advice });
  }
  return undefined;
}

let exitCode: number;
try {
  exitCode = await runProgram(process.argv.slice(2));
} catch (thrown) {
  const known = commandErrorOf(thrown);
  exitCode = known?.exitCode ?? ExitCode['harness-error'];
  const text =
    known === undefined
      ? `umpire: a fault of umpire itself [internal]\n${thrown instanceof Error ? thrown.stack : thrown}`
      : describeError(known);
  process.stderr.write(`${text}\n`);
}
// Said goodbye to explicitly, once everything is written: Node 20 may turn in circles over handles that
// worker threads and child processes left behind when it tears its environment down by itself.
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
