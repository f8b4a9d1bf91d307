/** Holds what the servers of an ensemble told against the model `zab-system`. */
export { acts } from './acts.ts';
export { type EnsembleScope, SERVERS_MAX } from './ensemble-model.ts';
export { type EventsByNode, type Followed, follow } from './follow.ts';
export { type RejectionText, tellRejection } from './rejection.ts';
