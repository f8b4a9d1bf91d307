/**
 * Runs programs: resumes generators with answers, synchronously and in the order in which the answers
 * came, performs their calls, and reports how they ended. A program waits for at most one call, which a
 * token names; an answer whose token nobody waits for any more is dropped.
 *
 * Cancelling returns the generator. Its `finally` blocks may still yield calls (a lock recipe deletes its
 * node), which go on unseen: nobody is told how a cancelled program ended.
 */
import type { WatcherEvent } from '../../wire/client.ts';
import {
  type ClientCall,
  type Program,
  type ProgramId,
  type ProgramOutcome,
  type SessionView,
  type WatchFired,
  type WatchHandle,
  ZkError,
  type ZkReply,
  type ZkRequest,
} from './program.ts';
import { localError } from './request-codec.ts';
import type { SessionMachine, Turn } from './session-machine.ts';
import { WatchTable } from './watch-table.ts';

type Resume =
  | { readonly how: 'next'; readonly value: unknown }
  | { readonly how: 'throw'; readonly error: unknown }
  | { readonly how: 'return' };

interface Hosted {
  readonly body: Program<unknown>;
  /** Undefined once cancelled. */
  id: ProgramId | undefined;
  pending: { readonly token: number; readonly call: ClientCall } | undefined;
  readonly watches: Set<WatchHandle>;
}

/** Programs at one time; one more ends at once as ThrottledOp. */
const MAX_PROGRAMS = 10_000;
/** Watches at one time; a read that asks for one more is refused as ThrottledOp. */
const MAX_WATCHES = 100_000;
/** Calls that are answered at once (`now`, `session`) in a row, beyond which a program is stuck. */
const MAX_IMMEDIATE_CALLS = 100_000;

const WAITING = Symbol('waiting');

export class ProgramHost {
  readonly watches = new WatchTable();
  readonly #programs = new Map<ProgramId, Hosted>();
  readonly #waiting = new Map<number, Hosted>();
  readonly #awaitingConnection = new Set<number>();
  #ready: Array<{ readonly hosted: Hosted; readonly resume: Resume }> = [];
  #nextToken = 1;

  // ----------------------------------------------------------------- events

  submitted(turn: Turn, id: ProgramId, body: Program<unknown>): void {
    if (this.#programs.size >= MAX_PROGRAMS) {
      const error = localError('ThrottledOp', `${MAX_PROGRAMS} programs of this client run`);
      turn.effects.push({ type: 'program-ended', program: id, outcome: { ok: false, error } });
      return;
    }
    const hosted: Hosted = { body, id, pending: undefined, watches: new Set() };
    this.#programs.set(id, hosted);
    this.#ready.push({ hosted, resume: { how: 'next', value: undefined } });
  }

  cancelled(turn: Turn, id: ProgramId, session: SessionMachine): void {
    const hosted = this.#programs.get(id);
    if (hosted === undefined) return;
    this.#programs.delete(id);
    hosted.id = undefined;
    if (hosted.pending !== undefined) {
      const { token, call } = hosted.pending;
      if (call.call === 'request') session.withdraw(token);
      this.#stopWaiting(turn, token);
    }
    this.#ready.push({ hosted, resume: { how: 'return' } });
  }

  answered(token: number, request: ZkRequest, answer: ZkReply | ZkError): void {
    const hosted = this.#waiting.get(token);
    if (hosted === undefined) return;
    if (answer instanceof ZkError) {
      this.#resume(token, { how: 'throw', error: answer });
      return;
    }
    const watch = this.#leaveWatch(request, answer);
    if (watch !== undefined) hosted.watches.add(watch);
    const value = watch === undefined ? answer : { ...answer, watch };
    this.#resume(token, { how: 'next', value });
  }

