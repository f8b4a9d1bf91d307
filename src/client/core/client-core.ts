/**
 * The client as a state machine: one session, and any number of programs on it. Events in, effects out;
 * the simulator and the socket driver run this same class.
 */

import { unreachable } from '../../base/assert.ts';
import type { Core, Effects } from '../../base/core.ts';
import type { ClientEffect, ClientEvent, ClientOptions, SessionView } from './program.ts';
import { ProgramHost } from './program-host.ts';
import { SessionMachine, type Turn } from './session-machine.ts';
import type { SessionObserver } from './session-observation.ts';

export class ClientCore implements Core<ClientEvent, ClientEffect> {
  readonly #programs = new ProgramHost();
  readonly #session: SessionMachine;
  #changes: SessionView[] = [];

  /** `observed` sees whatever passes on the session's connections. */
  constructor(options: ClientOptions, observed?: SessionObserver) {
    this.#session = new SessionMachine(options, {
      answered: (token, request, answer) => this.#programs.answered(token, request, answer),
      watchEventReceived: (event) => this.#programs.watchEventReceived(event),
      watchBatches: () => this.#programs.watches.batches(),
      stateChanged: (view) => {
        this.#changes.push(view);
        this.#programs.sessionChanged(view);
      },
      observed,
    });
  }

  get session(): SessionView {
    return this.#session.view;
  }

  step(event: ClientEvent, effects: Effects<ClientEffect>): void {
    const turn: Turn = { now: event.now, effects };
    this.#take(turn, event);
    this.#programs.run(turn, this.#session);
    this.#session.flush(turn);
    const changes = this.#changes;
    this.#changes = [];
    for (const session of changes) effects.push({ type: 'session-changed', session });
  }

  #take(turn: Turn, event: ClientEvent): void {
    switch (event.type) {
      case 'started':
        this.#session.start(turn);
        break;
      case 'program-submitted':
        this.#programs.submitted(turn, event.program, event.body);
        break;
      case 'program-cancelled':
        this.#programs.cancelled(turn, event.program, this.#session);
        break;
      case 'external-completed':
        this.#programs.externalCompleted(event.external, event.value);
        break;
      case 'external-failed':
        this.#programs.externalFailed(event.external, event.error);
        break;
      case 'timer-fired':
        if (!this.#programs.timerFired(event.timer)) {
          this.#session.timerFired(turn, event.timer);
        }
        break;
      case 'connection-accepted':
      case 'connection-established':
      case 'bytes-received':
      case 'bytes-drained':
      case 'connection-closed':
        this.#session.connectionEvent(turn, event);
        break;
      default:
        unreachable(event);
    }
  }
}
