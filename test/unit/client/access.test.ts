import { describe, expect, it } from 'vitest';
import { zk } from '../../../src/client/core/zk.ts';
import {
  AuthPacket,
  encodeReply,
  GetAclResponse,
  OPEN_ACL,
  OpCode,
  SetAclRequest,
  StatResponse,
  Xid,
} from '../../../src/wire/client.ts';
import { ErrorCode } from '../../../src/wire/error-code.ts';
import { ScriptedWorld, STAT } from './scripted-server.ts';

const answerAuth = (world: ScriptedWorld, err: number = ErrorCode.Ok): void =>
  world.deliver(encodeReply({ xid: Xid.auth, zxid: 0n, err }));

describe('access control', () => {
  it('reads and sets a list at its version', () => {
    const world = new ScriptedWorld();
    world.connect();
    const read = world.submit(zk.getAcl('/a'));
    const set = world.submit(zk.setAcl('/a', OPEN_ACL, 7));
    const [first, second] = world.requests();
    expect([first?.type, second?.type]).toEqual([OpCode.getACL, OpCode.setACL]);
    const sent = second === undefined ? undefined : SetAclRequest.read(second.body);
    expect(sent).toEqual({ path: '/a', acl: OPEN_ACL, version: 7 });
    world.reply(1, 5n, GetAclResponse, { acl: [...OPEN_ACL], stat: STAT });
    world.reply(2, 6n, StatResponse, { stat: STAT });
    expect(world.value(read)).toMatchObject({ acl: OPEN_ACL, stat: STAT });
    expect(world.value(set)).toMatchObject({ zxid: 6n, stat: STAT });
  });

  it('tells each new connection who it is, before anything else', () => {
    const world = new ScriptedWorld();
    world.connect();
    const known = world.submit(zk.addAuth('digest', 'ann:secret'));
    const read = world.submit(zk.exists('/a'));
    expect(world.requests().map(({ xid }) => xid)).toEqual([Xid.auth, 1]);
    // It is answered out of turn, also behind requests that came later.
    world.reply(1, 5n, StatResponse, { stat: STAT });
    answerAuth(world);
    expect(world.value(known)).toMatchObject({ zxid: 0n });
    expect(world.value(read)).toMatchObject({ stat: STAT });

    world.breakConnection();
    world.submit(zk.exists('/b'));
    world.advance(400);
    world.accept();
    world.confirm();
    const [again, next] = world.requests();
    expect([again?.xid, next?.xid]).toEqual([Xid.auth, 2]);
    const packet = again === undefined ? undefined : AuthPacket.read(again.body);
    const auth = new TextEncoder().encode('ann:secret');
    expect(packet).toEqual({ type: 0, scheme: 'digest', auth });
  });

  it('does not repeat an identity that was refused', () => {
    const world = new ScriptedWorld();
    world.connect();
    const refused = world.submit(zk.addAuth('nothing', 'x'));
    answerAuth(world, ErrorCode.AuthFailed);
    expect(world.error(refused)).toMatchObject({ code: 'AuthFailed' });
    world.breakConnection();
    world.advance(400);
    world.accept();
    world.confirm();
    expect(world.requests()).toEqual([]);
  });

  it('fails an identity that was not answered when the connection was lost', () => {
    const world = new ScriptedWorld();
    world.connect();
    const unanswered = world.submit(zk.addAuth('digest', 'ann:secret'));
    world.breakConnection();
    expect(world.error(unanswered)).toMatchObject({ code: 'ConnectionLoss' });
  });
});