  #leaveWatch(request: ZkRequest, reply: ZkReply): WatchHandle | undefined {
    if (!('watch' in request) || request.watch !== true) return undefined;
    if (request.op === 'getChildren') return this.watches.add('child', request.path);
    return this.watches.add(reply.stat === null ? 'exist' : 'data', request.path);
  }

  watchEventReceived(event: WatcherEvent): void {
    this.#resumeWatchers(this.watches.fire(event));
  }

  #resumeWatchers(
    awaited: ReadonlyArray<{ readonly waiter: number; readonly fired: WatchFired }>,
  ): void {
    for (const { waiter, fired } of awaited) this.#resume(waiter, { how: 'next', value: fired });
  }

  sessionChanged(view: SessionView): void {
    if (view.state === 'lost') this.#resumeWatchers(this.watches.fireSession());
    if (view.state !== 'lost' && view.state !== 'connected') return;
    for (const token of [...this.#awaitingConnection]) {
      const resume: Resume =
        view.state === 'connected'
          ? { how: 'next', value: undefined }
          : { how: 'throw', error: localError('SessionExpired', 'the session has ended') };
      this.#resume(token, resume);
    }
  }

  externalCompleted(external: number, value: unknown): void {
    this.#resume(external, { how: 'next', value });
  }

  externalFailed(external: number, error: unknown): void {
    this.#resume(external, { how: 'throw', error });
  }

  /** Timers are named by the token that waits; false where the name is not of this kind. */
  timerFired(timer: string): boolean {
    if (!timer.startsWith('call/')) return false;
    this.#resume(Number(timer.slice('call/'.length)), { how: 'next', value: undefined });
    return true;
  }

  // ---------------------------------------------------------------- running

  /** Runs whatever can run, until everything waits. */
  run(turn: Turn, session: SessionMachine): void {
    while (this.#ready.length > 0) {
      const batch = this.#ready;
      this.#ready = [];
      for (const { hosted, resume } of batch) this.#advance(turn, session, hosted, resume);
    }
  }

  #resume(token: number, resume: Resume): void {
    const hosted = this.#waiting.get(token);
    if (hosted === undefined) return;
    this.#waiting.delete(token);
    this.#awaitingConnection.delete(token);
    this.#ready.push({ hosted, resume });
  }

  #advance(turn: Turn, session: SessionMachine, hosted: Hosted, first: Resume): void {
    if (hosted.pending !== undefined) {
      const { token, call } = hosted.pending;
      if (call.call === 'await-watch') {
        if (call.timeoutMs !== undefined) cancelCallTimer(turn, token);
        this.#watchEnded(hosted, call.watch);
      }
      hosted.pending = undefined;
    }
    let resume = first;
    for (let count = 0; count < MAX_IMMEDIATE_CALLS; count++) {
      const step = advanceBody(hosted.body, resume);
      if (step.done) {
        this.#ended(turn, hosted, step.outcome);
        return;
      }
      const answer = this.#perform(turn, session, hosted, step.call);
      if (answer === WAITING) return;
      resume = answer;
    }
    const error = new Error(`a program made ${MAX_IMMEDIATE_CALLS} calls without waiting`);
    this.#ended(turn, hosted, { ok: false, error });
  }

  #ended(turn: Turn, hosted: Hosted, outcome: ProgramOutcome): void {
    for (const watch of hosted.watches) this.watches.forget(watch);
    if (hosted.id === undefined) return;
    this.#programs.delete(hosted.id);
    turn.effects.push({ type: 'program-ended', program: hosted.id, outcome });
  }

  #perform(
    turn: Turn,
    session: SessionMachine,
    hosted: Hosted,
    call: ClientCall,
  ): Resume | typeof WAITING {
    const token = this.#nextToken++;
    switch (call.call) {
      case 'now':
        return { how: 'next', value: turn.now };
      case 'session':
        return { how: 'next', value: session.view };
      case 'request': {
        // Waiting first: a close may be answered from within `submit`.
        this.#wait(hosted, token, call);
        const refusal = this.#refusal(call.request) ?? session.submit(turn, token, call.request);
        if (refusal === undefined) return WAITING;
        this.#waiting.delete(token);
        hosted.pending = undefined;
        return { how: 'throw', error: refusal };
      }
      case 'connected': {
        const { state } = session.view;
        if (state === 'connected') return { how: 'next', value: undefined };
        if (state === 'lost') {
          return { how: 'throw', error: localError('SessionExpired', 'the session has ended') };
        }
        this.#awaitingConnection.add(token);
        return this.#wait(hosted, token, call);
      }
      case 'sleep':
        setCallTimer(turn, token, call.durationMs);
        return this.#wait(hosted, token, call);
      case 'await-watch':
        return this.#awaitWatch(turn, hosted, token, call);
      case 'external': {
        const { target, value } = call;
        turn.effects.push({ type: 'external-requested', external: token, target, value });
        return this.#wait(hosted, token, call);
      }
    }
  }

  #refusal(request: ZkRequest): ZkError | undefined {
    const asksForWatch = 'watch' in request && request.watch === true;
    if (!asksForWatch || this.watches.size < MAX_WATCHES) return undefined;
    return localError('ThrottledOp', `${MAX_WATCHES} watches of this client are set`, request.path);
  }

  #awaitWatch(
    turn: Turn,
    hosted: Hosted,
    token: number,
    call: ClientCall & { readonly call: 'await-watch' },
  ): Resume | typeof WAITING {
    const known = hosted.watches.has(call.watch)
      ? this.watches.claim(call.watch, token)
      : undefined;
    if (known === undefined) {
      const message = `watch ${call.watch} is not one that this program left and still has`;
      return { how: 'throw', error: localError('NoWatcher', message) };
    }
    if (known.fired !== undefined) {
      hosted.watches.delete(call.watch);
      return { how: 'next', value: known.fired };
    }
    if (call.timeoutMs === 0) {
      this.watches.stopWaiting(call.watch);
      return { how: 'next', value: undefined };
    }
    if (call.timeoutMs !== undefined) setCallTimer(turn, token, call.timeoutMs);
    return this.#wait(hosted, token, call);
  }

  /** After a timeout the watch is still there; after it fired it is not. */
  #watchEnded(hosted: Hosted, watch: WatchHandle): void {
    if (this.watches.has(watch)) this.watches.stopWaiting(watch);
    else hosted.watches.delete(watch);
  }

  #wait(hosted: Hosted, token: number, call: ClientCall): typeof WAITING {
    hosted.pending = { token, call };
    this.#waiting.set(token, hosted);
    return WAITING;
  }

  #stopWaiting(turn: Turn, token: number): void {
    this.#waiting.delete(token);
    this.#awaitingConnection.delete(token);
    cancelCallTimer(turn, token);
  }
}

type BodyStep =
  | { readonly done: true; readonly outcome: ProgramOutcome }
  | { readonly done: false; readonly call: ClientCall };

function advanceBody(body: Program<unknown>, resume: Resume): BodyStep {
  try {
    const result =
      resume.how === 'next'
        ? body.next(resume.value)
        : resume.how === 'throw'
          ? body.throw(resume.error)
          : body.return(undefined);
    if (result.done !== true) return { done: false, call: result.value };
    return { done: true, outcome: { ok: true, value: result.value } };
  } catch (error) {
    return { done: true, outcome: { ok: false, error } };
  }
}

function setCallTimer(turn: Turn, token: number, delayMs: number): void {
  turn.effects.push({ type: 'set-timer', timer: `call/${token}`, atMs: turn.now + delayMs });
}

function cancelCallTimer(turn: Turn, token: number): void {
  turn.effects.push({ type: 'cancel-timer', timer: `call/${token}` });
}
