/**
 * Storage on a disk that can crash, with a database simple enough to be compared: it remembers the zxid
 * and the data of every transaction. Requests are carried out and answered in an order that a generator
 * draws, kept only per file.
 */
import type { FileRequest, FileResult } from '../../src/base/file.ts';
import { Prng } from '../../src/base/prng.ts';
import { ZXID_ZERO, type Zxid, zxidFrom } from '../../src/base/zxid.ts';
import { defaultConfig, type ServerConfig } from '../../src/server/core/config.ts';
import type { CoreContext } from '../../src/server/core/context.ts';
import type {
  SnapshotLoader,
  SnapshotNode,
  SnapshotView,
} from '../../src/server/core/snapshot-port.ts';
import { Storage, type StorageTarget } from '../../src/server/core/storage/storage.ts';
import { adler32 } from '../../src/wire/checksum.ts';
import { OPEN_ACL, OpCode } from '../../src/wire/client.ts';
import { encodeTxn, type Txn } from '../../src/wire/txn.ts';
import type { CrashDisk } from './crash-disk.ts';

export interface HistoryEntry {
  readonly zxid: Zxid;
  readonly data: Uint8Array;
}

export const DATA = '/data/version-2';

const zeroStat = {
  czxid: 0n,
  mzxid: 0n,
  ctime: 0n,
  mtime: 0n,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0n,
  pzxid: 0n,
};

export function payloadOf({ zxid, data }: HistoryEntry): Uint8Array {
  return encodeTxn({
    header: { clientId: 1n, cxid: 1, zxid, time: 0n, type: OpCode.create },
    txn: {
      type: OpCode.create,
      body: { path: `/${zxid}`, data, acl: OPEN_ACL, isEphemeral: false, parentCversion: 1 },
    },
  });
}

export class ModelTarget implements StorageTarget {
  history: HistoryEntry[] = [];
  lastProcessedZxid: Zxid = ZXID_ZERO;
  openViewCount = 0;

  get treeDigest(): bigint {
    return this.history.reduce((sum, { data }) => sum + BigInt(adler32(data)), 0n);
  }

  load(history: readonly HistoryEntry[]): void {
    this.history = [...history];
    this.lastProcessedZxid = history.at(-1)?.zxid ?? ZXID_ZERO;
  }

  clear(): void {
    this.load([]);
  }

  apply({ txn, header }: Txn): void {
    if (txn.type !== OpCode.create) throw new Error(`transaction type ${txn.type} is not ours`);
    this.history.push({ zxid: zxidFrom(header.zxid), data: txn.body.data ?? new Uint8Array(0) });
    this.lastProcessedZxid = zxidFrom(header.zxid);
  }

  beginLoad(): SnapshotLoader {
    const loaded: HistoryEntry[] = [];
    return {
      session() {},
      acl() {},
      node({ path, data }) {
        if (path === '') return;
        loaded.push({ zxid: zxidFrom(BigInt(path.slice(1))), data: data ?? new Uint8Array(0) });
      },
      finish: (zxid) => {
        this.load(loaded);
        this.lastProcessedZxid = zxidFrom(zxid);
      },
    };
  }

  openSnapshot(): SnapshotView {
    const entries = [...this.history];
    const node = (path: string, data: Uint8Array): SnapshotNode => ({
      path,
      data,
      aclKey: -1n,
      stat: zeroStat,
    });
    const nodes = [
      node('', new Uint8Array(0)),
      ...entries.map(({ zxid, data }) => node(`/${zxid}`, data)),
    ];
    this.openViewCount++;
    return {
      zxid: this.lastProcessedZxid,
      sessionCount: 0,
      sessions: [],
      aclCount: 0,
      acls: [],
      nodes: nodes.values(),
      treeDigest: this.treeDigest,
      close: () => {
        this.openViewCount--;
      },
    };
  }
}

interface Operation {
  readonly request: FileRequest;
  readonly done: (result: FileResult) => void;
  result: FileResult | undefined;
}

