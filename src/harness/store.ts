/**
 * Run directories: `<root>/<name>/<time>/` with plan, history, events and result, and `<root>/latest` that
 * points at the newest. Files appear whole or not at all, the plan first: a run that dies leaves what is
 * needed to run it again.
 */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative, resolve } from 'node:path';
import type { HistoryEntry } from '../checker/history.ts';
import type { JournalRecord } from '../checker/zookeeper/journal.ts';
import { formatRecord, parseJournal } from '../checker/zookeeper/journal-format.ts';
import type { Evidence, TimedEvent } from './evidence.ts';
import { HarnessError } from './harness-error.ts';
import type { Plan } from './plan.ts';
import { readPlan } from './plan-file.ts';
import { toJson } from './plan-hash.ts';
import type { RunResult } from './result.ts';
import type { TapEvent } from './world/wire-tap/tap-event.ts';

export class RunDirectory {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Writes to a temporary name first, so that a reader never sees half a file. */
  write(name: string, content: string | Uint8Array): string {
    const target = this.file(name);
    const temporary = `${target}.tmp`;
    guarded(target, () => {
      mkdirSync(resolve(target, '..'), { recursive: true });
      writeFileSync(temporary, content);
      renameSync(temporary, target);
    });
    return target;
  }

  writePlan(plan: Plan): string {
    return this.write('plan.json', `${toJson(plan, 1)}\n`);
  }

  writeEvidence(evidence: Pick<Evidence, 'history' | 'events' | 'sessions'>): void {
    this.write('history.ndjson', lines(evidence.history));
    const { sessions = [] } = evidence;
    const journal = sessions.map((record) => `${formatRecord(record)}\n`);
    if (journal.length > 0) this.write('sessions.ndjson', journal.join(''));
    for (const [sid, events] of evidence.events) {
      this.write(`events/${sid}.ndjson`, lines(events));
    }
  }

  /** What passed on the wires. */
  writeTap(events: readonly TapEvent[]): void {
    this.write('tap.ndjson', lines(events));
  }

  readTap(): TapEvent[] {
    return parseLines(this.#read('tap.ndjson')) as TapEvent[];
  }

  writeResult(result: RunResult): string {
    return this.write('result.json', `${toJson(result, 1)}\n`);
  }

  readPlan(): Plan {
    return readPlan(this.file('plan.json'));
  }

  readResult(): RunResult {
    return JSON.parse(this.#read('result.json')) as RunResult;
  }

  readHistory(): HistoryEntry[] {
    return parseLines(this.#read('history.ndjson')) as HistoryEntry[];
  }

  /** Undefined where the run kept no journal of its sessions. */
  readSessions(): readonly JournalRecord[] | undefined {
    if (!existsSync(this.file('sessions.ndjson'))) return undefined;
    return [...parseJournal(this.#read('sessions.ndjson').split('\n'))];
  }

  readEvents(sid: number): TimedEvent[] {
    return parseLines(this.#read(`events/${sid}.ndjson`)) as TimedEvent[];
  }

  #read(name: string): string {
    try {
      return readFileSync(this.file(name), 'utf8');
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      throw new HarnessError(
        'run-missing',
        `${this.file(name)} cannot be read: ${code}`,
        'name a run directory such as store/latest',
      );
    }
  }
}

/** Makes the directory of a new run and points `latest` at it. */
export function createRunDirectory(root: string, name: string, startedMs: number): RunDirectory {
  const stamp = new Date(startedMs).toISOString().replaceAll(':', '').replace('Z', '');
  const parent = join(resolve(root), fileName(name));
  const path = guarded(root, () => {
    mkdirSync(parent, { recursive: true });
    // Two runs of one name may begin in the same millisecond.
    for (let count = 0; ; count++) {
      const candidate = join(parent, count === 0 ? stamp : `${stamp}-${count}`);
      try {
        mkdirSync(candidate);
        return candidate;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  });
  pointLatest(resolve(root), path);
  return new RunDirectory(path);
}

function pointLatest(root: string, path: string): void {
  const link = join(root, 'latest');
  const temporary = `${link}.${process.pid}.tmp`;
  guarded(root, () => {
    rmSync(temporary, { force: true });
    symlinkSync(relative(root, path), temporary, 'dir');
    renameSync(temporary, link);
  });
}

function guarded<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new HarnessError(
      'store-unwritable',
      `results cannot be written to ${path}: ${code}`,
      'choose another directory with --out',
    );
  }
}

/** Only characters that every file system takes. */
function fileName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9._-]/g, '_').slice(0, 120);
}

function lines(values: readonly unknown[]): string {
  return values.map((value) => `${toJson(value)}\n`).join('');
}

function parseLines(text: string): unknown[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}
