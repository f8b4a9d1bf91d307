/**
 * Everything that this project makes in a Docker engine carries labels: which run it belongs to and which
 * process of which boot owns that run. What has a dead owner may be removed by anyone.
 */
import { readFileSync } from 'node:fs';

/** On containers and networks: the run. */
export const RUN_LABEL = 'umpire.run';
export const OWNER_LABEL = 'umpire.owner';
/** On images. */
export const IMAGE_LABEL = 'umpire.image';

/** Boot id of this kernel; a constant where there is none to read. */
export function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return 'unknown';
  }
}

/** Field 22 of /proc/<pid>/stat, in clock ticks since boot: pids are reused, pairs with it are not. */
function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

export function ownerOf(pid: number): string {
  return `${readBootId()}/${pid}/${startTicks(pid) ?? ''}`;
}

/** A process of an earlier boot is dead; so is one whose pid has another start. */
export function isOwnerAlive(owner: string): boolean {
  const [bootId, pid = '', start] = owner.split('/');
  if (bootId !== readBootId()) return false;
  const ticks = startTicks(Number(pid));
  if (ticks !== undefined || bootId !== 'unknown') return ticks === start;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch {
    return false;
  }
}
