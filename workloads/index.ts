/** The workloads by name. */
import type { Workload } from '../src/harness/workload.ts';
import { counter } from './counter.ts';
import { lock } from './lock.ts';
import { register } from './register.ts';

export { counter, lock, register };

export const workloads: ReadonlyMap<string, Workload> = new Map(
  [register, lock, counter].map((workload) => [workload.name, workload] as const),
);
