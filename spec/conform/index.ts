export { type EventsByNode, type Followed, follow } from './follow.ts';
