/** A run directory as the commands use it: everything that a run recorded, and back again. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import {
  HarnessError,
  type Plan,
  type Recording,
  RunDirectory,
  type RunResult,
  readPlan,
  toJson,
} from '../harness/index.ts';
import type { TapRecording } from '../harness/world/wire-tap/wire-tap.ts';
import { type ReportInput, writeRunReports } from '../report/index.ts';

/** What a recording holds beside history, events and the servers' files. */
type RecordingRest = Omit<
  Recording,
  'history' | 'sessions' | 'events' | 'files' | 'logs' | 'wires'
> & {
  readonly logs: readonly (readonly [number, readonly string[]])[];
  readonly wires?: Omit<TapRecording, 'events'>;
};

export interface StoredRun {
  readonly directory: RunDirectory;
  readonly plan: Plan;
  readonly result: RunResult;
  readonly recording: Recording;
}

export function reportInput(plan: Plan, result: RunResult, recording: Recording): ReportInput {
  return { plan, result, history: recording.history, events: recording.events };
}

/** Returns the path of the report. */
export function saveRun(
  directory: RunDirectory,
  plan: Plan,
  result: RunResult,
  recording: Recording,
): string {
  directory.writePlan(plan);
  directory.writeEvidence(recording);
  for (const [sid, files] of recording.files) {
    for (const [name, bytes] of files) directory.write(`servers/${sid}/${name}`, bytes);
  }
  const { history: _, sessions: __, events: ___, files: ____, logs, wires, ...rest } = recording;
  const stored: RecordingRest = { ...rest, logs: [...logs], ...saveTap(directory, wires) };
  directory.write('recording.json', `${toJson(stored, 1)}\n`);
  directory.writeResult(result);
  return writeRunReports(directory.path, reportInput(plan, result, recording));
}

function saveTap(
  directory: RunDirectory,
  wires: TapRecording | undefined,
): Pick<RecordingRest, 'wires'> {
  if (wires === undefined) return {};
  const { events, ...about } = wires;
  directory.writeTap(events);
  return { wires: about };
}

/**
 * `path`: a run directory, one of many runs (its most telling run is meant), or a plan file. Throws
 * HarnessError with what is missing.
 */
export function locateRun(path: string): { readonly directory?: string; readonly plan: string } {
  if (!existsSync(path)) {
    throw new HarnessError(
      'run-missing',
      `${path} does not exist`,
      'name a run directory such as store/latest, or a plan.json',
    );
  }
  if (statSync(path).isFile()) {
    const parent = join(path, '..');
    const isInRun = existsSync(join(parent, 'result.json')) && path.endsWith('plan.json');
    return isInRun ? { directory: parent, plan: path } : { plan: path };
  }
  if (existsSync(join(path, 'plan.json'))) {
    return { directory: path, plan: join(path, 'plan.json') };
  }
  const focus = portfolioFocus(path);
  if (focus !== undefined) return locateRun(join(path, focus));
  throw new HarnessError(
    'run-missing',
    `${path} holds no plan.json`,
    'name a run directory such as store/latest, or a plan.json',
  );
}

function portfolioFocus(path: string): string | undefined {
  const file = join(path, 'result.json');
  if (!existsSync(file)) return undefined;
  const { focus } = JSON.parse(readFileSync(file, 'utf8')) as { readonly focus?: unknown };
  return typeof focus === 'string' && existsSync(join(path, focus)) ? focus : undefined;
}

export function loadRun(path: string): StoredRun {
  const located = locateRun(path);
  if (located.directory === undefined) {
    throw new HarnessError(
      'run-missing',
      `${path} is a plan, not a run`,
      'name the directory of a run; replay runs a plan',
    );
  }
  const directory = new RunDirectory(located.directory);
  const result = directory.readResult();
  const { wires, ...rest } = readRest(directory);
  const sessions = directory.readSessions();
  const events = new Map(
    sidsIn(directory, 'events').map((sid) => [sid, directory.readEvents(sid)] as const),
  );
  const recording: Recording = {
    ...rest,
    logs: new Map(rest.logs),
    history: directory.readHistory(),
    ...(sessions === undefined ? {} : { sessions }),
    ...(wires === undefined ? {} : { wires: { ...wires, events: directory.readTap() } }),
    events,
    files: new Map(
      sidsIn(directory, 'servers').map((sid) => [sid, readFiles(directory, sid)] as const),
    ),
  };
  return { directory, plan: readPlan(located.plan), result, recording };
}

function readRest(directory: RunDirectory): RecordingRest {
  const file = directory.file('recording.json');
  if (!existsSync(file)) {
    throw new HarnessError(
      'run-incomplete',
      `${file} is missing: the run was stopped before its end`,
      'replay its plan.json instead',
    );
  }
  return JSON.parse(readFileSync(file, 'utf8')) as RecordingRest;
}

function sidsIn(directory: RunDirectory, folder: string): number[] {
  const path = directory.file(folder);
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .map((name) => Number.parseInt(name, 10))
    .filter((sid) => Number.isInteger(sid))
    .sort((a, b) => a - b);
}

function readFiles(directory: RunDirectory, sid: number): Map<string, Uint8Array> {
  const root = directory.file(`servers/${sid}`);
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    files
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [relative(root, path).split(sep).join('/'), readFileSync(path)] as const),
  );
}