const replicated: ServerConfig['servers'] = [
  { sid: 1, host: 'a', quorumPort: 1, electionPort: 2, role: 'participant' },
];

/** One life of a server: a storage and what the world owes it. */
export class StorageLife {
  readonly storage: Storage;
  readonly target: StorageTarget & { openViewCount?: number };
  readonly disk: CrashDisk;
  readonly logged: Array<{ readonly level: string; readonly message: string }> = [];
  halted: string | undefined;
  /** Answers in place of the disk where it returns something. */
  fault: ((request: FileRequest) => FileResult | undefined) | undefined;
  readonly #prng: Prng;
  readonly #wallMs: number;
  #operations: Operation[] = [];

  constructor(
    disk: CrashDisk,
    options: {
      readonly seed?: number;
      readonly config?: Partial<ServerConfig>;
      readonly target?: StorageTarget;
      readonly wallMs?: number;
    } = {},
  ) {
    this.disk = disk;
    this.#wallMs = options.wallMs ?? 0;
    this.target = options.target ?? new ModelTarget();
    this.#prng = new Prng(options.seed ?? 1);
    this.storage = new Storage(this.#context(options.config ?? {}));
  }

  #context(config: Partial<ServerConfig>): CoreContext {
    const unused = (): never => {
      throw new Error('storage has no use for this');
    };
    return {
      config: {
        ...defaultConfig,
        sid: 1,
        dataDir: '/data',
        dataLogDir: '/data',
        clientPort: 2181,
        minSessionTimeoutMs: 1,
        maxSessionTimeoutMs: 1,
        isTraced: false,
        servers: replicated,
        preallocationSizeBytes: 0,
        ...config,
      } as ServerConfig,
      prng: new Prng(this.#prng.int(0, 1 << 30)),
      now: () => 0,
      wallMs: () => this.#wallMs,
      dial: unused,
      send: unused,
      close: unused,
      pauseReading: unused,
      resumeReading: unused,
      listen: unused,
      unlisten: unused,
      setTimer: unused,
      cancelTimer: unused,
      trace: unused,
      file: (request, done) => {
        this.#operations.push({ request, done, result: undefined });
      },
      log: (level, message, fields) => {
        this.logged.push({ level, message: `${message} ${Object.values(fields ?? {}).join(' ')}` });
      },
      halt: (code, reason) => {
        this.halted ??= `${code} ${reason}`;
      },
    };
  }

  get isIdle(): boolean {
    return this.#operations.length === 0;
  }

  /** Carries out one request or answers one, among those that are first for their file. */
  step(): void {
    const seen = new Set<string>();
    const ready = this.#operations.filter(({ request: { path }, result }) => {
      const key = `${path} ${result === undefined ? 'execute' : 'answer'}`;
      // A request may be carried out while the answer to the one before it is still on its way.
      if (seen.has(key)) return false;
      seen.add(key);
      return true;
    });
    const operation = this.#prng.pick(ready);
    if (operation.result === undefined) {
      operation.result = this.fault?.(operation.request) ?? this.disk.execute(operation.request);
      return;
    }
    this.#operations = this.#operations.filter((other) => other !== operation);
    operation.done(operation.result);
  }

  run(stepCount = 1_000_000): void {
    for (let step = 0; step < stepCount && !this.isIdle && this.halted === undefined; step++) {
      this.step();
    }
  }

  /** Recovers to the end. */
  recover(): Extract<Parameters<Parameters<Storage['recover']>[1]>[0], { ok: true }> {
    const result = this.tryRecover();
    if (result === undefined || !result.ok) {
      throw new Error(`no recovery: ${result?.reason ?? this.halted}`);
    }
    return result;
  }

  tryRecover() {
    let answer: Parameters<Parameters<Storage['recover']>[1]>[0] | undefined;
    this.storage.recover(this.target, (result) => {
      answer = result;
    });
    this.run();
    return answer;
  }
}
