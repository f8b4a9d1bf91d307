/**
 * What can still be asked of a read of a node that may have been changed by somebody who never got an
 * answer: zxids that fit together, one content for one zxid, values that somebody wrote, and no way back.
 */
import { parentOf } from '../models/plain-tree.ts';
import type { Findings } from '../report.ts';
import { type Call, type Calls, hex, type Sessions } from './sessions.ts';
import { NO_STAT, type StatRows } from './stat-rows.ts';
import type { TransactionOrder, Txn } from './transactions.ts';
import { callText, factsOf } from './words.ts';

interface Content {
  readonly version: number;
  readonly data: string | null | undefined;
  readonly by: Call;
}

export class LooseReads {
  readonly #calls: Calls;
  readonly #stats: StatRows;
  readonly #order: TransactionOrder;
  readonly #findings: Findings;
  readonly #contents = new Map<string, Content>();
  readonly #newest = new Map<string, number>();
  #byZxid: Map<number, Txn> | undefined;
  #values: Map<string, Set<string | null>> | undefined;

  constructor({ calls }: Sessions, order: TransactionOrder, findings: Findings) {
    this.#calls = calls;
    this.#stats = calls.stats;
    this.#order = order;
    this.#findings = findings;
  }

  judge(call: Call, path: string): void {
    const { stat, data } = call;
    if (stat === NO_STAT) return;
    const { czxid, mzxid, pzxid, version } = this.#stats.at(stat);
    if (czxid > mzxid || czxid > pzxid || mzxid > call.zxid || pzxid > call.zxid) {
      this.#add(
        call,
        'zxids-do-not-fit',
        `czxid ${hex(czxid)}, mzxid ${hex(mzxid)}, pzxid ${hex(pzxid)}`,
      );
    }
    const txn = this.#txnAt(mzxid);
    if (txn !== undefined && !touches(txn, path)) {
      this.#add(call, 'zxid-of-another-change', `zxid ${hex(mzxid)} did not change it`);
    }
    const name = `${path}\n${mzxid}`;
    const known = this.#contents.get(name);
    const isOther = known?.data !== undefined && data !== undefined && known.data !== data;
    if (known !== undefined && (known.version !== version || isOther)) {
      const what = `another content for zxid ${hex(mzxid)} than ${callText(known.by)} got`;
      this.#add(call, 'two-contents-for-one-zxid', what);
    }
    if (known?.data === undefined) this.#contents.set(name, { version, data, by: call });
    const own = `${call.connection.session.id}\n${path}`;
    const newest = this.#newest.get(own) ?? 0;
    if (mzxid < newest) this.#add(call, 'read-went-back', `its session had read ${hex(newest)}`);
    else this.#newest.set(own, mzxid);
    if (data !== undefined && mzxid > 0 && !this.#wasWritten(path, data)) {
      this.#add(call, 'value-from-nowhere', `nobody wrote ${JSON.stringify(data)}`);
    }
  }

  #add(call: Call, kind: string, what: string): void {
    this.#findings.add({ ...factsOf(call), kind, message: `${callText(call)}: ${what}` });
  }

  #txnAt(zxid: number): Txn | undefined {
    this.#byZxid ??= new Map(Array.from(this.#order.txns, (txn) => [txn.zxid, txn]));
    return this.#byZxid.get(zxid);
  }

  #wasWritten(path: string, data: string | null): boolean {
    this.#values ??= this.#writtenValues();
    const isThere = (name: string): boolean => this.#values?.get(name)?.has(data) === true;
    return isThere(path) || isThere(path.slice(0, -10));
  }

  /** By path; sequential creates by the path that was asked for. */
  #writtenValues(): Map<string, Set<string | null>> {
    const values = new Map<string, Set<string | null>>();
    for (const call of this.#calls) {
      for (const part of call.parts) {
        if (part.op !== 'create' && part.op !== 'setData') continue;
        const known = values.get(part.path);
        if (known === undefined) values.set(part.path, new Set([part.data]));
        else known.add(part.data);
      }
    }
    return values;
  }
}

function touches({ call, op }: Txn, path: string): boolean {
  if (call === undefined || op === 'close') return false;
  return call.parts.some((part, index) => {
    const told = call.told[index]?.path ?? part.path;
    return told === path || part.path === path || parentOf(part.path) === path;
  });
}
