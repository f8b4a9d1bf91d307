/**
 * A base image packed from this host, for engines that reach no registry: a few programs, the shared
 * libraries that they need, and whole directories, laid out as a merged-/usr Linux and imported as one
 * layer. It holds what is found; node and a shell must be.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import type Docker from 'dockerode';
import { HarnessError } from '../harness/index.ts';
import { IMAGE_LABEL } from '../harness/world/container/labels.ts';

export interface HostPackage {
  /** Tag below `umpire-base`. */
  readonly name: string;
  /** By name, found in PATH; those that must be there, and those that are good to have. */
  readonly needed: readonly string[];
  readonly wanted: readonly string[];
  /** Copied whole to the same place, links followed; a `*` stands for one level. Missing ones are left out. */
  readonly trees: readonly string[];
}

/** The programs' own directory, where a package is more than programs. */
export function homeOfJava(): string | undefined {
  const java = findProgram('java');
  return java === undefined ? undefined : dirname(dirname(realpathSync(java)));
}

/** Node, a shell, what the Dockerfile runs, and the tools of faults. */
export const nodePackage: HostPackage = {
  name: 'node',
  needed: ['sh', 'cp', 'mkdir'],
  wanted: [
    'ls',
    'cat',
    'rm',
    'sleep',
    'env',
    'kill',
    'ps',
    'ip',
    'tc',
    'iptables',
    'nft',
    'tcpdump',
  ],
  trees: ['/usr/lib/*/xtables', '/usr/lib/*/faketime', '/usr/lib64/faketime'],
};

const SEARCHED = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

function findProgram(name: string): string | undefined {
  const folders = [...SEARCHED, ...(process.env.PATH ?? '').split(delimiter)];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

function expand(pattern: string): string[] {
  const [before, after] = pattern.split('/*/');
  if (before === undefined || after === undefined) return existsSync(pattern) ? [pattern] : [];
  if (!existsSync(before)) return [];
  return readdirSync(before)
    .map((entry) => join(before, entry, after))
    .filter((path) => existsSync(path));
}

interface Contents {
  /** Name in /usr/bin → file on this host. */
  readonly programs: ReadonlyMap<string, string>;
  readonly trees: readonly string[];
}

function contentsOf({ needed, wanted, trees }: HostPackage): Contents {
  if (process.platform !== 'linux') {
    throw new HarnessError(
      'base-image-missing',
      'the base image cannot be pulled, and only a Linux host can be packed into one',
      'make the image available to the engine, or name another: umpire image --base NAME',
    );
  }
  const programs = new Map([['node', process.execPath]]);
  for (const name of [...needed, ...wanted]) {
    const path = findProgram(name);
    if (path !== undefined) programs.set(name, path);
    else if (needed.includes(name)) {
      throw new HarnessError(
        'base-image-missing',
        `the base image cannot be packed from this host: it has no ${name}`,
        'name an image instead: umpire image --base NAME',
      );
    }
  }
  return { programs, trees: trees.flatMap(expand) };
}

/** Changes when a program does: by size and time, not by reading a hundred megabytes. */
export function hostBaseTag(packed: HostPackage): string {
  const { programs, trees } = contentsOf(packed);
  const hash = createHash('sha256');
  for (const path of [...programs.values(), ...trees]) {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${path} ${size} ${mtimeMs}\n`);
  }
  return `umpire-base:${packed.name}-${hash.digest('hex').slice(0, 12)}`;
}

/** Shared libraries of a program or library, where the loader of this host finds them. */
function librariesOf(path: string): string[] {
  const { stdout } = spawnSync('ldd', [path], { encoding: 'utf8' });
  return (stdout ?? '')
    .split('\n')
    .map((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1])
    .filter((found) => found !== undefined);
}

/** /lib is a link to /usr/lib here and in the image. */
function homeOf(path: string): string {
  return join(realpathSync(dirname(path)), basename(path));
}

function lay(root: string, { programs, trees }: Contents): void {
  for (const folder of ['usr/bin', 'usr/sbin', 'usr/lib', 'usr/lib64', 'etc', 'tmp', 'root']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  for (const folder of ['bin', 'sbin', 'lib', 'lib64'])
    symlinkSync(`usr/${folder}`, join(root, folder));
  chmodSync(join(root, 'tmp'), 0o1777);
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n');
  const libraries = new Set<string>();
  for (const [name, path] of programs) {
    copyFileSync(realpathSync(path), join(root, 'usr/bin', name));
    for (const library of librariesOf(path)) libraries.add(library);
  }
  for (const tree of trees) {
    const target = join(root, homeOf(tree));
    // A package may leave links that lead nowhere.
    cpSync(tree, target, {
      recursive: true,
      dereference: true,
      filter: (source) => existsSync(source),
    });
    for (const file of linkedFilesIn(target)) {
      for (const library of librariesOf(file)) libraries.add(library);
    }
  }
  for (const library of libraries) {
    // A tree's own libraries are named by where they were laid.
    if (library.startsWith(root)) continue;
    const target = join(root, homeOf(library));
    mkdirSync(dirname(target), { recursive: true });
    if (!existsSync(target)) copyFileSync(realpathSync(library), target);
  }
}

/** Libraries of a tree, or the one program that it is. */
function linkedFilesIn(tree: string): string[] {
  if (statSync(tree).isFile()) return [tree];
  return readdirSync(tree, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.so(\.|$)/.test(file))
    .map((file) => join(tree, file));
}

/** Packs and imports; returns the tag. */
export async function packHostBase(
  docker: Docker,
  packed: HostPackage,
  changes: readonly string[] = [],
): Promise<string> {
  const tag = hostBaseTag(packed);
  const root = mkdtempSync(join(tmpdir(), 'umpire-base-'));
  try {
    lay(root, contentsOf(packed));
    const args = ['--create', '--numeric-owner', '--owner=0', '--group=0', '--mode=a+rX', '.'];
    const tar = spawn('tar', args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const [repo = '', version = ''] = tag.split(':');
    const answer = await docker.importImage(tar.stdout, {
      repo,
      tag: version,
      changes: [`LABEL ${IMAGE_LABEL}=base`, 'ENV PATH=/usr/sbin:/usr/bin', ...changes],
    });
    await new Promise<void>((ended, failed) => {
      docker.modem.followProgress(answer, (error) => (error ? failed(error) : ended()));
    });
    return tag;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
