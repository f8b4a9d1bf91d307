/** Reads plans that come from files: checked completely, refused with one clear sentence. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { messageOf } from '../base/thrown.ts';
import { HarnessError } from './harness-error.ts';
import { PLAN_VERSION, type Plan } from './plan.ts';

const millis = z.number().nonnegative();
const range = z.tuple([millis, millis]);
const perMille = z.number().int().min(0).max(1000);
const scalar = z.union([z.number(), z.string()]);

const operation = z.strictObject({
  id: z.string(),
  at: millis.optional(),
  after: millis.optional(),
  f: z.string(),
  key: z.string().optional(),
  value: z.unknown().optional(),
});

const fault = z.strictObject({
  id: z.string(),
  at: millis.optional(),
  when: z
    .strictObject({
      act: z.string(),
      node: z.number().int().optional(),
      nth: z.number().int().positive(),
      withinMs: millis.optional(),
    })
    .optional(),
  kind: z.string(),
  target: z.union([
    z.strictObject({ nodes: z.array(z.number().int()) }),
    z.strictObject({ pick: z.enum(['leader', 'follower', 'any', 'all']) }),
  ]),
  params: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
  heal: z.union([z.literal('final'), z.strictObject({ after: millis })]),
});

const planSchema = z.strictObject({
  v: z.literal(PLAN_VERSION),
  seed: z.string(),
  workload: z.string(),
  workloadParams: z.record(z.string(), scalar),
  cluster: z.strictObject({
    nodes: z.number().int().min(1).max(255),
    tickTimeMs: z.number().int().positive(),
    initLimit: z.number().int().positive(),
    syncLimit: z.number().int().positive(),
    snapCount: z.number().int().min(2),
    commitLogCount: z.number().int().positive(),
  }),
  knobs: z.strictObject({
    sessionTimeoutMs: z.number().int().positive(),
    operationTimeoutMs: z.number().int().positive(),
    timeLimitMs: z.number().int().positive(),
    simulation: z.strictObject({
      networkLatencyMs: range,
      diskLatencyMs: range,
      splitPerMille: perMille,
      tornPerMille: perMille,
      lostPerMille: perMille,
    }),
  }),
  clients: z.array(z.strictObject({ id: z.number().int().nonnegative(), ops: z.array(operation) })),
  faults: z.array(fault),
  final: z.strictObject({ settleMs: millis, timeoutMs: millis }),
  modesEveryMs: z.number().int().positive().optional(),
  system: z.enum(['umpire', 'apache', 'mixed']).optional(),
  zoo: z.array(z.string()).optional(),
});

/** Throws HarnessError for text that is no plan of this version. */
export function parsePlan(text: string, source: string): Plan {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = messageOf(error);
    throw new HarnessError('plan-foreign', `${source} is not JSON: ${why}`, 'name a plan.json');
  }
  const version = (value as { v?: unknown } | null)?.v;
  if (typeof version === 'number' && version !== PLAN_VERSION) {
    throw new HarnessError(
      'plan-version',
      `${source} is a plan of version ${version}; this is version ${PLAN_VERSION}`,
      'run it with the release that wrote it',
    );
  }
  const parsed = planSchema.safeParse(value);
  if (parsed.success) return parsed.data as unknown as Plan;
  const issue = parsed.error.issues[0];
  const place = issue === undefined || issue.path.length === 0 ? 'it' : issue.path.join('.');
  throw new HarnessError(
    'plan-foreign',
    `${source} is not a plan: ${place}: ${issue?.message ?? 'unreadable'}`,
    'name the plan.json of a run directory',
  );
}

export function readPlan(path: string): Plan {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new HarnessError(
      'plan-missing',
      `the plan ${path} cannot be read: ${code}`,
      'name a plan.json, or a directory that holds one',
    );
  }
  return parsePlan(text, path);
}
