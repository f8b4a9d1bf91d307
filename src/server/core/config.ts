/** Configuration of one server, as the core needs it: parsed, validated and complete. */
export interface ServerAddress {
  readonly sid: number;
  readonly host: string;
  readonly quorumPort: number;
  readonly electionPort: number;
  readonly role: 'participant' | 'observer';
  readonly clientHost?: string;
  readonly clientPort?: number;
}

export interface ServerConfig {
  /** `myid`; 1 for a standalone server, as upstream counts it in session ids. */
  readonly sid: number;
  /** Absolute; snapshots and epoch files live in `<dataDir>/version-2`. */
  readonly dataDir: string;
  /** Absolute; logs live in `<dataLogDir>/version-2`. */
  readonly dataLogDir: string;
  readonly clientHost: string;
  readonly clientPort: number;
  readonly tickTimeMs: number;
  readonly initLimit: number;
  readonly syncLimit: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  /** Per source address; 0 = unlimited. */
  readonly maxClientConnections: number;
  /** Empty: standalone. */
  readonly servers: readonly ServerAddress[];
  /** Committed proposals kept in memory for DIFF (upstream commitLogCount, 500). */
  readonly commitLogCount: number;
  /** A snapshot is taken after snapCount/2 + random(0..snapCount/2) transactions. */
  readonly snapCount: number;
  /** Log files are preallocated in steps of this many bytes; 0 = never. */
  readonly preallocationSizeBytes: number;
  readonly maxFrameSizeBytes: number;
  readonly connectTimeoutMs: number;
  /** Four-letter words that are answered; `*` = all. */
  readonly fourLetterWords: ReadonlySet<string>;
  /** Printed by `srvr` and `mntr`. */
  readonly version: string;
  /** Protocol events are pushed only when asked for. */
  readonly isTraced: boolean;
}

export const defaultConfig = {
  clientHost: '0.0.0.0',
  tickTimeMs: 3000,
  initLimit: 10,
  syncLimit: 5,
  maxClientConnections: 60,
  servers: [],
  commitLogCount: 500,
  snapCount: 100_000,
  preallocationSizeBytes: 65536 * 1024,
  maxFrameSizeBytes: 0xfffff,
  connectTimeoutMs: 5000,
  fourLetterWords: new Set(['srvr']),
  version: '3.9.5-umpire-0.1.0',
  isTraced: false,
} as const;
