/**
 * What the documents show is true: every TypeScript block about the checkers compiles under the project's own
 * rules, runs as it stands, and prints the block of text that follows it.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const door = join(root, 'src/checker/index.ts');
const MAX_README_LINES = 20;

interface Snippet {
  readonly name: string;
  readonly code: string;
  /** Undefined where the document does not say what it prints. */
  readonly prints: string | undefined;
}

function snippetsOf(file: string): readonly Snippet[] {
  const text = readFileSync(join(root, file), 'utf8');
  const blocks = [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)];
  return blocks.flatMap(([, language, code = ''], at) => {
    if (language !== 'ts' || !code.includes("'umpire/checker'")) return [];
    const next = blocks[at + 1];
    const line = text.slice(0, text.indexOf(code)).split('\n').length;
    const prints = next?.[1] === 'text' ? next[2] : undefined;
    return [{ name: `${file}:${line}`, code, prints }];
  });
}

const readme = snippetsOf('README.md');
const guide = snippetsOf('docs/checkers.md');
const snippets = [...readme, ...guide];
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'umpire-snippets-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(code: string): Promise<string> {
  const outfile = join(folder, 'snippet.mjs');
  await build({
    stdin: { contents: code, loader: 'ts', resolveDir: root },
    alias: { 'umpire/checker': door },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    logLevel: 'silent',
  });
  return execFileSync(process.execPath, [outfile], { encoding: 'utf8', cwd: folder });
}

describe('documents of the checkers', () => {
  test('show what there is to show, and the first example is short', () => {
    expect(readme).toHaveLength(1);
    expect(guide.length).toBeGreaterThan(3);
    const lines = readme[0]?.code.split('\n').filter((line) => line.trim() !== '') ?? [];
    expect(lines.length).toBeLessThanOrEqual(MAX_README_LINES);
  });

  test.each(snippets)('$name runs and prints what is said', async ({ code, prints }) => {
    const printed = await run(code);
    expect(printed).not.toBe('');
    if (prints !== undefined) expect(printed.trimEnd()).toBe(prints.trimEnd());
  });

  test('all of them compile', { timeout: 60_000 }, () => {
    const files = snippets.map(({ code }, at) => {
      const path = join(folder, `snippet-${at}.ts`);
      writeFileSync(path, code);
      return path;
    });
    const config = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: {
        noEmit: true,
        rootDir: '/',
        typeRoots: [join(root, 'node_modules/@types')],
        paths: { 'umpire/checker': [door] },
      },
      include: [],
      files,
    };
    writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const compiler = join(root, 'node_modules/typescript-7/bin/tsc');
    expect(complaintsOf(compiler, folder)).toBe('');
  });
});

function complaintsOf(compiler: string, project: string): string {
  try {
    return execFileSync(process.execPath, [compiler, '-p', project], { encoding: 'utf8' });
  } catch (thrown) {
    return (thrown as { readonly stdout: string }).stdout;
  }
}
