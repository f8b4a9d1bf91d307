/** The public door `umpire/client`. */

export { formatHex, type SessionId, type Zxid } from '../base/zxid.ts';
export type { Acl, MultiOperation, MultiResult, Stat } from '../wire/client.ts';
export { OPEN_ACL, Permission } from '../wire/client.ts';
export type { ErrorName } from '../wire/error-code.ts';
export {
  type CallOptions,
  type ClientEvents,
  type ConnectOptions,
  type ReadOptions,
  ZooKeeper,
} from './client.ts';
export { ClientCore } from './core/client-core.ts';
export {
  type ClientCall,
  type ClientEffect,
  type ClientEvent,
  type ClientInput,
  type ClientOptions,
  type CreateModeName,
  type Host,
  type Program,
  type ProgramId,
  type ProgramOutcome,
  type SessionView,
  type WatchFired,
  type WatchHandle,
  ZkError,
  type ZkReply,
  type ZkRequest,
} from './core/program.ts';
export {
  type CounterOptions,
  counterValue,
  increment,
  NotAttemptedError,
} from './core/recipes/counter.ts';
export {
  asLeader,
  type CampaignOptions,
  campaign,
  type Leadership,
  type RecordedLeader,
  readLeader,
  resign,
} from './core/recipes/election.ts';
export {
  acquireLock,
  type HeldLock,
  type LockMode,
  type LockOptions,
  type ReleaseOutcome,
  releaseLock,
} from './core/recipes/lock.ts';
export { type ObserveOptions, type Observer, observe } from './core/recipes/observe.ts';
export { put, type QueueItem, type TakeOptions, take } from './core/recipes/queue.ts';
export { type Registration, register, withdraw } from './core/recipes/registration.ts';
export type { Removal } from './core/recipes/retry.ts';
export { nextId, type UniqueId } from './core/recipes/unique-id.ts';
export {
  type AccessList,
  type Answer,
  type Bytes,
  type Children,
  type Created,
  type CreateOptions,
  type Existence,
  type MultiAnswer,
  type NodeData,
  part,
  toBytes,
  toText,
  type Watched,
  type Written,
  type Zk,
  zk,
} from './core/zk.ts';
export {
  Counter,
  Election,
  IdSource,
  Lock,
  type ProgramRunner,
  Queue,
  Service,
  type WaitOptions,
  WatchedNode,
} from './recipes.ts';
export { type DriverClocks, type DriverHandlers, SocketDriver } from './socket-driver.ts';
export { Transaction } from './transaction.ts';
