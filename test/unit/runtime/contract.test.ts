import { describeContract } from '../../support/contract/contract-suite.ts';
import { openRuntimeWorld } from '../../support/contract/runtime-world.ts';

describeContract('the runtime', openRuntimeWorld);
