import { describe, expect, it } from 'vitest';
import { authenticate, digestId } from '../../../src/server/core/pipeline/auth.ts';
import { answerRead } from '../../../src/server/core/pipeline/read.ts';
import { writeReply } from '../../../src/server/core/pipeline/reply.ts';
import { WatchManager } from '../../../src/server/core/watch/watch-manager.ts';
import {
  type Acl,
  AddWatchRequest,
  Create2Response,
  GetAclRequest,
  GetAclResponse,
  GetChildren2Response,
  GetChildrenResponse,
  GetDataResponse,
  type Id,
  MultiResponse,
  OPEN_ACL,
  OpCode,
  PathWatchRequest,
  SetWatches2Request,
  SetWatchesRequest,
  StatResponse,
  WatchTypeRequest,
} from '../../../src/wire/client.ts';
import { type Codec, encode, JuteReader, JuteWriter } from '../../../src/wire/jute.ts';
import {
  CONNECTION,
  createBody,
  multiCheck,
  multiCreate,
  multiDelete,
  multiSetData,
  Pipeline,
  pathBody,
  request,
} from '../../support/pipeline.ts';

const empty = new Uint8Array(0);
const only = (perms: number): Acl[] => [{ perms, id: { scheme: 'world', id: 'anyone' } }];

class Reader {
  readonly pipeline = new Pipeline();
  readonly watches = new WatchManager();

  ask(type: number, body: Uint8Array, authinfo: readonly Id[] = []) {
    const asked = request(type, body, { authinfo });
    return answerRead(this.pipeline.database, this.watches, asked, CONNECTION);
  }
  node(type: number, path: string | null, watch = false) {
    return this.ask(type, encode(PathWatchRequest, { path, watch }));
  }
  read<T>(codec: Codec<T>, answer: ReturnType<typeof answerRead>): T {
    return bodyOf(codec, answer);
  }
}

function bytesOf(reply: { readonly write?: (writer: JuteWriter) => void }): Uint8Array {
  const writer = new JuteWriter();
  reply.write?.(writer);
  return writer.finish();
}
function bodyOf<T>(codec: Codec<T>, reply: { readonly write?: (writer: JuteWriter) => void }): T {
  const reader = new JuteReader(bytesOf(reply));
  const value = codec.read(reader);
  expect(reader.remaining).toBe(0);
  return value;
}

describe('reads of one node', () => {
  it('answer data, children and stat', () => {
    const reader = new Reader();
    reader.pipeline.create('/a');
    reader.pipeline.create('/a/x');
    reader.pipeline.create('/a/y', 1);
    reader.pipeline.delete('/a/x');
    reader.pipeline.setData('/a', 'zwei');
    const stat = { version: 1, cversion: 3, numChildren: 1, dataLength: 4, pzxid: 4n };
    expect(reader.read(StatResponse, reader.node(OpCode.exists, '/a')).stat).toMatchObject(stat);
    const data = reader.read(GetDataResponse, reader.node(OpCode.getData, '/a'));
    expect(new TextDecoder().decode(data.data ?? empty)).toBe('zwei');
    expect(data.stat).toMatchObject(stat);
    const children = { children: ['y'] };
    expect(reader.read(GetChildrenResponse, reader.node(OpCode.getChildren, '/a'))).toEqual(
      children,
    );
    expect(reader.read(GetChildren2Response, reader.node(OpCode.getChildren2, '/a'))).toMatchObject(
      {
        ...children,
        stat,
      },
    );
    const root = reader.read(GetChildrenResponse, reader.node(OpCode.getChildren, ''));
    expect(root).toEqual({ children: ['zookeeper', 'a'] });
  });

  it('take any string as a path, but exists refuses a NUL', () => {
    const reader = new Reader();
    for (const type of [3, 4, 8, 12]) {
      expect(reader.node(type, 'zz//').err).toBe(-101);
      expect(reader.node(type, '/a/').err).toBe(-101);
      expect(reader.node(type, null).err).toBe(-5);
      expect(reader.ask(type, empty).err).toBe(-5);
      expect(reader.node(type, '/a\0').err).toBe(type === OpCode.exists ? -8 : -101);
    }
  });

  it('leave a watch where upstream does', () => {
    const reader = new Reader();
    reader.pipeline.create('/open');
    reader.pipeline.create('/secret', 0, only(30));
    const held = (path: string) => [1, 2].map((type) => reader.watches.has(CONNECTION, path, type));
    for (const type of [4, 8, 12]) {
      expect(reader.node(type, '/none', true).err).toBe(-101);
      expect(reader.node(type, '/secret', true).err).toBe(-102);
    }
    expect(reader.node(OpCode.exists, '/secret', true).err).toBe(-102);
    expect(reader.watches.count).toBe(0);
    expect(reader.node(OpCode.exists, '/none', true).err).toBe(-101);
    expect(held('/none')).toEqual([false, true]);
    expect(reader.node(OpCode.exists, '/open').err).toBe(0);
    expect(held('/open')).toEqual([false, false]);
    reader.node(OpCode.getChildren2, '/open', true);
    expect(held('/open')).toEqual([true, false]);
    reader.node(OpCode.getData, '', true);
    expect(held('/')).toEqual([false, true]);
  });
});

