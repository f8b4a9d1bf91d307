/**
 * The order in which a client tries its servers: shuffled once by the client's seed, then round robin,
 * so that the clients of an ensemble spread over it and a replay makes the same choices. The pause
 * before an attempt is drawn from a range that doubles with each failure in a row; it keeps the clients
 * of a failed server from arriving at the next one together. Upstream: StaticHostProvider.
 */
import { assert } from '../../base/assert.ts';
import { type Prng, prngStream } from '../../base/prng.ts';
import type { Host } from './program.ts';

const FIRST_CEILING_MS = 10;
const LAST_CEILING_MS = 1000;

export class HostList {
  readonly #hosts: readonly Host[];
  readonly #prng: Prng;
  #next = 0;
  #failures = 0;

  constructor(hosts: readonly Host[], seed: string) {
    assert(hosts.length > 0, 'a client needs at least one host');
    this.#prng = prngStream(seed, 'hosts');
    this.#hosts = this.#prng.shuffle(hosts);
  }

  get size(): number {
    return this.#hosts.length;
  }

  next(): Host {
    const host = this.#hosts[this.#next] as Host;
    this.#next = (this.#next + 1) % this.#hosts.length;
    return host;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /**
   * Draws the pause before the next attempt. It never takes more than an eighth of the session timeout,
   * so that a session with a short timeout is not lost to pauses alone.
   */
  drawPauseMs(sessionTimeoutMs: number): number {
    const doubled = FIRST_CEILING_MS * 2 ** Math.min(this.#failures, 7);
    this.#failures++;
    const ceiling = Math.min(doubled, LAST_CEILING_MS, Math.floor(sessionTimeoutMs / 8));
    return this.#prng.int(0, Math.max(0, ceiling));
  }
}
