/** Runs a measurement: its script on an ensemble of each size, then what the readings say together. */
import { type MakeServer, SimulationWorld } from '../../harness/index.ts';
import { type ExperimentEnding, experimentPlan, runExperiment } from './experiment.ts';
import type { Measurement, Readings } from './measurements.ts';
import { Sightings } from './sightings.ts';

export function measure(
  measurement: Measurement,
  seed: string,
  makeServer: MakeServer,
): ExperimentEnding {
  const { claim, title, sizes, script, conclude } = measurement;
  const all = new Sightings();
  const readings = new Map<number, Readings>();
  for (const nodes of sizes) {
    const experiment = {
      claim,
      title,
      worlds: [],
      nodes,
      *script(...[scene, see]: Parameters<Measurement['script']>) {
        readings.set(nodes, yield* script(scene, see));
      },
    };
    const plan = experimentPlan(experiment, `${seed}/${nodes}`);
    const world = new SimulationWorld({ plan, makeServer, isTapped: true });
    let ended: ExperimentEnding | undefined;
    runExperiment(experiment, plan, world, (ending) => {
      ended = ending;
    });
    const failure = world.drive(() => ended !== undefined);
    if (ended === undefined) return { ok: false, error: failure ?? 'the simulation did not end' };
    if (!ended.ok) return ended;
    all.add(ended.seen);
  }
  conclude?.(readings, all);
  for (const [nodes, own] of readings) {
    for (const [name, value] of Object.entries(own)) {
      all.note(`${nodes} servers: ${name}`, Math.round(value * 1000) / 1000);
    }
  }
  return { ok: true, seen: all };
}
