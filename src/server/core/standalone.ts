/** A server alone: what is durable on its disk is committed. Upstream: ZooKeeperServer with Prep → Sync → Final. */
import { formatHex, type Zxid } from '../../base/zxid.ts';
import { opName } from '../../wire/client.ts';
import { ErrorCode } from '../../wire/error-code.ts';
import type { ClientPort } from './client-port.ts';
import type { CoreContext } from './context.ts';
import type { Request } from './pipeline/request.ts';
import { Primary } from './primary.ts';
import type { DecidedTxn, Replica } from './replica.ts';
import type { ServingRole } from './serving.ts';

export class Standalone implements ServingRole {
  readonly mode = 'standalone';
  readonly #context: CoreContext;
  readonly #replica: Replica;
  readonly #primary: Primary;
  readonly #pending: DecidedTxn[] = [];

  constructor(context: CoreContext, replica: Replica, clientPort: ClientPort) {
    this.#context = context;
    this.#replica = replica;
    this.#primary = new Primary(context, replica, replica.storage.lastLogged, (request) =>
      this.submitWrite(request),
    );
    replica.storage.onFlushed((zxid) => this.#flushed(zxid));
    clientPort.serve(this);
  }

  submitWrite(request: Request): number | undefined {
    const decided = this.#primary.decide(request);
    if (decided === 'malformed') return ErrorCode.MarshallingError;
    this.#context.trace('ProposalSent', {
      zxid: formatHex(decided.zxid),
      op: opName(request.type),
      session: formatHex(request.sessionId),
      cxid: request.cxid,
    });
    this.#pending.push(decided);
    this.#replica.log(decided);
    return undefined;
  }

  #flushed(zxid: Zxid): void {
    let count = 0;
    for (const decided of this.#pending) {
      if (decided.zxid > zxid) break;
      count++;
    }
    for (const decided of this.#pending.splice(0, count)) {
      this.#context.trace('TxnFlushed', { zxid: formatHex(decided.zxid) });
      this.#primary.applied(decided);
      this.#replica.apply(decided);
    }
  }

  submitSync(): boolean {
    return false;
  }
  checkSession(request: Request): 'ok' | 'expired' | 'moved' {
    return this.#primary.checkSession(request);
  }
  touch(sessionId: bigint, timeoutMs: number): boolean {
    return this.#primary.touch(sessionId, timeoutMs);
  }
  reopen(sessionId: bigint, timeoutMs: number, done: (isValid: boolean) => void): void {
    done(this.#primary.revalidate(sessionId, timeoutMs));
  }
}
