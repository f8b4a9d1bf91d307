/** Holds what the servers of an ensemble told, or were seen to send, against the model `zab-system`. */
export { acts } from './acts.ts';
export { type EnsembleScope, SERVERS_MAX } from './ensemble-model.ts';
export { type EventsByNode, type Followed, follow, type Rejected } from './follow.ts';
export type { Observation } from './observation.ts';
export { type RejectionText, tellRejection, tellWireRejection } from './rejection.ts';
export { type FollowedWires, followWires } from './wire.ts';
