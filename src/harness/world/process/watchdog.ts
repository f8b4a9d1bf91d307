/**
 * Nothing outlives the harness, not even when it is killed with SIGKILL. A server ends itself when its
 * standard input ends (server/main.ts), but a stopped one (SIGSTOP) cannot notice. So a shell holds the
 * pids of stopped servers and kills them when its own pipe from the harness ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';

const SCRIPT = `
stopped=""
while read -r verb pid; do
  rest=""
  for other in $stopped; do [ "$other" = "$pid" ] || rest="$rest $other"; done
  stopped="$rest"
  [ "$verb" = add ] && stopped="$stopped $pid"
done
for pid in $stopped; do kill -9 "$pid" 2>/dev/null; done
`;

export class Watchdog {
  readonly #shell: ChildProcess;

  constructor() {
    this.#shell = spawn('sh', ['-c', SCRIPT], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#shell.on('error', () => {});
    this.#shell.stdin?.on('error', () => {});
    this.#shell.unref();
  }

  add(pid: number): void {
    this.#shell.stdin?.write(`add ${pid}\n`);
  }

  remove(pid: number): void {
    this.#shell.stdin?.write(`remove ${pid}\n`);
  }

  close(): void {
    this.#shell.stdin?.end();
  }
}
