/** What `umpire run` was asked for: options checked and completed. */
import { workloads as allWorkloads } from '../../workloads/index.ts';
import { faultKinds, faultKindsNamed, type SystemName, type WorldName } from '../harness/index.ts';
import {
  parseCount,
  parseDuration,
  parseNames,
  parseSeed,
  randomSeed,
  unknownName,
} from './arguments.ts';
import { UsageError } from './errors.ts';
import { WORLDS } from './real-worlds.ts';

export interface RunOptions {
  readonly world?: string;
  readonly workload?: string;
  readonly nemesis?: string;
  readonly nodes?: string;
  readonly seed?: string;
  readonly budget?: string;
  readonly timeLimit?: string;
  readonly concurrency?: string;
  readonly zoo?: string;
  readonly system?: string;
}

export interface RunRequest {
  /** Undefined: the default job. */
  readonly world: WorldName | undefined;
  readonly workloads: readonly string[];
  readonly nemesis: readonly string[];
  /** Names were given one by one: each is owed. */
  readonly isNemesisOwed: boolean;
  readonly nodes: number | undefined;
  readonly seed: string;
  readonly budgetMs: number | undefined;
  readonly timeLimitMs: number | undefined;
  readonly concurrency: number;
  readonly zoo: readonly string[];
  readonly system: SystemName;
}

const DEFAULT_CONCURRENCY = 5;

/** Prefixes that ask for several faults at once. */
export function faultFamilies(): string[] {
  const names = new Set([...faultKinds.keys()].map((name) => name.split('-')[0] as string));
  return [...names].filter(
    (name) => !faultKinds.has(name) && (faultKindsNamed(name)?.length ?? 0) > 1,
  );
}

/** Names and families → kinds, in the order of the table. */
export function resolveNemesis(text: string): { names: string[]; isOwed: boolean } {
  const wanted = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const knownFaults = [...faultKinds.keys(), ...faultFamilies()];
  const names = new Set<string>();
  let isOwed = wanted.length > 0;
  for (const name of wanted.length === 0 ? [''] : wanted) {
    const kinds = faultKindsNamed(name);
    if (kinds === undefined) throw unknownName(name, '--nemesis', knownFaults);
    if (!faultKinds.has(name)) isOwed = false;
    for (const kind of kinds) names.add(kind.name);
  }
  return { names: [...faultKinds.keys()].filter((name) => names.has(name)), isOwed };
}

export function parseRunOptions(options: RunOptions): RunRequest {
  const { world } = options;
  if (world !== undefined && !WORLDS.some((name) => name === world)) {
    throw unknownName(world, '--world', WORLDS);
  }
  const isDefault =
    world === undefined &&
    options.workload === undefined &&
    options.nemesis === undefined &&
    options.nodes === undefined &&
    options.zoo === undefined &&
    options.system === undefined;
  const all = [...allWorkloads.keys()];
  const nemesis = options.nemesis === undefined ? undefined : resolveNemesis(options.nemesis);
  const nodes =
    options.nodes === undefined ? undefined : parseCount(options.nodes, '--nodes', 1, 9);
  const request: RunRequest = {
    world: isDefault ? undefined : ((world ?? 'simulation') as WorldName),
    workloads:
      options.workload === undefined ? all : parseNames(options.workload, '--workload', all),
    nemesis: nemesis?.names ?? [...faultKinds.keys()],
    isNemesisOwed: nemesis?.isOwed ?? false,
    nodes,
    seed: options.seed === undefined ? randomSeed() : parseSeed(options.seed),
    budgetMs: options.budget === undefined ? undefined : parseDuration(options.budget, '--budget'),
    timeLimitMs:
      options.timeLimit === undefined
        ? undefined
        : parseDuration(options.timeLimit, '--time-limit'),
    concurrency:
      options.concurrency === undefined
        ? DEFAULT_CONCURRENCY
        : parseCount(options.concurrency, '--concurrency', 1, 200),
    system: parseSystem(options),
    zoo: options.zoo === undefined ? [] : options.zoo.split(',').filter((id) => id !== ''),
  };
  checkNodes(request);
  return request;
}

const SYSTEMS = ['umpire', 'apache', 'mixed'] as const satisfies SystemName[];

function parseSystem({ system = 'umpire', world }: RunOptions): SystemName {
  const found = SYSTEMS.find((name) => name === system);
  if (found === undefined) throw unknownName(system, '--system', SYSTEMS);
  if (found === 'umpire' || world === 'container') return found;
  throw new UsageError({
    code: 'system-not-here',
    what: `--system ${found} needs --world container.`,
    why: "Apache's servers run in containers.",
    next: 'Add --world container.',
  });
}

function checkNodes({ nemesis, isNemesisOwed, nodes }: RunRequest): void {
  if (nodes === undefined || !isNemesisOwed) return;
  for (const name of nemesis) {
    const least = faultKinds.get(name)?.minNodes ?? 1;
    if (least <= nodes) continue;
    throw new UsageError({
      code: 'too-few-nodes',
      what: `${name} makes no sense with --nodes ${nodes}.`,
      why: `It needs ${least} servers at least.`,
      next: `Use --nodes ${least}.`,
    });
  }
}

/** What is left of a list of faults with so many servers. */
export function possible(nemesis: readonly string[], nodes: number): string[] {
  return nemesis.filter((name) => (faultKinds.get(name)?.minNodes ?? 1) <= nodes);
}
