/** How late the harness's own event loop was. What it could not see in time, it must not judge. */
const INTERVAL_MS = 10;

export class LagMeter {
  readonly #timer: NodeJS.Timeout;
  #lastMs = performance.now();
  #worstMs = 0;

  constructor() {
    this.#timer = setInterval(() => this.#tick(), INTERVAL_MS);
    this.#timer.unref();
  }

  /** The worst since the last call. */
  take(): number {
    this.#tick();
    const worstMs = this.#worstMs;
    this.#worstMs = 0;
    return Math.round(worstMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#worstMs = Math.max(this.#worstMs, nowMs - this.#lastMs - INTERVAL_MS);
    this.#lastMs = nowMs;
  }
}
