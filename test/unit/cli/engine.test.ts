import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkerTable } from '../../../src/cli/checker-table.ts';
import { generatePlan, simulate, workloads } from '../../../src/cli/engine.ts';
import { loadRun, locateRun, saveRun } from '../../../src/cli/stored-run.ts';
import { judge, type Plan, RunDirectory, type Workload } from '../../../src/harness/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'umpire-engine-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function planOf(workload: string, nemesis: readonly string[]): Plan {
  return generatePlan({
    seed: '5eed',
    workload: workloads.get(workload) as Workload,
    nemesis,
    nodes: 3,
    concurrency: 3,
    timeLimitMs: 2_500,
    world: 'simulation',
  });
}

describe('engine', () => {
  it('notices an injector that does nothing', () => {
    const reply = simulate(
      { type: 'run', plan: planOf('register', ['kill']), isInert: true, keep: 'never' },
      null,
    );
    expect(reply.type === 'ran' && reply.result.verdict).toBe('harness-error');
  });

  it('says so where a workload is not known', () => {
    const plan = { ...planOf('register', []), workload: 'nothing' };
    expect(simulate({ type: 'run', plan, keep: 'never' }, null)).toEqual({
      type: 'failed',
      reason: 'no workload is called nothing',
    });
  });

  it('reports every checker under a name that list knows, and no others', () => {
    const seen = new Set<string>();
    for (const name of workloads.keys()) {
      const reply = simulate({ type: 'run', plan: planOf(name, []), keep: 'never' }, null);
      if (reply.type !== 'ran') throw new Error('the run failed');
      for (const { checker } of reply.result.checks) seen.add(checker);
    }
    // Sessions that expired and journals that cannot be read take more than a run without faults.
    for (const name of ['zookeeper-expiry', 'zookeeper-journal']) seen.add(name);
    expect([...seen].sort()).toEqual(checkerTable.map(([name]) => name).sort());
  });
});

describe('stored run', () => {
  it('comes back whole, and is judged as before', () => {
    const plan = planOf('counter', ['kill']);
    const reply = simulate({ type: 'run', plan, keep: 'always' }, null);
    if (reply.type !== 'ran' || reply.recording === undefined) throw new Error('the run failed');
    const directory = new RunDirectory(join(folder, 'run'));
    saveRun(directory, plan, reply.result, reply.recording);
    const loaded = loadRun(directory.path);
    expect(loaded.plan).toEqual(plan);
    expect(loaded.recording.history).toHaveLength(reply.recording.history.length);
    expect([...loaded.recording.files.keys()]).toEqual([1, 2, 3]);
    const workload = workloads.get('counter') as Workload;
    const again = judge(plan, workload, loaded.recording, () => 0);
    expect(again.verdict).toBe(reply.result.verdict);
    expect(again.checks).toEqual(reply.result.checks);
    expect(locateRun(directory.file('plan.json')).directory).toBe(directory.path);
  });

  it('finds the telling run of many', () => {
    const many = new RunDirectory(join(folder, 'many'));
    many.write('result.json', JSON.stringify({ focus: 'runs/one' }));
    many.write('runs/one/plan.json', '{}');
    expect(locateRun(many.path).plan).toBe(many.file('runs/one/plan.json'));
  });
});
