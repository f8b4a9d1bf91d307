/**
 * The watchdog of one run: a detached process that waits until its standard input ends, which is when the
 * harness has ended in whatever way, `kill -9` included, and then removes what the run left in the Docker
 * engine. It speaks to the engine's socket itself, so that its bundle needs no packages.
 *
 * Arguments: the socket, and the label `name=value` of the run.
 */
import { request } from 'node:http';

const [socketPath = '', label = ''] = process.argv.slice(2);
const ROUNDS = 20;
const ROUND_EVERY_MS = 250;

function call(method: 'GET' | 'DELETE', path: string): Promise<string> {
  return new Promise((answered, failed) => {
    const asked = request({ socketPath, method, path }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => answered(body));
      response.on('error', failed);
    });
    asked.on('error', failed);
    asked.end();
  });
}

async function list(kind: 'containers' | 'networks'): Promise<string[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
  const path = kind === 'containers' ? `/containers/json?all=true&` : '/networks?';
  const found = JSON.parse(await call('GET', `${path}filters=${filters}`)) as { Id: string }[];
  return found.map(({ Id }) => Id);
}

/** Whether nothing was left to remove. */
async function clean(): Promise<boolean> {
  const containers = await list('containers');
  await Promise.all(containers.map((id) => call('DELETE', `/containers/${id}?force=true&v=true`)));
  const networks = await list('networks');
  await Promise.all(networks.map((id) => call('DELETE', `/networks/${id}`)));
  return containers.length + networks.length === 0;
}

/** A request of the dead harness may still be under way: twice nothing is nothing. */
async function cleanUp(): Promise<void> {
  let quietRounds = 0;
  for (let round = 0; round < ROUNDS && quietRounds < 2; round++) {
    const isClean = await clean().catch(() => false);
    quietRounds = isClean ? quietRounds + 1 : 0;
    await new Promise((passed) => setTimeout(passed, ROUND_EVERY_MS));
  }
}

process.stdin.resume();
process.stdin.on('end', () => void cleanUp().then(() => process.exit(0)));
process.stdin.on('error', () => void cleanUp().then(() => process.exit(0)));
// An interrupt from the terminal is for the harness; the end of the pipe tells when that is over.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
