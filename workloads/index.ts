/** The workloads by name. */
import type { Workload } from '../src/harness/index.ts';
import { configuration } from './configuration.ts';
import { counter } from './counter.ts';
import { election } from './election.ts';
import { lock } from './lock.ts';
import { queue } from './queue.ts';
import { readWriteLock } from './read-write-lock.ts';
import { register } from './register.ts';
import { registration } from './registration.ts';
import { uniqueIds } from './unique-ids.ts';

export {
  configuration,
  counter,
  election,
  lock,
  queue,
  readWriteLock,
  register,
  registration,
  uniqueIds,
};

export const workloads: ReadonlyMap<string, Workload> = new Map(
  [
    register,
    lock,
    counter,
    readWriteLock,
    election,
    registration,
    configuration,
    queue,
    uniqueIds,
  ].map((workload) => [workload.name, workload] as const),
);
