import { describeContract } from '../../support/contract/contract-suite.ts';
import { openSimulationWorld } from '../../support/contract/simulation-contract.ts';

for (const seed of ['5eed', 'c0ffee', 'beef']) {
  describeContract(`the simulator, seed ${seed}`, () => openSimulationWorld(seed));
}
