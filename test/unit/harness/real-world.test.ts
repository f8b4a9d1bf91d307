/** The end of a world of real servers whose engine has gone away meanwhile. */
import { expect, test } from 'vitest';
import { RealWorld } from '../../../src/harness/world/process/real-world.ts';

class LostWorld extends RealWorld {
  readonly name = 'container';
  readonly missing = new Map<never, string>();
  isReleased = false;

  protected async prepare() {
    const network = {
      cut: () => {},
      join: () => {},
      probe: () => {},
      wires: () => Promise.reject(new Error('the engine is gone')),
    };
    return { servers: [], network };
  }

  protected async release() {
    this.isReleased = true;
  }
}

const cluster = {
  ...{ nodes: 3, tickTimeMs: 200, initLimit: 10, syncLimit: 5 },
  ...{ snapCount: 1000, commitLogCount: 500 },
};

test('is told as an error, after everything else was let go', async () => {
  const world = new LostWorld({ cluster, seed: '5eed' });
  world.start(() => {});
  await new Promise((prepared) => setImmediate(prepared));
  const error = await new Promise((stopped) => world.stop((_, why) => stopped(why)));
  expect(error).toBe('the engine is gone');
  expect(world.isReleased).toBe(true);
});
