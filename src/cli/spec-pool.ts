/** Deals tasks out to worker threads and tells of their progress. */
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Progress } from '../../spec/index.ts';
import type { SpecReply, SpecTask } from './spec-task.ts';

export type SpecAnswer = Exclude<SpecReply, { readonly type: 'progress' }>;

export interface SpecPoolOptions {
  /** The bundled worker. */
  readonly file: string;
  readonly size: number;
  readonly signal: AbortSignal;
  progress(task: SpecTask, progress: Progress, done: number): void;
  answered(task: SpecTask, answer: SpecAnswer): void;
}

/** Resolves when every task is answered, or at once when it is aborted. */
export async function runSpecTasks(
  tasks: readonly SpecTask[],
  options: SpecPoolOptions,
): Promise<void> {
  const queue = [...tasks];
  const size = Math.min(options.size, tasks.length);
  const workers = Array.from(
    { length: size },
    () => new Worker(pathToFileURL(options.file), { execArgv: [] }),
  );
  let done = 0;
  const serve = (worker: Worker) =>
    new Promise<void>((resolve, reject) => {
      let task: SpecTask | undefined;
      const next = (): void => {
        task = queue.shift();
        if (task === undefined || options.signal.aborted) resolve();
        else worker.postMessage(task);
      };
      options.signal.addEventListener('abort', () => resolve());
      worker.on('error', reject);
      worker.on('message', (reply: SpecReply) => {
        if (task === undefined || options.signal.aborted) return;
        if (reply.type === 'progress') {
          options.progress(task, reply.progress, done);
          return;
        }
        done++;
        try {
          options.answered(task, reply);
        } catch (error) {
          reject(error as Error);
          return;
        }
        next();
      });
      next();
    });
  try {
    await Promise.all(workers.map(serve));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
