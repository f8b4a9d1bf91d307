/** A harness that is about to be killed: prints its servers' pids, one of them stopped, and waits. */
import { readdirSync, readFileSync } from 'node:fs';
import { ProcessWorld } from '../../../src/harness/world/process/process-world.ts';

const [serverFile = '', directory = ''] = process.argv.slice(2);
const world = new ProcessWorld({
  cluster: {
    nodes: 2,
    tickTimeMs: 200,
    initLimit: 10,
    syncLimit: 5,
    snapCount: 1000,
    commitLogCount: 500,
  },
  seed: '5eed',
  serverFile,
  directory,
});
world.start(() => {
  world.inject({ action: 'pause', node: 1 }, () => {
    const pids = readdirSync('/proc').filter((name) => {
      if (!/^\d+$/.test(name)) return false;
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(serverFile) &&
          Number(name) !== process.pid
          ? readFileSync(`/proc/${name}/cmdline`, 'latin1').includes('zoo.cfg')
          : false;
      } catch {
        return false;
      }
    });
    process.stdout.write(`${JSON.stringify(pids.map(Number))}\n`);
  });
});
