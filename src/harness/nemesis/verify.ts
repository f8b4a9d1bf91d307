/** Asks the victim's side whether what was injected, or healed, is really so. */
import type { ProbeResult, World } from '../world/world.ts';
import type { Expectation } from './fault-kind.ts';

/** Wall clocks are read with the time that a line takes on its way. */
const CLOCK_TOLERANCE_MS = 250;
const RETRY_MS = 150;
/** Two readings so far apart tell a rate, which may be off by that share: readings are a tick old. */
const MIN_RATE_SPAN_MS = 1000;
const RATE_TOLERANCE = 0.35;

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
    case 'clock-rate':
      return `wall clock of server ${expectation.node} runs at ${expectation.ratePerMille} ‰`;
  }
}

/** A reading of a wall clock, and when it was made on the harness's clock. */
interface Reading {
  readonly atMs: number;
  readonly offsetMs: number;
}

/** `first` is what the first reading of this expectation's clock was. */
function holds(
  expectation: Expectation,
  result: ProbeResult,
  first: Reading,
  atMs: number,
): boolean {
  if (expectation.probe === 'link') {
    return result.probe === 'link' && result.state === expectation.state;
  }
  if (expectation.probe === 'process') {
    return result.probe === 'process' && result.state === expectation.state;
  }
  if (result.probe !== 'clock') return false;
  if (Math.abs(result.monotonicDriftMs) > CLOCK_TOLERANCE_MS) return false;
  if (expectation.probe === 'clock-rate') {
    const spanMs = atMs - first.atMs;
    const gainedMs = result.wallOffsetMs - first.offsetMs;
    const expectedMs = (spanMs * (expectation.ratePerMille - 1000)) / 1000;
    const isNear = Math.abs(gainedMs - expectedMs) <= RATE_TOLERANCE * Math.abs(expectedMs);
    return spanMs >= MIN_RATE_SPAN_MS && isNear;
  }
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
  const readings = new Map<Expectation, Reading>();
  const attempt = (open: readonly Expectation[]): void => {
    if (open.length === 0) {
      done([]);
      return;
    }
    const failures = new Map<Expectation, string>();
    let answered = 0;
    for (const expectation of open) {
      world.probe(questionOf(expectation), (result) => {
        const atMs = world.nowNs() / 1e6;
        const offsetMs = result.probe === 'clock' ? result.wallOffsetMs : 0;
        const first = readings.get(expectation) ?? { atMs, offsetMs };
        if (Number.isFinite(offsetMs)) readings.set(expectation, first);
        if (!holds(expectation, result, first, atMs)) {
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
