/** A worker thread that checks models, so that the main thread stays free for progress and Ctrl-C. */
import { parentPort } from 'node:worker_threads';
import { check, checkMutant, type Model, models, type Watch } from '../../spec/index.ts';
import { messageOf } from '../base/thrown.ts';
import type { SpecReply, SpecTask } from './spec-task.ts';

const PROGRESS_EVERY_MS = 200;

function reply(message: SpecReply): void {
  parentPort?.postMessage(message);
}

function watch(): Watch {
  let told = performance.now();
  return {
    nowMs: () => performance.now(),
    // The main thread ends a worker that is not wanted any more.
    isAborted: () => false,
    progress(progress) {
      if (performance.now() - told < PROGRESS_EVERY_MS) return;
      told = performance.now();
      reply({ type: 'progress', progress });
    },
  };
}

function work(task: SpecTask): SpecReply {
  const model = models.get(task.model) as Model;
  if (task.type === 'mutant') {
    return { type: 'tried', result: checkMutant(model, task.mutant, { watch: watch() }) };
  }
  const limit = task.maxStates === undefined ? {} : { maxStates: task.maxStates };
  return { type: 'ran', result: check(model, task.run, { watch: watch(), ...limit }) };
}

parentPort?.on('message', (task: SpecTask) => {
  try {
    reply(work(task));
  } catch (error) {
    reply({ type: 'failed', reason: messageOf(error) });
  }
});
