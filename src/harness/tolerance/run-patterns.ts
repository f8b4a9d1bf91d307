/**
 * Observes patterns one after another. In simulation each has an ensemble of its own, so that it can be run
 * again alone; on real processes and containers, where starting costs seconds, one ensemble sees them all.
 */

import { awaitServing, describeModes } from '../ensemble.ts';
import type { MakeServer } from '../world/simulation/simulation-world.ts';
import { SimulationWorld } from '../world/simulation/simulation-world.ts';
import type { World } from '../world/world.ts';
import type { ObserveOptions } from './group-watch.ts';
import { type Observation, observe, settlingMs } from './observe.ts';
import { type Pattern, sidsOf } from './pattern.ts';
import { tolerancePlan } from './setting.ts';

const START_MS = 120_000;
const STARTS_WAITED = 2;

export function observeSimulated(
  wanted: Pattern,
  seed: string,
  label: string,
  makeServer: MakeServer,
): Observation {
  const plan = tolerancePlan(wanted.size, `${seed}/${wanted.size}/${label}`);
  const world = new SimulationWorld({ plan, makeServer });
  let observation: Observation | undefined;
  world.start(() => {
    observe(world, wanted, optionsOf(wanted, seed, label, 0), (seen) => {
      observation = seen;
    });
  });
  const failure = world.drive(() => observation !== undefined);
  if (observation !== undefined) return observation;
  return brokenObservation(wanted, failure ?? 'the simulation did not end');
}

/**
 * All `wanted` are of one size. The world is started here and stopped at the end; whoever stops it before
 * hears nothing more.
 */
export function observeAll(
  world: World,
  wanted: readonly Pattern[],
  seed: string,
  onObserved: (observation: Observation, index: number) => void,
  done: (error?: string) => void,
): void {
  let startMs = 0;
  const next = (index: number): void => {
    const pattern = wanted[index];
    if (pattern === undefined) {
      world.stop((_, error) => done(error));
      return;
    }
    observe(world, pattern, optionsOf(pattern, seed, `${index}`, startMs), (observation) => {
      onObserved(observation, index);
      next(index + 1);
    });
  };
  world.start((error) => {
    if (error !== undefined) {
      world.stop(() => done(error));
      return;
    }
    const size = wanted[0]?.size ?? 0;
    awaitServing(world, sidsOf(size), START_MS, (isServing, modes) => {
      startMs = world.nowNs() / 1e6;
      if (isServing) next(0);
      else world.stop(() => done(`the ensemble did not serve: ${describeModes(modes)}`));
    });
  });
}

/** On a slow host everything takes longer, an election too: a refusal waits for several starts. */
function optionsOf(wanted: Pattern, seed: string, label: string, startMs: number): ObserveOptions {
  const { cluster, knobs } = tolerancePlan(wanted.size, seed);
  const patienceMs = Math.max(settlingMs(cluster), STARTS_WAITED * startMs);
  return { cluster, sessionTimeoutMs: knobs.sessionTimeoutMs, seed, label, patienceMs };
}

function brokenObservation(pattern: Pattern, problem: string): Observation {
  return { pattern, leader: null, groups: [], problems: [problem] };
}
