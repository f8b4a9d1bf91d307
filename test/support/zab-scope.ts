/** Scopes of the ZAB protocol as TLC's runs of Zab.tla name them. */
export type Sizes = readonly [
  servers: number,
  timeouts: number,
  txns: number,
  epochs: number,
  restarts: number,
];

export const scopeOf = ([servers, timeouts, txns, epochs, restarts]: Sizes) => ({
  servers,
  timeouts,
  txns,
  epochs,
  restarts,
});
