/**
 * Worker threads that simulate. The main thread stays free for progress and Ctrl-C, and every core works. A
 * plan decides all that happens in its run, so which worker takes it makes no difference.
 */
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type {
  ObservedPatterns,
  ShrunkPlan,
  SimulationReply,
  SimulationRun,
  SimulationTask,
} from './simulation-task.ts';

interface Waiting {
  readonly task: SimulationTask;
  readonly resolve: (reply: SimulationReply) => void;
  readonly reject: (error: Error) => void;
}

export class SimulationPool {
  readonly #engineFile: string;
  readonly #commit: string | null;
  readonly #size: number;
  readonly #workers = new Set<Worker>();
  readonly #idle: Worker[] = [];
  readonly #queue: Waiting[] = [];
  readonly #busy = new Map<Worker, Waiting>();
  #isClosed = false;

  /** `engineFile`: the bundled engine. */
  constructor(engineFile: string, size: number, commit: string | null) {
    this.#engineFile = engineFile;
    this.#size = size;
    this.#commit = commit;
  }

  get size(): number {
    return this.#size;
  }

  async run(task: Extract<SimulationTask, { type: 'run' }>): Promise<SimulationRun> {
    return (await this.#submit(task)) as SimulationRun;
  }

  async shrink(task: Extract<SimulationTask, { type: 'shrink' }>): Promise<ShrunkPlan> {
    return (await this.#submit(task)) as ShrunkPlan;
  }

  async observe(task: Extract<SimulationTask, { type: 'observe' }>): Promise<ObservedPatterns> {
    return (await this.#submit(task)) as ObservedPatterns;
  }

  /** Ends every worker at once; tasks under way are rejected. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const waiting of [...this.#queue.splice(0), ...this.#busy.values()]) {
      waiting.reject(new Error('the simulation was stopped'));
    }
    this.#busy.clear();
    await Promise.all([...this.#workers].map((worker) => worker.terminate()));
    this.#workers.clear();
  }

  async #submit(task: SimulationTask): Promise<SimulationReply> {
    const reply = await new Promise<SimulationReply>((resolve, reject) => {
      if (this.#isClosed) {
        reject(new Error('the simulation was stopped'));
        return;
      }
      this.#queue.push({ task, resolve, reject });
      this.#dispatch();
    });
    if (reply.type === 'failed') throw new Error(reply.reason);
    return reply;
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const worker = this.#idle.pop() ?? this.#hire();
      if (worker === undefined) return;
      const waiting = this.#queue.shift() as Waiting;
      this.#busy.set(worker, waiting);
      worker.postMessage(waiting.task);
    }
  }

  #hire(): Worker | undefined {
    if (this.#workers.size >= this.#size) return undefined;
    const worker = new Worker(pathToFileURL(this.#engineFile), {
      workerData: { umpireSimulation: true, commit: this.#commit },
      // Loaders of the main thread (tsx) are of no use to a bundle.
      execArgv: [],
    });
    this.#workers.add(worker);
    worker.on('message', (reply: SimulationReply) => {
      const waiting = this.#busy.get(worker);
      this.#busy.delete(worker);
      this.#idle.push(worker);
      waiting?.resolve(reply);
      this.#dispatch();
    });
    worker.on('error', (error) => this.#dismiss(worker, error));
    worker.on('exit', (code) => this.#dismiss(worker, new Error(`a worker ended with ${code}`)));
    return worker;
  }

  #dismiss(worker: Worker, error: Error): void {
    if (!this.#workers.delete(worker)) return;
    const at = this.#idle.indexOf(worker);
    if (at >= 0) this.#idle.splice(at, 1);
    this.#busy.get(worker)?.reject(error);
    this.#busy.delete(worker);
    if (!this.#isClosed) this.#dispatch();
  }
}
