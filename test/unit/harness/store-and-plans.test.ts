import { mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { generatePlan, type PlanOptions } from '../../../src/harness/generator.ts';
import { HarnessError } from '../../../src/harness/harness-error.ts';
import { parsePlan, readPlan } from '../../../src/harness/plan-file.ts';
import { planHash, toJson } from '../../../src/harness/plan-hash.ts';
import { createRunDirectory } from '../../../src/harness/store.ts';
import { workloads } from '../../../workloads/index.ts';

const options: PlanOptions = {
  seed: '5eed',
  workload: workloads.get('register') as PlanOptions['workload'],
  nemesis: ['kill', 'partition-one', 'clock-bump'],
  nodes: 3,
  concurrency: 4,
  timeLimitMs: 8000,
  world: 'simulation',
};

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'umpire-store-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (error instanceof HarnessError) return error.code;
    throw error;
  }
  return 'nothing was thrown';
};

describe('plans', () => {
  test('depend on the seed alone, hold every fault asked for, and survive a file', () => {
    const plan = generatePlan(options);
    expect(planHash(generatePlan(options))).toBe(planHash(plan));
    expect(planHash(generatePlan({ ...options, seed: '5eee' }))).not.toBe(planHash(plan));
    const kinds = new Set(plan.faults.map((fault) => fault.kind));
    expect([...kinds].sort()).toEqual([...options.nemesis].sort());
    expect(planHash(parsePlan(toJson(plan), 'plan.json'))).toBe(planHash(plan));
    expect(new Set(plan.faults.map((fault) => fault.id)).size).toBe(plan.faults.length);
  });

  test('even a short run has room for each fault', () => {
    const all = ['kill', 'kill-all', 'pause', 'clock-bump', 'clock-strobe', 'power-loss'];
    const plan = generatePlan({ ...options, nemesis: all, timeLimitMs: 3000 });
    expect(new Set(plan.faults.map((fault) => fault.kind)).size).toBe(all.length);
  });

  test('that are missing, foreign or of another version are refused by name', () => {
    expect(codeOf(() => readPlan(join(root, 'none.json')))).toBe('plan-missing');
    expect(codeOf(() => parsePlan('{', 'x'))).toBe('plan-foreign');
    expect(codeOf(() => parsePlan('{"name":"left-pad"}', 'x'))).toBe('plan-foreign');
    const plan = generatePlan(options);
    expect(codeOf(() => parsePlan(toJson({ ...plan, v: 99 }), 'x'))).toBe('plan-version');
    expect(codeOf(() => parsePlan(toJson({ ...plan, extra: 1 }), 'x'))).toBe('plan-foreign');
  });
});

describe('the store', () => {
  test('keeps runs of one moment apart and points latest at the newest', () => {
    const first = createRunDirectory(root, 'register-kill-1', 1_700_000_000_000);
    const second = createRunDirectory(root, 'register-kill-1', 1_700_000_000_000);
    expect(first.path).not.toBe(second.path);
    expect(join(root, readlinkSync(join(root, 'latest')))).toBe(second.path);
    const plan = generatePlan(options);
    second.writePlan(plan);
    expect(planHash(second.readPlan())).toBe(planHash(plan));
  });

  test('reads back what it wrote', () => {
    const run = createRunDirectory(root, 'x', 0);
    const history = [
      { index: 0, process: 0, type: 'invoke', f: 'write', value: 1, time: 5 },
      { index: 1, process: 'nemesis', type: 'info', f: 'kill', time: 7 },
    ] as const;
    run.writeEvidence({ history, events: new Map([[2, []]]) });
    expect(run.readHistory()).toEqual(history);
    expect(run.readEvents(2)).toEqual([]);
    expect(codeOf(() => run.readResult())).toBe('run-missing');
  });

  test('says clearly where it cannot write', () => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    expect(codeOf(() => createRunDirectory(join(file, 'below'), 'x', 0))).toBe('store-unwritable');
  });
});
