import { describe, expect, test } from 'vitest';
import { importsOf, readSources, resolveImport, type SourceFile, stripText } from './imports.ts';

const sources = readSources(['src', 'workloads', 'spec']);
const tests = readSources(['test']);

/** The room of a file: the longest prefix in this list. */
const rooms = [
  'src/base/',
  'src/wire/',
  'src/server/core/',
  'src/server/runtime/',
  'src/server/',
  'src/client/core/',
  'src/client/',
  'src/checker/',
  'src/harness/world/simulation/',
  'src/harness/',
  'src/systems/',
  'src/report/',
  'src/cli/',
  'workloads/',
  'spec/conform/',
  'spec/',
] as const;
type Room = (typeof rooms)[number];

/** Who may import whom, beside itself. */
const allowed: Readonly<Record<Room, readonly Room[]>> = {
  'src/base/': [],
  'src/wire/': ['src/base/'],
  'src/server/core/': ['src/base/', 'src/wire/'],
  'src/server/runtime/': ['src/base/', 'src/wire/', 'src/server/core/'],
  'src/server/': ['src/base/', 'src/wire/', 'src/server/core/', 'src/server/runtime/'],
  'src/client/core/': ['src/base/', 'src/wire/'],
  'src/client/': ['src/base/', 'src/wire/', 'src/client/core/'],
  'src/checker/': ['src/base/'],
  'src/harness/world/simulation/': [
    'src/base/',
    'src/wire/',
    'src/server/core/',
    'src/client/core/',
    'src/client/',
    'src/checker/',
    'src/harness/',
  ],
  'src/harness/': [
    'src/base/',
    'src/wire/',
    'src/client/core/',
    'src/client/',
    'src/checker/',
    'src/harness/world/simulation/',
    'spec/conform/',
  ],
  'src/systems/': [
    'src/base/',
    'src/wire/',
    'src/client/core/',
    'src/client/',
    'src/checker/',
    'src/harness/',
    'src/harness/world/simulation/',
    'src/server/core/',
    'src/server/',
    'workloads/',
  ],
  'src/report/': ['src/base/', 'src/checker/', 'src/harness/'],
  'src/cli/': [...rooms],
  'workloads/': ['src/base/', 'src/client/core/', 'src/client/', 'src/checker/', 'src/harness/'],
  'spec/conform/': ['src/base/', 'spec/'],
  'spec/': ['src/base/', 'spec/conform/'],
};

const pureRooms: readonly Room[] = [
  'src/base/',
  'src/wire/',
  'src/server/core/',
  'src/client/core/',
  'src/checker/',
  'src/harness/world/simulation/',
  'spec/conform/',
  'spec/',
];
const purePackages = /^(pure-rand|@noble\/hashes)(\/|$)/;
const impure: ReadonlyArray<readonly [string, RegExp]> = [
  ['Buffer', /\bBuffer\b/],
  ['Date', /\bDate\b/],
  ['performance', /\bperformance\s*\./],
  ['Math.random', /\bMath\s*\.\s*random\b/],
  ['floating-point functions', /\bMath\s*\.\s*(log|log2|log10|exp|pow|sin|cos|sqrt|tan)\b/],
  ['crypto', /\bcrypto\s*\./],
  ['timers', /\b(setTimeout|setInterval|setImmediate|queueMicrotask)\s*\(/],
  ['process', /\bprocess\s*\.\s*(env|argv|exit|nextTick|hrtime|memoryUsage|pid|std)/],
  ['console', /\bconsole\s*\./],
  ['Promise', /\bPromise\b/],
  ['async', /\basync\b/],
  ['await', /(?<![.#\w])await\s+[\w(]/],
  ['localeCompare', /\blocaleCompare\b/],
  ['WeakRef', /\b(WeakRef|FinalizationRegistry)\b/],
];

function roomOf(path: string): Room | undefined {
  return [...rooms].sort((a, b) => b.length - a.length).find((room) => path.startsWith(room));
}

/** Breaches of the layer table, `file → import`. */
function layerBreaches(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const room = roomOf(file.path);
    return file.imports.flatMap((specifier) => {
      const target = resolveImport(file.path, specifier);
      const targetRoom = roomOf(target);
      if (room === undefined || targetRoom === undefined || targetRoom === room) return [];
      return allowed[room].includes(targetRoom) ? [] : [`${file.path} → ${target}`];
    });
  });
}

function purityBreaches(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const room = roomOf(file.path);
    if (room === undefined || !pureRooms.includes(room)) return [];
    const packages = file.imports.filter(
      (name) => !name.startsWith('.') && !purePackages.test(name),
    );
    const words = impure.filter(([, pattern]) => pattern.test(file.code)).map(([name]) => name);
    return [...packages, ...words].map((name) => `${file.path}: ${name}`);
  });
}

