/** All models by name. */
import type { Model } from '../kernel/model.ts';
import { capRegister } from './cap-register.ts';
import { clientReads } from './client-reads.ts';
import { consensus } from './paxos/consensus.ts';
import { duel } from './paxos/duel.ts';
import { multiPaxos } from './paxos/multi-paxos.ts';
import { paxos } from './paxos/paxos.ts';
import { voting } from './paxos/voting.ts';
import { barrier } from './recipes/barrier.ts';
import { exclusiveLock } from './recipes/exclusive-lock.ts';
import { groupMembership } from './recipes/group-membership.ts';
import { leaderElection } from './recipes/leader-election.ts';
import { nameNodeFailover } from './recipes/namenode-failover.ts';
import { naming } from './recipes/naming.ts';
import { queue } from './recipes/queue.ts';
import { sharedLock } from './recipes/shared-lock.ts';
import { repairModel } from './repair.ts';
import { replicatedRegister } from './replicated-register.ts';
import { serviceRegistry } from './service-registry.ts';
import { timeliness } from './timeliness.ts';
import { fle } from './zab/fle.ts';
import { zab } from './zab/zab.ts';
import { zabCoarse } from './zab/zab-coarse.ts';
import { zabSystem } from './zab/zab-system.ts';
import { znodeTree } from './znode-tree.ts';

const all: readonly Model[] = [
  consensus,
  voting,
  paxos,
  multiPaxos,
  duel,
  fle,
  zab,
  zabSystem,
  zabCoarse,
  replicatedRegister,
  clientReads,
  timeliness,
  znodeTree,
  capRegister,
  repairModel,
  serviceRegistry,
  exclusiveLock,
  sharedLock,
  leaderElection,
  groupMembership,
  naming,
  queue,
  barrier,
  nameNodeFailover,
];

export const models: ReadonlyMap<string, Model> = new Map(all.map((model) => [model.name, model]));
