/**
 * Faults may overlap and ask for the same primitive: two partitions that share a link, two faults on one
 * server. The ledger counts who holds what, so that a primitive is injected by the first who wants it and
 * undone by the last who lets go.
 */
import type { Injection } from '../world/world.ts';
import type { HeldInjection } from './fault-kind.ts';

export class Ledger {
  readonly #holders = new Map<string, number>();
  /** Clock offsets add up, by node and then by holder. */
  readonly #offsets = new Map<number, Map<string, number>>();

  /** What is to be injected; undefined where it holds already. */
  acquire(holder: string, injection: HeldInjection): Injection | undefined {
    if (injection.action === 'set-clock') {
      const offsets = this.#offsets.get(injection.node) ?? new Map<string, number>();
      this.#offsets.set(injection.node, offsets);
      offsets.set(holder, injection.offsetMs);
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
      this.#offsets.get(injection.node)?.delete(holder);
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
    for (const offset of this.#offsets.get(node)?.values() ?? []) sum += offset;
    return sum;
  }

  #clock(node: number): Injection {
    return { action: 'set-clock', node, offsetMs: this.offsetMs(node) };
  }
}

/** A killed server and one without power are both down: the same start brings them back. */
function keyOf(injection: Exclude<HeldInjection, { action: 'set-clock' }>): string {
  if (injection.action === 'cut') return `cut ${injection.from}→${injection.to}`;
  return `${injection.action === 'pause' ? 'pause' : 'down'} ${injection.node}`;
}
