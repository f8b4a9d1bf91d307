/**
 * An experiment is evidence for one claim: a script that brings something about with real parts and looks
 * what happens. `without` takes one rule of the system away; the same script must then come to a worse
 * verdict, or it could not have told otherwise.
 */
import type { EvidenceWorld } from '../../../spec/claims/index.ts';
import {
  type ClusterSpec,
  type MakeServer,
  type Plan,
  SimulationWorld,
  type World,
} from '../../harness/index.ts';
import { tolerancePlan } from '../../harness/tolerance/setting.ts';
import { play, Scene, type Script } from './scene.ts';
import { Sightings } from './sightings.ts';

/** `find` stands once in `file`. */
export interface OneLineFault {
  readonly title: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Experiment {
  readonly claim: string;
  readonly title: string;
  readonly worlds: readonly EvidenceWorld[];
  readonly nodes: number;
  /** Where the usual settings will not do. */
  readonly cluster?: Partial<ClusterSpec>;
  readonly script: (scene: Scene, see: Sightings) => Script<void>;
  /** An entry of the zoo, or a fault of its own. */
  readonly without?: string | OneLineFault;
}

export const everywhere = ['simulation', 'process', 'container'] as const;
export const real = ['process', 'container'] as const;
export const simulated = ['simulation'] as const;

/** What was seen until a script could not go on proves nothing good; a broken sentence stays broken. */
export type ExperimentEnding =
  | { readonly ok: true; readonly seen: Sightings }
  | { readonly ok: false; readonly error: string; readonly seen?: Sightings };

/** The ensemble of an experiment as data; it has no operations and no faults of its own. */
export function experimentPlan({ claim, nodes, cluster }: Experiment, seed: string): Plan {
  const plan = tolerancePlan(nodes, `${seed}/${claim}`);
  return { ...plan, workload: `experiment ${claim}`, cluster: { ...plan.cluster, ...cluster } };
}

/** Starts the world, waits until it serves, runs the script and stops the world. */
export function runExperiment(
  experiment: Experiment,
  plan: Plan,
  world: World,
  done: (ending: ExperimentEnding) => void,
): void {
  const { cluster, knobs, seed } = plan;
  const { sessionTimeoutMs } = knobs;
  const scene = new Scene(world, { ...cluster, sessionTimeoutMs, seed });
  const seen = new Sightings();
  const end = (ending: ExperimentEnding): void => {
    world.stop((_, error) => {
      const crash = world.exits().find(({ isCrash }) => isCrash);
      if (crash !== undefined) done({ ok: false, error: `server ${crash.node}: ${crash.reason}` });
      else if (ending.ok && error !== undefined) done({ ok: false, error });
      else done(ending);
    });
  };
  function* whole(): Script<void> {
    yield* scene.serving();
    yield* experiment.script(scene, seen);
  }
  world.start((error) => {
    if (error !== undefined) end({ ok: false, error });
    else play(whole(), (ending) => end({ ...ending, seen }));
  });
}

export function simulateExperiment(
  experiment: Experiment,
  seed: string,
  makeServer: MakeServer,
): ExperimentEnding {
  const plan = experimentPlan(experiment, seed);
  const world = new SimulationWorld({ plan, makeServer, isTapped: true });
  let ended: ExperimentEnding | undefined;
  runExperiment(experiment, plan, world, (ending) => {
    ended = ending;
  });
  const failure = world.drive(() => ended !== undefined);
  return ended ?? { ok: false, error: failure ?? 'the simulation did not end' };
}
