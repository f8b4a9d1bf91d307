/**
 * `npm run verify`: format, lint, types, dead code and tidiness, two at a time. What a check printed is shown
 * when it failed; the exit code is 1 then.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** The longest first. TypeScript 7 checks what `npm run build` compiles with TypeScript 6. */
const checks: readonly (readonly [name: string, command: string])[] = [
  ['lint', 'oxlint'],
  ['types', 'node node_modules/typescript-7/bin/tsc -p .'],
  ['dead code', 'knip'],
  ['format', 'biome ci --colors=off .'],
  ['tidy', 'vitest run --project unit test/unit/tidy'],
];

interface Outcome {
  readonly isGood: boolean;
  readonly output: string;
}

function run(command: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(command, { shell: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const take = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('close', (code) => resolve({ isGood: code === 0, output }));
  });
}

const waiting = [...checks];
let failed = 0;

async function work(): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [name, command] = next;
    const startMs = performance.now();
    const { isGood, output } = await run(command);
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    console.log(`${isGood ? '✓' : '✕'} ${name.padEnd(10)} ${seconds} s`);
    if (isGood) continue;
    failed++;
    console.log(`  ${command}\n${output}`);
  }
}

await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, work));
process.exitCode = failed > 0 ? 1 : 0;
