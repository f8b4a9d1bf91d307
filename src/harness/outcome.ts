/**
 * How an operation ended. The `definite` column of the protocol's error table decides between `fail` and
 * `info`, and nothing else does; what a workload recognises itself is a result, not an error.
 */
import { type ProgramOutcome, ZkError } from '../client/core/program.ts';
import type { OperationResult } from './workload.ts';

export interface Ending {
  readonly type: 'ok' | 'fail' | 'info';
  readonly value?: unknown;
  readonly zxid?: string;
  readonly error?: string;
  /** The program broke, which is a fault of the workload or of the harness. */
  readonly problem?: string;
}

/** `hasBegun`: the operation's own program ran; before that nothing of it can have happened. */
export function endingOf(outcome: ProgramOutcome, hasBegun: boolean): Ending {
  if (outcome.ok) {
    const { type, value, zxid, error } = outcome.value as OperationResult;
    return {
      type,
      ...(value === undefined ? {} : { value }),
      ...(zxid === undefined ? {} : { zxid }),
      ...(error === undefined ? {} : { error }),
    };
  }
  const { error } = outcome;
  if (error instanceof ZkError) {
    return { type: error.definite || !hasBegun ? 'fail' : 'info', error: error.code };
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { type: 'info', error: 'ProgramFailed', problem: text };
}
