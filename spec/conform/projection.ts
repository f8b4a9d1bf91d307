/**
 * `post` against the model: what a server says of itself after each step. Two of its fields also tell of
 * steps that have no event: `lastLogged`, of transactions handed to the log, and `lastFlushed`, of groups that
 * the disk took at once.
 *
 * What is in memory only is not compared while memory is being read back or replaced.
 */
import type { RoleName } from '../../src/base/protocol-event.ts';
import { compareZxids, lastZxid } from '../models/zab/history.ts';
import type { Attempt } from './attempt.ts';
import { zxidAt } from './ensemble-model.ts';

/** Steps that the event shows to have been taken before it. */
export function catchUp(a: Attempt): boolean {
  const { post } = a.event;
  const { role, phase } = a.server;
  if (role !== 'leading' && role !== 'following') return true;
  if (phase === 'truncated') return true;
  if (phase === 'broadcast') {
    const logged = a.zxid(post.lastLogged);
    while (
      a.server.pending.length > a.server.log.length - a.server.applied &&
      compareZxids(lastZxid(a.server.log), logged) < 0
    ) {
      if (!a.silently('ProposalLogged')) return false;
    }
  }
  return flushUpTo(a, post.lastFlushed);
}

function flushUpTo(a: Attempt, text: string): boolean {
  const flushed = a.zxid(text);
  for (;;) {
    const next = a.server.log[a.server.flushed];
    if (next === undefined || compareZxids(next.zxid, flushed) > 0) return true;
    if (!a.silently('TxnFlushed')) return false;
  }
}

/** What the server says of itself is what the model says. */
export function agreesWithPost(a: Attempt): boolean {
  const { event, server, told } = a;
  const { post } = event;
  if (!a.same('role', post.role, expectedRole(a))) return false;
  const isRecovered = event.act === 'Recovered';
  if (!told.isUp && !isRecovered) return true;
  if (!a.same('acceptedEpoch', post.acceptedEpoch, server.acceptedEpoch)) return false;
  if (!a.same('currentEpoch', post.currentEpoch, server.currentEpoch)) return false;
  if (told.isEnding && !isRecovered) return true;
  if (server.phase === 'truncated') return keepsMemory(a);
  if (!a.sameZxid('lastLogged', post.lastLogged, lastZxid(server.log))) return false;
  if (!a.sameZxid('lastFlushed', post.lastFlushed, zxidAt(server, server.flushed))) return false;
  if (server.phase === 'loading') return true;
  return a.sameZxid('lastApplied', post.lastApplied, zxidAt(server, server.applied));
}

/** The log on disk is cut; memory is as it was. */
function keepsMemory(a: Attempt): boolean {
  const { event, told } = a;
  const was = told.post ?? event.post;
  return (
    a.same('lastLogged', event.post.lastLogged, was.lastLogged) &&
    a.same('lastFlushed', event.post.lastFlushed, was.lastFlushed)
  );
}

function expectedRole({ event, server, told }: Attempt): RoleName {
  // The decision is told before the role begins.
  const isBetween = event.act === 'Elected' || event.act === 'RoleEnded' || told.isEnding;
  if (!told.isUp || isBetween) return 'looking';
  return server.role === 'leading' || server.role === 'following' ? server.role : 'looking';
}