describe('reads of access and of many nodes', () => {
  it('hide hashes from those who may only read', () => {
    const reader = new Reader();
    const bob: Acl = { perms: 16, id: { scheme: 'digest', id: 'bob:hash' } };
    reader.pipeline.create('/a', 0, [bob, ...only(1)]);
    reader.pipeline.create('/b', 0, [bob]);
    reader.pipeline.create('/c', 0, only(2));
    const ask = (path: string, authinfo: readonly Id[] = []) =>
      reader.ask(OpCode.getACL, encode(GetAclRequest, { path }), authinfo);
    const asReader = reader.read(GetAclResponse, ask('/a'));
    expect(asReader.acl).toEqual([
      { perms: 16, id: { scheme: 'digest', id: 'bob:x' } },
      ...only(1),
    ]);
    expect(asReader.stat.czxid).toBe(1n);
    const authinfo = [{ scheme: 'digest', id: 'bob:hash' }];
    expect(reader.read(GetAclResponse, ask('/b', authinfo)).acl).toEqual([bob]);
    expect([ask('/b').err, ask('/c').err, ask('/no').err]).toEqual([-102, -102, -101]);
    expect(reader.read(GetAclResponse, ask('/')).acl).toEqual(OPEN_ACL);
  });

  it('count descendants', () => {
    const reader = new Reader();
    const count = (path: string) => {
      const answer = reader.ask(OpCode.getAllChildrenNumber, pathBody(path));
      return answer.err === 0 ? new JuteReader(bytesOf(answer)).int() : answer.err;
    };
    expect(count('/')).toBe(3);
    for (const path of ['/a', '/a/b', '/a/b/c', '/a/d', '/ab']) reader.pipeline.create(path);
    expect([count('/'), count('/a'), count('/a/d'), count('/x')]).toEqual([8, 3, 0, -101]);
  });

  it('list ephemerals of the session by text prefix', () => {
    const reader = new Reader();
    for (const path of ['/a1', '/a2', '/b']) reader.pipeline.create(path, 1);
    reader.pipeline.create('/a3', 1, OPEN_ACL, { session: 99n });
    const list = (prefix: string) =>
      reader.read(GetChildrenResponse, reader.ask(OpCode.getEphemerals, pathBody(prefix))).children;
    expect([list(''), list('/'), list(' ')]).toEqual(new Array(3).fill(['/a1', '/a2', '/b']));
    expect([list('/a'), list('/a2'), list('/c')]).toEqual([['/a1', '/a2'], ['/a2'], []]);
  });

  it('answer several at once, each for itself', () => {
    const reader = new Reader();
    reader.pipeline.create('/a');
    reader.pipeline.create('/secret', 0, only(30));
    const writer = new JuteWriter();
    const ask = (type: number, path: string) => {
      writer.int(type);
      writer.bool(false);
      writer.int(-1);
      PathWatchRequest.write(writer, { path, watch: true });
    };
    ask(4, '/a');
    ask(8, '/');
    ask(4, '/no');
    ask(8, '/secret');
    writer.int(-1);
    writer.bool(true);
    writer.int(-1);
    const answer = reader.ask(OpCode.multiRead, writer.finish());
    const body = new JuteReader(bytesOf(answer));
    const header = () => [body.int(), body.bool(), body.int()];
    expect(header()).toEqual([4, false, 0]);
    expect(GetDataResponse.read(body).stat.czxid).toBe(1n);
    expect(header()).toEqual([8, false, 0]);
    expect(GetChildrenResponse.read(body).children).toEqual(['zookeeper', 'a', 'secret']);
    expect([...header(), body.int()]).toEqual([-1, false, -101, -101]);
    expect([...header(), body.int()]).toEqual([-1, false, -102, -102]);
    expect([...header(), body.remaining]).toEqual([-1, true, -1, 0]);
    expect(reader.watches.count).toBe(0);
    expect(reader.ask(OpCode.multiRead, encode(GetAclRequest, { path: '/' })).err).toBe(-5);
  });
});

