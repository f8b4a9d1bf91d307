/**
 * One attempt to explain one event in one state of the model: steps of the model and questions about what
 * servers told.
 */
import type { ProtocolEvent } from '../../src/base/protocol-event.ts';
import type { Params } from '../kernel/model.ts';
import type { Zxid } from '../models/zab/history.ts';
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
import { Walk } from './walk.ts';
import type { Watch } from './watch.ts';

export interface Surroundings {
  readonly model: EnsembleModel;
  readonly watch: Watch;
  readonly zxids: ZxidReader;
  readonly common: Common;
  readonly connections: Connections;
  /** The server's own words before this event. */
  readonly told: Told;
}

export class Attempt extends Walk {
  readonly event: ProtocolEvent;
  readonly i: Sid;
  readonly told: Told;
  readonly common: Common;
  /** What becomes known of the server, and of all, if the event is accepted. */
  readonly tells: { -readonly [K in keyof Told]?: Told[K] } = {};
  readonly facts: (readonly [name: string, value: string])[] = [];
  readonly #around: Surroundings;

  constructor(around: Surroundings, state: State, event: ProtocolEvent) {
    super(around.model, around.watch, state);
    this.#around = around;
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

  sameZxid(field: string, told: string, expected: Zxid | undefined): boolean {
    return this.isZxid(field, this.zxid(told), expected);
  }

  take(action: ActionName, params: Params = { i: this.i }): boolean {
    return this.step(action, params, false);
  }

  /** A step that no event tells of. */
  silently(action: ActionName, params: Params = { i: this.i }): boolean {
    return this.step(action, params, true);
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
