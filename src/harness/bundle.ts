/**
 * One esbuild bundle of the server, optionally with a bug from the zoo patched into a copy of its
 * sources. Production code has no switches: what is broken is broken in the text, before compiling.
 */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

/** `find` must occur exactly once in `file`, a path below the project's root with `/`. */
export interface SourcePatch {
  readonly file: string;
  readonly find: string;
  readonly replacement: string;
}

export interface BundleOptions {
  readonly patches?: readonly SourcePatch[];
  /** Default: the server's main. A path below the project's root. */
  readonly entryPoint?: string;
  /** Default: a new file in the system's temporary directory. */
  readonly outputFile?: string;
}

const above = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** The sources are shipped; compiled code stands one level deeper, in `dist`. */
export const projectRoot = basename(above) === 'dist' ? dirname(above) : above;

/** Returns the path of a file that `node` runs without node_modules. */
export async function bundleServer(options: BundleOptions = {}): Promise<string> {
  const { patches = [], entryPoint = 'src/server/main.ts' } = options;
  const outputFile =
    options.outputFile ?? join(mkdtempSync(join(tmpdir(), 'umpire-bundle-')), 'main.mjs');
  const applied = new Set<SourcePatch>();
  await build({
    absWorkingDir: projectRoot,
    entryPoints: [entryPoint],
    outfile: outputFile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    sourcemap: 'inline',
    sourcesContent: false,
    logLevel: 'silent',
    // CommonJS packages inside an ES module need a `require` for Node's own modules.
    banner: {
      js:
        "import { createRequire as createRequireOfBundle } from 'node:module';" +
        'const require = createRequireOfBundle(import.meta.url);',
    },
    plugins: patches.length === 0 ? [] : [patchPlugin(patches, applied)],
  });
  for (const patch of patches) {
    if (!applied.has(patch)) throw new Error(`the patched file ${patch.file} is not in the bundle`);
  }
  return outputFile;
}

/** Throws where a text to find is missing or stands there more than once. */
export function applyPatches(source: string, patches: readonly SourcePatch[]): string {
  let patched = source;
  for (const { file, find, replacement } of patches) {
    const first = patched.indexOf(find);
    if (first === -1) throw new Error(`a text to patch is not in ${file}: ${find}`);
    if (patched.indexOf(find, first + 1) !== -1) {
      throw new Error(`a text to patch stands more than once in ${file}: ${find}`);
    }
    patched = patched.slice(0, first) + replacement + patched.slice(first + find.length);
  }
  return patched;
}

function patchPlugin(patches: readonly SourcePatch[], applied: Set<SourcePatch>): Plugin {
  return {
    name: 'source-patches',
    setup(pluginBuild) {
      pluginBuild.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const file = relative(projectRoot, path).split(sep).join('/');
        const own = patches.filter((patch) => patch.file === file);
        if (own.length === 0) return undefined;
        const contents = applyPatches(readFileSync(path, 'utf8'), own);
        for (const patch of own) applied.add(patch);
        return { contents, loader: 'ts' };
      });
    },
  };
}
