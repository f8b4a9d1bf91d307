import type { ConnectionId } from '../../../src/base/core.ts';
import { Prng } from '../../../src/base/prng.ts';
import type { ServerConfig } from '../../../src/server/core/config.ts';
import type { CoreContext } from '../../../src/server/core/context.ts';
import { addresses, testConfig } from './network.ts';

/** Writes down what the part asks for; time and timers are moved by hand. */
export class RecordingContext implements CoreContext {
  readonly config: ServerConfig;
  readonly prng = new Prng(1);
  readonly effects: string[] = [];
  readonly sent: Array<{ connection: number; bytes: Uint8Array }> = [];
  readonly timers = new Map<string, () => void>();
  /** Timer and delay, in the order of setting. */
  readonly delays: Array<readonly [string, number]> = [];
  readonly acts: Array<readonly [string, unknown]> = [];
  nowMs = 0;
  #nextId = 2;

  constructor(sid: number, voters: number, observers = 0) {
    this.config = testConfig(sid, addresses(voters, observers));
  }

  take(): string[] {
    return this.effects.splice(0);
  }
  now(): number {
    return this.nowMs;
  }
  wallMs(): number {
    return this.nowMs;
  }
  dial(host: string, port: number): ConnectionId {
    const id = this.#nextId;
    this.#nextId += 2;
    this.effects.push(`dial ${id} ${host}:${port}`);
    return id as ConnectionId;
  }
  send(connection: ConnectionId, bytes: Uint8Array): void {
    this.effects.push(`send ${connection} ${bytes.length}`);
    this.sent.push({ connection, bytes });
  }
  close(connection: ConnectionId): void {
    this.effects.push(`close ${connection}`);
  }
  pauseReading(): void {}
  resumeReading(): void {}
  listen(listener: string, host: string, port: number): void {
    this.effects.push(`listen ${listener} ${host}:${port}`);
  }
  unlisten(listener: string): void {
    this.effects.push(`unlisten ${listener}`);
  }
  setTimer(timer: string, afterMs: number, fire: () => void): void {
    this.delays.push([timer, afterMs]);
    this.timers.set(timer, fire);
  }
  cancelTimer(timer: string): void {
    this.timers.delete(timer);
  }
  fire(timer: string): void {
    const fire = this.timers.get(timer);
    this.timers.delete(timer);
    fire?.();
  }
  file(): void {}
  trace(act: string, args: unknown): void {
    this.acts.push([act, args]);
  }
  log(): void {}
  halt(code: number): void {
    this.effects.push(`halt ${code}`);
  }
}
