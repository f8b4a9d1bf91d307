/** Asks the victim's side whether what was injected, or healed, is really so. */
import type { ProbeResult, World } from '../world/world.ts';
import type { Expectation } from './fault-kind.ts';

/** Wall clocks are read with the time that a line takes on its way. */
const CLOCK_TOLERANCE_MS = 250;
const RETRY_MS = 150;

export function describe(expectation: Expectation): string {
  switch (expectation.probe) {
    case 'link':
      return `link ${expectation.from}→${expectation.to} ${expectation.state}`;
    case 'process':
      return `server ${expectation.node} ${expectation.state}`;
    case 'clock':
      return `wall clock of server ${expectation.node} off by ${expectation.offsetMs} ms`;
    case 'clock-swing':
      return `wall clock of server ${expectation.node} swings by ±${expectation.offsetMs} ms`;
  }
}

function holds(expectation: Expectation, result: ProbeResult): boolean {
  if (expectation.probe === 'link') {
    return result.probe === 'link' && result.state === expectation.state;
  }
  if (expectation.probe === 'process') {
    return result.probe === 'process' && result.state === expectation.state;
  }
  if (result.probe !== 'clock') return false;
  if (Math.abs(result.monotonicDriftMs) > CLOCK_TOLERANCE_MS) return false;
  const expected = expectation.offsetMs;
  const isNear = (offsetMs: number): boolean =>
    Math.abs(result.wallOffsetMs - offsetMs) <= CLOCK_TOLERANCE_MS;
  return isNear(expected) || (expectation.probe === 'clock-swing' && isNear(-expected));
}

function seen(result: ProbeResult): string {
  switch (result.probe) {
    case 'link':
    case 'process':
      return result.state;
    case 'clock':
      return `wall clock off by ${result.wallOffsetMs} ms, monotonic by ${result.monotonicDriftMs} ms`;
    case 'mode':
      return result.mode;
  }
}

/** Probes all at once, again and again until all hold or the time is over; answers with what failed. */
export function verify(
  world: World,
  expectations: readonly Expectation[],
  timeoutMs: number,
  done: (failures: readonly string[]) => void,
): void {
  const deadlineNs = world.nowNs() + timeoutMs * 1e6;
  const attempt = (open: readonly Expectation[]): void => {
    if (open.length === 0) {
      done([]);
      return;
    }
    const failures = new Map<Expectation, string>();
    let answered = 0;
    for (const expectation of open) {
      world.probe(questionOf(expectation), (result) => {
        if (!holds(expectation, result)) {
          failures.set(expectation, `${describe(expectation)}: seen ${seen(result)}`);
        }
        if (++answered < open.length) return;
        const failed = open.filter((item) => failures.has(item));
        if (failed.length === 0) done([]);
        else if (world.nowNs() < deadlineNs) world.schedule(RETRY_MS, () => attempt(failed));
        else done(failed.map((item) => failures.get(item) as string));
      });
    }
  };
  attempt(expectations);
}

function questionOf(expectation: Expectation): Parameters<World['probe']>[0] {
  if (expectation.probe === 'link') {
    return { probe: 'link', from: expectation.from, to: expectation.to };
  }
  if (expectation.probe === 'process') return { probe: 'process', node: expectation.node };
  return { probe: 'clock', node: expectation.node };
}
