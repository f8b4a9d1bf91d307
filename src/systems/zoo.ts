/**
 * The zoo: known bugs as data. An entry names one text of the sources and what to put in its place, and what
 * the harness must say about it. Entries are applied to a copy of the sources while they are bundled; the
 * production code has no switches for them.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { projectRoot, type SourcePatch } from '../harness/bundle.ts';
import { HarnessError, type Plan, parsePlan, type WorldName } from '../harness/index.ts';

/** Long texts are written as lines. */
const text = z
  .union([z.string().min(1), z.array(z.string()).min(1)])
  .transform((value) => (typeof value === 'string' ? value : value.join('\n')));

const entrySchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'ids are kebab-case'),
  title: z.string().min(1),
  /** Where such a bug was met before. */
  origin: z.string().min(1),
  /** The promise that it breaks. */
  breaks: z.string().min(1),
  file: z.string().min(1),
  find: text,
  replace: text,
  /** Kinds of anomalies, any of which catches it. */
  expected: z.array(z.string()).min(1),
  run: z.strictObject({
    workload: z.string(),
    nemesis: z.array(z.string()).min(1),
    /** On real processes, where some faults do not exist. */
    processNemesis: z.array(z.string()).min(1).optional(),
    nodes: z.number().int().min(1).max(9),
    concurrency: z.number().int().positive(),
    timeLimitMs: z.number().int().positive(),
    /** Tried in this order; the first is known to catch it at the time of writing. */
    seed: z.string().regex(/^[0-9a-f]{1,16}$/),
    tries: z.number().int().positive(),
    /** Instead of drawn ones, as a plan has them: bugs with a narrow window want their moment. */
    faults: z.array(z.looseObject({ id: z.string(), kind: z.string() })).optional(),
    /** The same on real processes, where time passes as it passes. */
    processFaults: z.array(z.looseObject({ id: z.string(), kind: z.string() })).optional(),
    processTimeLimitMs: z.number().int().positive().optional(),
  }),
  /** One of the self-check's canaries. */
  isCanary: z.boolean(),
});

export type ZooEntry = Readonly<z.infer<typeof entrySchema>>;

export const zooDirectory = join(projectRoot, 'zoo');

/** Every entry by id, in the order of the ids. Throws HarnessError for a file that is no entry. */
export function readZoo(directory = zooDirectory): ReadonlyMap<string, ZooEntry> {
  const files = existsSync(directory)
    ? readdirSync(directory).filter((file) => file.endsWith('.json'))
    : [];
  const entries = new Map<string, ZooEntry>();
  for (const file of files.sort()) {
    const entry = parseZooEntry(readFileSync(join(directory, file), 'utf8'), `zoo/${file}`);
    if (`${entry.id}.json` !== file) {
      throw new HarnessError(
        'zoo-foreign',
        `zoo/${file} holds the entry ${entry.id}`,
        `call the file ${entry.id}.json`,
      );
    }
    entries.set(entry.id, entry);
  }
  return entries;
}

export function parseZooEntry(content: string, source: string): ZooEntry {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (error) {
    throw new HarnessError('zoo-foreign', `${source} is not JSON: ${error}`, 'mend the file');
  }
  const parsed = entrySchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new HarnessError(
    'zoo-foreign',
    `${source} is no zoo entry: ${issue?.path.join('.')}: ${issue?.message}`,
    'compare it with the other files of zoo/',
  );
}

/** The entries of these ids, in that order. */
export function zooEntries(
  ids: readonly string[],
  zoo: ReadonlyMap<string, ZooEntry> = readZoo(),
): ZooEntry[] {
  return ids.map((id) => {
    const entry = zoo.get(id);
    if (entry !== undefined) return entry;
    throw new HarnessError(
      'zoo-unknown',
      `no zoo entry is called ${id}`,
      `there are: ${[...zoo.keys()].join(', ')}`,
    );
  });
}

/** The faults of a canary's plan: those of the entry, where it has some. */
export function withZooFaults(
  plan: Plan,
  { id, run }: ZooEntry,
  world: WorldName = 'simulation',
): Plan {
  const faults = world === 'simulation' ? run.faults : run.processFaults;
  if (faults === undefined) return plan;
  // Read as a plan from a file would be, so that a wrong fault is refused.
  return parsePlan(JSON.stringify({ ...plan, faults }), `zoo/${id}.json`);
}

export function patchesOf(entries: readonly ZooEntry[]): SourcePatch[] {
  return entries.map(({ file, find, replace }) => ({ file, find, replacement: replace }));
}
