/**
 * The two clocks of a real server. `now` is monotonic and decides timeouts; `wallMs` only fills stamps that
 * are stored. Both are integers. Monotonic time is CLOCK_MONOTONIC, so that setting the wall clock (or a
 * faked one, `FAKETIME_DONT_FAKE_MONOTONIC=1`) never moves a timeout.
 */
export interface Clock {
  now(): number;
  wallMs(): number;
}

export const systemClock: Clock = {
  now: () => Number(process.hrtime.bigint() / 1_000_000n),
  wallMs: () => Date.now(),
};
