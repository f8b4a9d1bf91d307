/**
 * All experiments, and how one runs in simulation. This is also what is bundled with a fault in it, so that
 * one run uses one copy of every class.
 */
import { makeUmpireServer } from '../../systems/umpire.ts';
import { availabilityExperiments } from './availability.ts';
import { dataModelExperiments } from './data-model.ts';
import { type Experiment, type ExperimentEnding, simulateExperiment } from './experiment.ts';
import { measure } from './measure.ts';
import { measurements } from './measurements.ts';
import { protocolExperiments } from './protocol.ts';
import { readExperiments } from './reads.ts';
import { recipeExperiments } from './recipes.ts';
import { replicaExperiments } from './replicas.ts';
import { sessionExperiments } from './sessions.ts';

export { measurements };
export const experiments: readonly Experiment[] = [
  ...availabilityExperiments,
  ...protocolExperiments,
  ...readExperiments,
  ...replicaExperiments,
  ...dataModelExperiments,
  ...sessionExperiments,
  ...recipeExperiments,
];

export function simulateClaim(claim: string, seed: string): ExperimentEnding {
  const measurement = measurements.find((one) => one.claim === claim);
  if (measurement !== undefined) return measure(measurement, seed, makeUmpireServer);
  const experiment = experiments.find((one) => one.claim === claim);
  if (experiment === undefined) throw new Error(`no experiment speaks to ${claim}`);
  return simulateExperiment(experiment, seed, makeUmpireServer);
}
