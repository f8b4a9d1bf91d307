/** One search of one model, in a process of its own, so that time and memory are its own. */
import { explore } from '../../spec/kernel/explore.ts';
import { initialStates, type Model, type ScopeRecord, type Spec } from '../../spec/kernel/model.ts';
import { Stepper } from '../../spec/kernel/step.ts';
import { models } from '../../spec/models/index.ts';

export interface Search {
  readonly distinct: number;
  readonly depth: number;
}

export interface Measured extends Search {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakMegabytes: number;
}

type Variant = 'kernel' | 'json';

const variants: Readonly<Record<Variant, (spec: Spec<object>) => Search>> = {
  kernel: (spec) => explore(spec),
  json: exploreByJson,
};

/** What one would write first: whole states as text in a Map. */
function exploreByJson(spec: Spec<object>): Search {
  const stepper = new Stepper(spec);
  const invariants = Object.values(spec.always ?? {});
  const ghosts = new Set(spec.ghosts ?? []);
  const keyOf = (state: object): string =>
    JSON.stringify(
      ghosts.size === 0
        ? state
        : Object.fromEntries(Object.entries(state).filter(([field]) => !ghosts.has(field))),
    );
  const seen = new Map<string, string | undefined>();
  let level: object[] = [];
  const arrive = (state: object, parent: string | undefined): void => {
    const key = keyOf(state);
    if (seen.has(key)) return;
    seen.set(key, parent);
    if (!invariants.every((holds) => holds(state))) throw new Error('an invariant is violated');
    level.push(state);
  };
  for (const state of initialStates(spec)) arrive(state, undefined);
  let depth = 0;
  while (level.length > 0) {
    const states = level;
    level = [];
    depth++;
    for (const state of states) {
      const key = keyOf(state);
      stepper.forEach(state, (action, params) => {
        const after = stepper.take(action, state, params);
        for (const holds of Object.values(spec.onStep ?? {})) {
          const name = stepper.names[action] as string;
          if (!holds({ before: state, action: name, params, after })) throw new Error('violated');
        }
        arrive(after, key);
      });
    }
  }
  return { distinct: seen.size, depth };
}

/** Only these invariants; without the rest, as in the run that it is compared with. */
function only(spec: Spec<object>, invariants: readonly string[] | null): Spec<object> {
  const { init, actions, always = {}, onStep = {}, ghosts = [] } = spec;
  if (invariants === null) return { init, actions, always, onStep, ghosts };
  const kept = Object.entries(always).filter(([name]) => invariants.includes(name));
  if (kept.length !== invariants.length) throw new Error(`no such invariant: ${invariants}`);
  return { init, actions, always: Object.fromEntries(kept), ghosts };
}

const [variant, name, scope, invariants] = JSON.parse(process.argv[2] as string) as [
  Variant,
  string,
  ScopeRecord,
  readonly string[] | null,
];
const model = models.get(name) as Model;
const spec = only(model.define({ ...model.scope, ...scope }), invariants);
const startMs = performance.now();
const { distinct, depth } = variants[variant](spec);
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
const measured: Measured = {
  distinct,
  depth,
  wallSeconds: (performance.now() - startMs) / 1000,
  cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
  peakMegabytes: maxRSS / 1024,
};
process.stdout.write(JSON.stringify(measured));
