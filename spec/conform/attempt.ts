/**
 * One attempt to explain one event in one state of the model: steps of the model and questions about what
 * servers told. Every method says whether it went well; the first that did not leaves its reason.
 */
import type { ProtocolEvent } from '../../src/base/protocol-event.ts';
import { showStep } from '../kernel/explain.ts';
import type { Params } from '../kernel/model.ts';
import type { Zxid } from '../models/zab/history.ts';
import { sameZxid } from '../models/zab/history.ts';
import {
  head,
  type Message,
  type Server,
  type Sid,
  type State,
} from '../models/zab/system-state.ts';
import type { Connections } from './connections.ts';
import { type ActionName, type EnsembleModel, placeOf, sidOf } from './ensemble-model.ts';
import type { Common, Told, ZxidReader } from './told.ts';
import { showZxid } from './told.ts';
import type { Watch } from './watch.ts';

export interface Step {
  readonly action: ActionName;
  readonly params: Params;
  /** No event tells of it. */
  readonly isSilent: boolean;
}

/** What went wrong: what the event says is impossible, or it breaks a promise. */
export interface Refusal {
  readonly kind: 'guard' | 'fields' | 'order' | 'impossible' | 'invariant';
  readonly reason: string;
}

export interface Surroundings {
  readonly model: EnsembleModel;
  readonly watch: Watch;
  readonly zxids: ZxidReader;
  readonly common: Common;
  readonly connections: Connections;
  /** The server's own words before this event. */
  readonly told: Told;
}

export class Attempt {
  readonly event: ProtocolEvent;
  readonly i: Sid;
  readonly told: Told;
  readonly common: Common;
  readonly steps: Step[] = [];
  /** What becomes known of the server, and of all, if the event is accepted. */
  readonly tells: { -readonly [K in keyof Told]?: Told[K] } = {};
  readonly facts: (readonly [name: string, value: string])[] = [];
  readonly before: State;
  state: State;
  refusal: Refusal | undefined;
  readonly #around: Surroundings;

  constructor(around: Surroundings, state: State, event: ProtocolEvent) {
    this.#around = around;
    this.before = state;
    this.state = state;
    this.event = event;
    this.i = sidOf(event.node);
    this.told = around.told;
    this.common = around.common;
  }

  get connections(): Connections {
    return this.#around.connections;
  }

  /** Another attempt from here on. */
  fork(): Attempt {
    const other = new Attempt(this.#around, this.before, this.event);
    other.state = this.state;
    other.steps.push(...this.steps);
    other.facts.push(...this.facts);
    Object.assign(other.tells, this.tells);
    return other;
  }

  get server(): Server {
    return this.state.servers[this.i];
  }

  zxid(text: string): Zxid {
    return this.#around.zxids.read(text);
  }

  /** Position of a zxid in this server's log; −1 if it is not there. */
  place(text: string): number {
    return placeOf(this.server, this.zxid(text));
  }

  refuse(kind: Refusal['kind'], reason: string): false {
    this.refusal ??= { kind, reason };
    return false;
  }

  must(condition: boolean, reason: string): boolean {
    return condition || this.refuse('order', reason);
  }

  same(field: string, told: unknown, expected: unknown): boolean {
    if (told === expected) return true;
    return this.refuse('fields', `${field} is ${String(told)}, not ${String(expected)}`);
  }

  sameZxid(field: string, told: string, expected: Zxid | undefined): boolean {
    const zxid = this.zxid(told);
    if (expected !== undefined && sameZxid(zxid, expected)) return true;
    const other = expected === undefined ? 'nothing' : showZxid(expected);
    return this.refuse('fields', `${field} is ${showZxid(zxid)}, not ${other}`);
  }

  take(action: ActionName, params: Params = { i: this.i }, isSilent = false): boolean {
    const { model, watch } = this.#around;
    const before = this.state;
    if (!areServers(before, params)) return this.refuse('fields', 'there is no such server');
    const taken = model.take(action, before, params);
    if ('labels' in taken) {
      const labels = taken.labels.map((label) => `“${label}” is false`).join(', ');
      return this.refuse('guard', `${showStep(action, params)}: ${labels}`);
    }
    if ('impossible' in taken) {
      return this.refuse('impossible', `${showStep(action, params)}: ${taken.impossible}`);
    }
    this.state = taken.after;
    this.steps.push({ action, params, isSilent });
    const broken = watch.broken({ before, action, params, after: taken.after });
    if (broken.length === 0) return true;
    return this.refuse('invariant', `${showStep(action, params)} breaks ${broken.join(', ')}`);
  }

  /** A step that no event tells of. */
  silently(action: ActionName, params: Params = { i: this.i }): boolean {
    return this.take(action, params, true);
  }

  /** What this server reads next from its leader. */
  fromLeader<T extends Message['type']>(type: T): Extract<Message, { type: T }> | undefined {
    const { leader } = this.server;
    if (leader !== null) return this.from(leader, type);
    this.refuse('guard', `${this.i} follows nobody who could send ${type}`);
    return undefined;
  }

  from<T extends Message['type']>(sender: Sid, type: T): Extract<Message, { type: T }> | undefined {
    const message = sender in this.state.servers ? head(this.state, sender, this.i) : undefined;
    if (message?.type === type) return message as Extract<Message, { type: T }>;
    this.refuse('guard', `${message?.type ?? 'nothing'} comes from ${sender}, not ${type}`);
    return undefined;
  }

  /** Whoever tells of this must tell the same. */
  agrees(name: string, value: string): boolean {
    const known = this.common.valueOf(name);
    if (known === undefined) this.facts.push([name, value]);
    if (known === undefined || known === value) return true;
    return this.refuse('fields', `${name} is ${value}, but was told to be ${known}`);
  }

  learn(name: string, value = ''): boolean {
    this.facts.push([name, value]);
    return true;
  }
}

function areServers({ servers }: State, { i, j = i, leader = i }: Params): boolean {
  return [i, j, leader].every((sid) => String(sid) in servers);
}
