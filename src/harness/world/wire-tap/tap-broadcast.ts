/**
 * From outside: proposals in order, acknowledgements of what was proposed, commits of what a quorum has
 * acknowledged, and a client's answer only after that. The leader's acknowledgement of its own proposal does
 * not pass on a wire; it is always counted.
 */
import { parseHex } from '../../../base/zxid.ts';
import { Findings, formatTime, quorumOf, serversOf } from '../../../checker/report.ts';
import type { CheckResult } from '../../../checker/verdict.ts';
import type { TapEvent } from './tap-event.ts';

type Peer = TapEvent & { readonly from: number; readonly to: number };
type PeerZxid = Peer & { readonly zxid: string };
type Proposal = Peer & Extract<TapEvent, { readonly op: string; readonly zxid: string }>;

interface Learner {
  /** Of NEWLEADER; before it the leader only brings the learner up to date. */
  epoch?: number;
  /** Not yet committed on this connection, in order. */
  readonly pending: bigint[];
  readonly unacknowledged: Set<bigint>;
  lastProposed?: bigint;
  lastAcknowledged: bigint;
  hasGap: boolean;
}

interface Proposed {
  /** Session, cxid and kind: what the transaction is. */
  readonly txn: string;
  readonly leader: number;
  readonly acknowledgedBy: Set<number>;
}

const writes = new Set([
  ...['create', 'create2', 'delete', 'setData', 'setACL', 'multi', 'createContainer', 'createTTL'],
]);

export function checkTapBroadcast(
  events: readonly TapEvent[],
  servers: number,
): readonly CheckResult[] {
  const check = new BroadcastCheck(servers);
  for (const event of events) check.see(event);
  return [
    check.findings.result(
      'tap-broadcast',
      'proposals, acknowledgements and commits',
      'On the wire every commit came in order and after a quorum of acknowledgements',
    ),
    check.clients.result(
      'tap-clients',
      'acknowledged writes',
      'Every write was answered after a quorum had acknowledged its proposal on the wire',
    ),
  ];
}

class BroadcastCheck {
  readonly findings = new Findings();
  readonly clients = new Findings();
  readonly #quorum: number;
  readonly #servers: number;
  readonly #learners = new Map<number, Learner>();
  readonly #proposed = new Map<bigint, Proposed>();
  /** Writes in flight, by connection and xid. */
  readonly #requests = new Map<string, string>();
  /** Something passed unread: what should have been in it cannot be missed. */
  #hasGap = false;

  constructor(servers: number) {
    this.#servers = servers;
    this.#quorum = quorumOf(servers);
  }

  see(event: TapEvent): void {
    if (event.link === 'client') this.#seeClient(event);
    else if (event.link === 'quorum' && typeof event.from === 'number')
      this.#seePeer(event as Peer);
  }