describe('requests about the connection', () => {
  it('answer who asks', () => {
    const reader = new Reader();
    const authinfo = [
      { scheme: 'ip', id: '10.0.0.1' },
      { scheme: 'digest', id: 'bob:hash' },
      { scheme: 'digest', id: 'bob:other' },
    ];
    const body = new JuteReader(bytesOf(reader.ask(OpCode.whoAmI, empty, authinfo)));
    expect(body.int()).toBe(2);
    const texts = [body.ustring(), body.ustring(), body.ustring(), body.ustring()];
    expect(texts).toEqual(['ip', '10.0.0.1', 'digest', 'bob']);
  });

  it('echo the path of a sync', () => {
    const answer = new Reader().ask(OpCode.sync, pathBody('/a'));
    expect(new JuteReader(bytesOf(answer)).ustring()).toBe('/a');
  });

  it('are unimplemented where nothing answers them', () => {
    expect(new Reader().ask(OpCode.sasl, empty).err).toBe(-6);
  });

  it('authenticate by digest', () => {
    const utf8 = (text: string) => new TextEncoder().encode(text);
    expect(digestId(utf8('super:test'))).toBe('super:D/InIHSb7yEEbrWz8b9l71RjZJU=');
    expect(digestId(utf8('user1:pass1'))).toBe('user1:+7K83PhyQ3ijGj0ADmljf0quVwQ=');
    expect(digestId(utf8('bob:secret:x'))).toBe('bob:o8fKCvVeClyIqha14Xyv+H4ilic=');
    const packet = (scheme: string, auth: Uint8Array | null) => {
      const writer = new JuteWriter();
      writer.int(0);
      writer.ustring(scheme);
      writer.buffer(auth);
      return new JuteReader(writer.finish());
    };
    expect(authenticate(packet('digest', utf8('user1:pass1')))).toEqual({
      ok: true,
      id: { scheme: 'digest', id: 'user1:+7K83PhyQ3ijGj0ADmljf0quVwQ=' },
    });
    expect(authenticate(packet('ip', null), '::1')).toEqual({
      ok: true,
      id: { scheme: 'ip', id: '::1' },
    });
    expect(authenticate(packet('digest', null)).ok).toBe(false);
    expect(authenticate(packet('kerberos', utf8('x'))).ok).toBe(false);
  });
});