function cycles(files: readonly SourceFile[]): string[] {
  const graph = new Map(
    files.map((file) => [
      file.path,
      // `import type` vanishes at run time, and types may refer to each other freely.
      importsOf(file.text.replace(/(^|\n)\s*(import|export) type [^;]*;/g, '\n'))
        .map((specifier) => resolveImport(file.path, specifier))
        .filter((target) => target.includes('/')),
    ]),
  );
  const state = new Map<string, 'open' | 'done'>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done' || !graph.has(path)) return;
    if (state.get(path) === 'open') {
      found.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
      return;
    }
    state.set(path, 'open');
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
    state.set(path, 'done');
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}

describe('the house is tidy', () => {
  test('enough files were seen for the rest to mean something', () => {
    expect(sources.length).toBeGreaterThan(100);
    for (const room of rooms) {
      if (room === 'spec/') continue;
      expect(
        sources.some(({ path }) => path.startsWith(room)),
        room,
      ).toBe(true);
    }
  });

  test('rooms import only what the table allows', () => {
    expect(layerBreaches(sources)).toEqual([]);
  });

  test('the pure zone reads no clock, no randomness, no world', () => {
    expect(purityBreaches(sources)).toEqual([]);
  });

  test('there is no import cycle', () => {
    expect(cycles(sources)).toEqual([]);
  });

  test('names, lengths and leftovers', () => {
    const problems = sources.flatMap(({ path, text, code }) => {
      const name = path.split('/').at(-1) ?? '';
      const lines = text.split('\n');
      return [
        /^[a-z0-9.-]+\.tsx?$/.test(name) ? undefined : 'not kebab-case',
        lines.length > 700 ? `${lines.length} lines` : undefined,
        /\b(TODO|FIXME|XXX)\b/.test(text) ? 'a leftover marker' : undefined,
        /\bexport default\b/.test(code) ? 'a default export' : undefined,
        /@ts-(ignore|expect-error|nocheck)/.test(text) ? 'a silenced type error' : undefined,
        /:\s*any\b|\bas any\b|<any>/.test(code) ? 'any' : undefined,
        /^(#!.*\n)?\/\*\*/.test(text) || name === 'index.ts' || path.includes('/browser/')
          ? undefined
          : 'no header comment',
      ].flatMap((problem) => (problem === undefined ? [] : [`${path}: ${problem}`]));
    });
    expect(problems).toEqual([]);
  });

  test('no test is switched off or focused without a reason that is printed', () => {
    const problems = tests.flatMap(({ path, code }) =>
      /\b(test|it|describe)\.(only|skip|todo)\s*\(/.test(code) ? [path] : [],
    );
    expect(problems).toEqual([]);
  });
});

describe('the tidy test can fail', () => {
  const file = (path: string, text: string): SourceFile => ({
    path,
    text,
    code: stripText(text),
    imports: importsOf(text),
  });

  test('on a breach of the table, impurity and a cycle', () => {
    const breach = file('src/base/x.ts', "import { a } from '../wire/jute.ts';\n");
    expect(layerBreaches([breach])).toHaveLength(1);
    const impureFile = file(
      'src/wire/x.ts',
      "import fs from 'node:fs';\n// Date is only named here\nconst now = Date.now();\n",
    );
    expect(purityBreaches([impureFile])).toEqual(['src/wire/x.ts: node:fs', 'src/wire/x.ts: Date']);
    const a = file('src/base/a.ts', "import { b } from './b.ts';\n");
    const b = file('src/base/b.ts', "import { a } from './a.ts';\n");
    expect(cycles([a, b])).toHaveLength(1);
    expect(cycles([a, file('src/base/b.ts', "import type { a } from './a.ts';\n")])).toEqual([]);
  });
});
