/**
 * Faults may overlap and ask for the same primitive: two partitions that share a link, two faults on one
 * server. The ledger counts who holds what, so that a primitive is injected by the first who wants it and
 * undone by the last who lets go.
 */
import type { Injection } from '../world/world.ts';
import type { HeldInjection } from './fault-kind.ts';

export class Ledger {
  readonly #holders = new Map<string, number>();
  /** Wrong clocks, by node and then by holder: offsets add up, the newest wrong rate counts. */
  readonly #clocks = new Map<number, Map<string, SetClock>>();

  /** What is to be injected; undefined where it holds already. */
  acquire(holder: string, injection: HeldInjection): Injection | undefined {
    if (injection.action === 'set-clock') {
      const clocks = this.#clocks.get(injection.node) ?? new Map<string, SetClock>();
      this.#clocks.set(injection.node, clocks);
      clocks.set(holder, injection);
      return this.#clock(injection.node);
    }
    const key = keyOf(injection);
    const count = this.#holders.get(key) ?? 0;
    this.#holders.set(key, count + 1);
    return count === 0 ? injection : undefined;
  }

  /** What undoes it; undefined where another fault still holds it. */
  release(holder: string, injection: HeldInjection): Injection | undefined {
    if (injection.action === 'set-clock') {
      this.#clocks.get(injection.node)?.delete(holder);
      return this.#clock(injection.node);
    }
    const key = keyOf(injection);
    const count = (this.#holders.get(key) ?? 0) - 1;
    this.#holders.set(key, Math.max(count, 0));
    if (count !== 0) return undefined;
    switch (injection.action) {
      case 'cut':
        return { action: 'join', from: injection.from, to: injection.to };
      case 'pause':
        return { action: 'resume', node: injection.node };
      default:
        return { action: 'start', node: injection.node };
    }
  }

  isCut(from: number, to: number): boolean {
    return (this.#holders.get(keyOf({ action: 'cut', from, to })) ?? 0) > 0;
  }

  isDown(node: number): boolean {
    return (this.#holders.get(keyOf({ action: 'kill', node })) ?? 0) > 0;
  }

  isPaused(node: number): boolean {
    return (this.#holders.get(keyOf({ action: 'pause', node })) ?? 0) > 0;
  }

  offsetMs(node: number): number {
    let sum = 0;
    for (const { offsetMs } of this.#clocks.get(node)?.values() ?? []) sum += offsetMs;
    return sum;
  }

  #clock(node: number): Injection {
    const rates = [...(this.#clocks.get(node)?.values() ?? [])].map((clock) => clock.ratePerMille);
    const ratePerMille = rates.findLast((rate) => rate !== undefined);
    const clock = { action: 'set-clock', node, offsetMs: this.offsetMs(node) } as const;
    return ratePerMille === undefined ? clock : { ...clock, ratePerMille };
  }
}

type SetClock = Extract<HeldInjection, { action: 'set-clock' }>;

/** Two injections of one slot replace each other. */
export function slotOf(injection: HeldInjection): string {
  return injection.action === 'set-clock' ? `clock ${injection.node}` : keyOf(injection);
}

/** A killed server and one without power are both down: the same start brings them back. */
function keyOf(injection: Exclude<HeldInjection, { action: 'set-clock' }>): string {
  if (injection.action === 'cut') return `cut ${injection.from}→${injection.to}`;
  return `${injection.action === 'pause' ? 'pause' : 'down'} ${injection.node}`;
}
