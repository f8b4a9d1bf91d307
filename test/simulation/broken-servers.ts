/** Servers that are wrong on purpose, as wrappers around the real one. */
import type { Core, Effects } from '../../src/base/core.ts';
import type { MakeServer } from '../../src/harness/world/simulation/simulation-world.ts';
import type { ServerEffect, ServerEvent } from '../../src/server/core/seam.ts';
import { Server } from '../../src/server/core/server.ts';

type ServerCore = Core<ServerEvent, ServerEffect>;

function filtering(change: (effect: ServerEffect) => ServerEffect | undefined): MakeServer {
  return (config) => {
    const server: ServerCore = new Server(config);
    return {
      step(event: ServerEvent, effects: Effects<ServerEffect>): void {
        const pushed: ServerEffect[] = [];
        server.step(event, pushed);
        for (const effect of pushed) {
          const changed = change(effect);
          if (changed !== undefined) effects.push(changed);
        }
      },
    };
  };
}

/** Log files whose flush answers at once and does nothing. */
export const withoutFlush: MakeServer = filtering((effect) => {
  if (effect.type !== 'file' || effect.request.kind !== 'flush') return effect;
  if (!effect.request.path.includes('/log.')) return effect;
  return { ...effect, request: { kind: 'open', path: effect.request.path } };
});

/** Throws when it is about to tell of its nth commit. */
export function crashingAtCommit(nth: number): MakeServer {
  let seen = 0;
  return filtering((effect) => {
    if (effect.type === 'trace' && effect.event.act === 'ProposalCommitted' && ++seen === nth) {
      throw new Error('a bug that only load brings out');
    }
    return effect;
  });
}

/** Never opens its client port. */
export const unreachable: MakeServer = filtering((effect) =>
  effect.type === 'listen' && effect.listener === 'client' ? undefined : effect,
);

/** Wakes itself up for ever without time passing. */
export const spinning: MakeServer = (config) => {
  const server: ServerCore = new Server(config);
  return {
    step(event: ServerEvent, effects: Effects<ServerEffect>): void {
      if (event.type !== 'timer-fired' || event.timer !== 'spin') server.step(event, effects);
      effects.push({ type: 'set-timer', timer: 'spin', atMs: event.now });
    },
  };
};

/** Takes the wall clock for the monotonic one, as a server does that asks for the time of day. */
export const drivenByWallTime: MakeServer = (config) => {
  const server: ServerCore = new Server(config);
  return {
    step(event: ServerEvent, effects: Effects<ServerEffect>): void {
      const aheadMs = event.wallMs - event.now;
      const pushed: ServerEffect[] = [];
      server.step({ ...event, now: event.wallMs }, pushed);
      for (const effect of pushed) {
        const isTimer = effect.type === 'set-timer';
        effects.push(isTimer ? { ...effect, atMs: effect.atMs - aheadMs } : effect);
      }
    },
  };
};
