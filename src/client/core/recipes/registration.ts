/**
 * Registration: a provider is an ephemeral child of its service's node, which goes with the provider's
 * session; consumers hold the list of children (`observe`). A provider may withdraw before.
 *
 * The name is the provider's own, so that a creation whose answer was lost can be asked again: a node of
 * this session is it; a node of another session belongs to somebody else, perhaps to an earlier life of
 * the same provider that has not expired yet, and the name is refused.
 * Upstream: Curator's ServiceDiscovery, kazoo's Party.
 */
import { type Zxid, zxidFrom } from '../../../base/zxid.ts';
import type { Program } from '../program.ts';
import type { Bytes, Zk } from '../zk.ts';
import { hasCode, type Removal, removeOwn, retried } from './retry.ts';

export interface Registration {
  readonly path: string;
  /** Of the creation. */
  readonly zxid: Zxid;
}

/** Throws NodeExists where another session has the name. */
export function* register(
  zk: Zk,
  dir: string,
  name: string,
  data: Bytes = null,
): Program<Registration> {
  const path = `${dir}/${name}`;
  for (;;) {
    try {
      const { stat } = yield* zk.create(path, data, { mode: 'ephemeral' });
      return { path, zxid: zxidFrom(stat.czxid) };
    } catch (error) {
      if (hasCode(error, 'NodeExists')) {
        const { stat } = yield* retried(zk, () => zk.exists(path));
        const { sessionId } = yield* zk.session();
        if (stat !== null && stat.ephemeralOwner === sessionId) {
          return { path, zxid: zxidFrom(stat.czxid) };
        }
        // Gone meanwhile: the name is free again.
        if (stat === null) continue;
      }
      if (!hasCode(error, 'ConnectionLoss')) throw error;
      yield* zk.connected();
    }
  }
}

export function withdraw(zk: Zk, { path }: Registration): Program<Removal> {
  return removeOwn(zk, path);
}
