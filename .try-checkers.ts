import { workloads } from '/work/main/workloads/index.ts';
import { generatePlan, runSimulated, faultKinds } from '/work/main/src/harness/index.ts';
import { makeUmpireServer } from '/work/main/src/systems/umpire.ts';
import { importEngine } from '/work/main/src/cli/engine-bundle.ts';
import { portfolioPlan } from '/work/main/src/harness/portfolio.ts';
const [zoo, from, to, limit] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4]), Number(process.argv[5] ?? 8000)];
const zooList = zoo === '-' ? [] : [zoo];
const engine: any = zooList.length ? await importEngine(zooList) : undefined;
const opts: any = { seed: 'chk', workloads: [...workloads.values()], concurrency: 5, timeLimitMs: limit, maxRuns: 1, mayGoOn: () => true, twicePerMille: 0 };
if (process.argv[6]) opts.nemesis = process.argv[6].split(',');
if (process.argv[7]) opts.nodes = Number(process.argv[7]);
if (process.argv[8]) opts.workloads = opts.workloads.filter((w: any) => w.name === process.argv[8]);
const tally: Record<string, number> = {};
for (let i = from; i < to; i++) {
  const plan = { ...portfolioPlan(opts, i), ...(zooList.length ? { zoo: zooList } : {}) };
  const t = Date.now();
  let out: any;
  if (engine) out = { result: engine.simulate({ type: 'run', plan, keep: 'never' }, null).result };
  else out = runSimulated(plan, workloads.get(plan.workload)!, { now: () => Date.now(), commit: null, makeServer: makeUmpireServer } as any);
  const r = out.result;
  tally[r.verdict] = (tally[r.verdict] ?? 0) + 1;
  const f = r.checks.flatMap((c: any) => Object.entries(c.findings ?? {}).map(([k, v]) => `${c.checker}/${k}=${v}`)).join(' ');
  console.log(i, plan.workload, plan.cluster.nodes, r.nemesis.join('+'), r.verdict, `${Date.now() - t}ms`, JSON.stringify(out.evidence ? '' : ''), f);
  if (r.verdict !== 'pass') { console.log('   ', r.sentence.slice(0, 700)); for (const c of r.checks) if (c.verdict !== 'pass') console.log('      ', c.checker, c.verdict, c.summary.slice(0, 500)); }
  if (process.env.LOOKED) console.log('     ', r.checks.map((c: any) => `${c.checker}:${c.looked}`).join(' '));
}
console.log(tally);
