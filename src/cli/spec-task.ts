/** What the main thread asks of a worker that checks models, and what it answers. All can be cloned. */
import type { MutantResult, Progress, Run, RunResult } from '../../spec/index.ts';

export type SpecTask =
  | {
      readonly type: 'run';
      readonly model: string;
      readonly run: Run;
      readonly maxStates?: number;
    }
  | { readonly type: 'mutant'; readonly model: string; readonly mutant: string };

export type SpecReply =
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'ran'; readonly result: RunResult }
  | { readonly type: 'tried'; readonly result: MutantResult }
  | { readonly type: 'failed'; readonly reason: string };