  #seePeer(event: Peer): void {
    const learner = this.#learnerOf(event.connection);
    switch (event.message) {
      case 'gap':
        learner.hasGap = true;
        this.#hasGap = true;
        break;
      case 'NEWLEADER':
        learner.epoch = event.epoch;
        break;
      case 'PROPOSAL':
        this.#propose(event, zxidOf(event.zxid), learner);
        break;
      case 'ACK':
        this.#acknowledge(event, zxidOf(event.zxid), learner);
        break;
      case 'COMMIT':
        this.#commit(event, zxidOf(event.zxid), learner);
        break;
      case 'closed':
        this.#learners.delete(event.connection);
        break;
      default:
    }
  }

  #learnerOf(connection: number): Learner {
    const known = this.#learners.get(connection);
    if (known !== undefined) return known;
    const learner: Learner = {
      pending: [],
      unacknowledged: new Set(),
      lastAcknowledged: 0n,
      hasGap: false,
    };
    this.#learners.set(connection, learner);
    return learner;
  }

  #propose(event: Proposal, zxid: bigint, learner: Learner): void {
    this.findings.looked++;
    const { from: leader, zxid: hex } = event;
    const txn = `${event.op} ${event.session} ${event.cxid}`;
    const known = this.#proposed.get(zxid);
    if (known === undefined) {
      this.#proposed.set(zxid, { txn, leader, acknowledgedBy: new Set() });
    } else if (known.txn !== txn) {
      this.#add(
        'two-txns-one-zxid',
        `server ${leader} sent ${txn} as ${hex}, which server ${known.leader} had sent as ${known.txn}`,
        event,
        [known.leader, leader],
      );
    }
    const { lastProposed, epoch } = learner;
    learner.lastProposed = zxid;
    learner.pending.push(zxid);
    learner.unacknowledged.add(zxid);
    if (epoch === undefined || learner.hasGap) return;
    const isNext =
      lastProposed === undefined || zxid >> 32n !== lastProposed >> 32n
        ? zxid >> 32n === BigInt(epoch)
        : zxid === lastProposed + 1n;
    if (isNext) return;
    const after = lastProposed === undefined ? 'at first' : `after 0x${lastProposed.toString(16)}`;
    this.#add(
      'proposal-out-of-order',
      `leader ${leader} of epoch ${epoch} proposed ${hex} to server ${event.to} ${after}`,
      event,
      [leader],
    );
  }

  #acknowledge(event: PeerZxid, zxid: bigint, learner: Learner): void {
    // The counter 0 acknowledges NEWLEADER.
    if ((zxid & 0xffffffffn) === 0n) return;
    this.findings.looked++;
    this.#proposed.get(zxid)?.acknowledgedBy.add(event.from);
    if (learner.hasGap) return;
    const { from: sid, to: leader, zxid: hex } = event;
    if (zxid <= learner.lastAcknowledged) {
      const last = `0x${learner.lastAcknowledged.toString(16)}`;
      const text = `server ${sid} acknowledged ${hex} to leader ${leader} after ${last}`;
      this.#add('acknowledged-out-of-order', text, event, [sid]);
      return;
    }
    learner.lastAcknowledged = zxid;
    if (learner.unacknowledged.delete(zxid)) return;
    const text = `server ${sid} acknowledged ${hex}, which leader ${leader} had not proposed to it`;
    this.#add('acknowledged-unproposed', text, event, [sid]);
  }

  #commit(event: PeerZxid, zxid: bigint, learner: Learner): void {
    this.findings.looked++;
    if (learner.hasGap) return;
    const { from: leader, to: sid, zxid: hex } = event;
    const head = learner.pending.shift();
    if (head !== zxid) {
      const due = head === undefined ? 'nothing' : `0x${head.toString(16)}`;
      const text = `leader ${leader} committed ${hex} to server ${sid}, where ${due} was next`;
      this.#add('commit-out-of-order', text, event, [leader]);
    }
    // What brings a learner up to date was committed before, perhaps in another epoch.
    if (learner.epoch === undefined) return;
    const acknowledgedBy = this.#proposed.get(zxid)?.acknowledgedBy ?? new Set();
    if (this.#isQuorum(acknowledgedBy)) return;
    if (this.#hasGap) {
      this.findings.count('commits not judged, for bytes that could not be read');
      return;
    }
    this.#add(
      'commit-without-quorum',
      `leader ${leader} committed ${hex} to server ${sid} when beside itself only ` +
        `${serversOf(acknowledgedBy)} of ${this.#servers} had acknowledged it`,
      event,
      [leader],
    );
  }

  #isQuorum(acknowledgedBy: ReadonlySet<number>): boolean {
    return acknowledgedBy.size + 1 >= this.#quorum;
  }

  #seeClient(event: TapEvent): void {
    if (event.message === 'request' && writes.has(event.op)) {
      this.#requests.set(`${event.connection} ${event.xid}`, event.op);
    } else if (event.message === 'reply') {
      const key = `${event.connection} ${event.xid}`;
      const op = this.#requests.get(key);
      this.#requests.delete(key);
      if (op !== undefined && event.err === 0) this.#answered(event, op);
    }
  }

  #answered(event: TapEvent & { message: 'reply' }, op: string): void {
    this.clients.looked++;
    const proposed = this.#proposed.get(zxidOf(event.zxid));
    if (proposed !== undefined && this.#isQuorum(proposed.acknowledgedBy)) return;
    if (this.#hasGap) {
      this.clients.count('answers not judged, for bytes that could not be read');
      return;
    }
    const server = Number(event.from);
    const answer = `server ${server} acknowledged a ${op} of ${event.to} as ${event.zxid}`;
    const when = formatTime(event.time);
    const [kind, message, nodes] =
      proposed === undefined
        ? (['acknowledged-never-proposed', 'before anyone had proposed it', [server]] as const)
        : ([
            'acknowledged-without-quorum',
            `when beside leader ${proposed.leader} only ${serversOf(proposed.acknowledgedBy)} of ${this.#servers} had acknowledged its proposal`,
            [...new Set([proposed.leader, server])],
          ] as const);
    this.clients.add({
      kind,
      message: `${answer} at ${when}, ${message}`,
      entries: [],
      time: event.time,
      nodes,
      zxid: event.zxid,
    });
  }

  #add(kind: string, text: string, event: TapEvent & { zxid: string }, nodes: number[]): void {
    const { time, zxid } = event;
    const message = `${text}, at ${formatTime(time)}`;
    this.findings.add({ kind, message, entries: [], time, nodes, zxid });
  }
}

function zxidOf(hex: string): bigint {
  return parseHex(hex) ?? 0n;
}
