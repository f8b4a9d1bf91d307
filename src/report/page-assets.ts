/**
 * The page's script and style, bundled once per process by esbuild, in memory: the report works from
 * sources right after `npm ci`, with nothing to build first. The browser folder is shipped as source.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSync, transformSync } from 'esbuild';

export interface PageAssets {
  readonly script: string;
  readonly style: string;
}

/** Beside this file in the sources; in the sources beside `dist` when this file was compiled. */
const folders = ['./browser/', '../../../src/report/browser/'];

let cached: PageAssets | undefined;

export function pageAssets(): PageAssets {
  cached ??= bundle();
  return cached;
}

function bundle(): PageAssets {
  const folder = folders
    .map((relative) => fileURLToPath(new URL(relative, import.meta.url)))
    .find((path) => existsSync(`${path}app.ts`));
  if (folder === undefined) throw new Error('The sources of the report page are not installed.');
  const built = buildSync({
    entryPoints: [`${folder}app.ts`],
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    target: 'es2022',
    charset: 'utf8',
    logLevel: 'silent',
    tsconfigRaw: { compilerOptions: { target: 'es2022', verbatimModuleSyntax: true } },
  });
  const style = transformSync(readFileSync(`${folder}style.css`, 'utf8'), {
    loader: 'css',
    minify: true,
    charset: 'utf8',
  });
  return { script: built.outputFiles[0]?.text ?? '', style: style.code };
}