describe('watches set by request', () => {
  it('come back after a reconnection, with what was missed', () => {
    const reader = new Reader();
    reader.pipeline.create('/a');
    const lists = { dataWatches: ['/a'], existWatches: ['/new'], childWatches: ['/a'] };
    const first = encode(SetWatchesRequest, { relativeZxid: 0n, ...lists });
    expect(reader.ask(OpCode.setWatches, first)).toEqual({
      err: 0,
      events: [
        { type: 3, path: '/a' },
        { type: 4, path: '/a' },
      ],
    });
    const more = { persistentWatches: ['/p'], persistentRecursiveWatches: ['/r'] };
    const second = encode(SetWatches2Request, { relativeZxid: 1n, ...lists, ...more });
    expect(reader.ask(OpCode.setWatches2, second)).toEqual({ err: 0, events: [] });
    // /new, /a twice, /p twice, /r.
    expect(reader.watches.count).toBe(6);
    expect(reader.ask(OpCode.setWatches2, first).err).toBe(-5);
  });

  it('are added, checked and removed', () => {
    const reader = new Reader();
    const add = (mode: number) => reader.ask(106, encode(AddWatchRequest, { path: '/a', mode }));
    const ask = (op: number, type: number) =>
      reader.ask(op, encode(WatchTypeRequest, { path: '/a', type })).err;
    expect(new JuteReader(bytesOf(add(0))).int()).toBe(0);
    expect([add(1).err, add(2).err]).toEqual([0, -5]);
    expect([1, 2, 3, 4, 5, 0, 6].map((type) => ask(OpCode.checkWatches, type))).toEqual([
      -121, -121, 0, 0, 0, -5, -5,
    ]);
    expect([4, 4, 5, 3].map((type) => ask(OpCode.removeWatches, type))).toEqual([0, -121, 0, -121]);
  });
});

describe('replies to writes', () => {
  it('have the body of their operation', () => {
    const pipeline = new Pipeline();
    const created = pipeline.submit(OpCode.create2, createBody('/a'));
    expect(bodyOf(Create2Response, writeReply(OpCode.create2, created))).toMatchObject({
      path: '/a',
      stat: { czxid: 1n },
    });
    const plain = writeReply(OpCode.create, pipeline.create('/b'));
    expect(new JuteReader(bytesOf(plain)).ustring()).toBe('/b');
    const set = writeReply(OpCode.setData, pipeline.setData('/a'));
    expect(bodyOf(StatResponse, set).stat.version).toBe(1);
    const acl = writeReply(OpCode.setACL, pipeline.setAcl('/a', only(31)));
    expect(bodyOf(StatResponse, acl).stat.aversion).toBe(1);
    expect(writeReply(OpCode.delete, pipeline.delete('/b'))).toEqual({ err: 0 });
    expect(writeReply(OpCode.delete, pipeline.delete('/b'))).toEqual({ err: -101 });
    expect(writeReply(OpCode.closeSession, pipeline.submit(OpCode.closeSession, empty))).toEqual({
      err: 0,
    });
  });

  it('of a failed multi have no error in the header', () => {
    const pipeline = new Pipeline();
    const parts = [multiCreate('/a'), multiCheck('/a', 9), multiDelete('/a')];
    const failed = writeReply(OpCode.multi, pipeline.multi(parts));
    expect(failed.err).toBe(0);
    expect(bodyOf(MultiResponse, failed)).toEqual([
      { type: -1, err: 0 },
      { type: -1, err: -103 },
      { type: -1, err: -2 },
    ]);
    const fine = writeReply(OpCode.multi, pipeline.multi([multiCreate('/a'), multiSetData('/a')]));
    expect(bodyOf(MultiResponse, fine)).toMatchObject([
      { type: 1, path: '/a' },
      { type: 5, stat: { version: 1 } },
    ]);
    expect(bodyOf(MultiResponse, writeReply(OpCode.multi, pipeline.multi([])))).toEqual([]);
  });
});
