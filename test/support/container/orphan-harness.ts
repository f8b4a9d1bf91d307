/** A harness that is about to be killed: two servers in containers, one of them paused; prints its run. */
import { ContainerWorld } from '../../../src/harness/world/container/container-world.ts';
import { findEngine } from '../../../src/harness/world/container/docker.ts';
import { OWNER_LABEL, ownerOf, RUN_LABEL } from '../../../src/harness/world/container/labels.ts';
import { openLab } from './lab.ts';

const { host } = await openLab();
const world = new ContainerWorld({
  host,
  cluster: {
    nodes: 2,
    tickTimeMs: 200,
    initLimit: 10,
    syncLimit: 5,
    snapCount: 1000,
    commitLogCount: 500,
  },
  seed: '5eed',
});
world.start(() => {
  world.inject({ action: 'pause', node: 1 }, () => void printRun());
});

async function printRun(): Promise<void> {
  const engine = await findEngine();
  if (typeof engine === 'string') throw new Error(engine);
  const label = [`${OWNER_LABEL}=${ownerOf(process.pid)}`];
  const [own] = await engine.docker.listContainers({ filters: { label } });
  process.stdout.write(`${JSON.stringify(own?.Labels[RUN_LABEL] ?? '')}\n`);
}
