/** Looks at the whole ensemble from outside: who serves, and in which mode. */
import type { ProbeResult, World } from './world/world.ts';

export type Mode = Extract<ProbeResult, { probe: 'mode' }>['mode'];
export type Modes = ReadonlyMap<number, Mode>;

export function probeModes(
  world: World,
  nodes: readonly number[],
  done: (modes: Modes) => void,
): void {
  const found = new Map<number, Mode>();
  for (const node of nodes) {
    world.probe({ probe: 'mode', node }, (result) => {
      if (result.probe === 'mode') found.set(node, result.mode);
      // Laid out by sid, whoever answered first.
      if (found.size === nodes.length) {
        done(new Map(nodes.map((sid) => [sid, found.get(sid) as Mode] as const)));
      }
    });
  }
}

/** Everyone serves: one leads and the others follow, or the only one is standalone. */
export function isWholeAndServing(modes: Modes): boolean {
  const leaders = [...modes.values()].filter((mode) => mode === 'leader').length;
  const followers = [...modes.values()].filter((mode) => mode === 'follower').length;
  if (modes.size === 1) return [...modes.values()][0] === 'standalone';
  return leaders === 1 && followers === modes.size - 1;
}

export function describeModes(modes: Modes): string {
  return [...modes].map(([sid, mode]) => `${sid} ${mode}`).join(', ');
}

const POLL_MS = 200;

/** Asks until everyone serves, or `timeoutMs` has passed; answers with what was seen last. */
export function awaitServing(
  world: World,
  nodes: readonly number[],
  timeoutMs: number,
  done: (isServing: boolean, modes: Modes) => void,
): void {
  const deadlineNs = world.nowNs() + timeoutMs * 1e6;
  const ask = (): void =>
    probeModes(world, nodes, (modes) => {
      if (isWholeAndServing(modes)) done(true, modes);
      else if (world.nowNs() >= deadlineNs) done(false, modes);
      else world.schedule(POLL_MS, ask);
    });
  ask();
}
