/** Claims about what a client may rely on: order, atomicity, one image, reliability, timeliness. */
import { holds } from '../checks.ts';
import type { Chapter } from '../claim.ts';

export const guaranteesChapter: Chapter = {
  title: { en: 'The five guarantees', zh: '五个特点' },
  claims: [
    {
      id: 'G1',
      says: {
        en: 'Updates of one client are applied in the order sent.',
        zh: '同一客户端的更新请求按发送顺序依次执行。',
      },
      sources: ['S2', 'S4'],
      expected: 'holds',
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'G2',
      says: {
        en: 'An update applies everywhere or nowhere; a multi applies whole or not at all.',
        zh: '一次更新要么处处成功，要么处处没有；multi 要么整体成功，要么整体失败。',
      },
      sources: ['S2', 'S4'],
      expected: 'holds',
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'G3',
      says: {
        en: 'Single system image: whichever server a client connects to, it sees the same data.',
        zh: '单一系统映像：无论客户端连到哪一台服务器，看到的数据都是一致的。',
      },
      sources: ['S2', 'S4'],
      expected: 'qualified',
      remark: {
        en: 'A session never goes back in time, but two sessions may see different moments.',
        zh: '一个会话不会看到更旧的数据，但两个会话可能看到不同的时刻。',
      },
      model: {
        asStated: [holds('reads', 'readsAreCurrent')],
        onlyIf: {
          says: { en: 'A session never goes back in time.', zh: '一个会话不会看到更旧的数据。' },
          checks: [holds('reads', 'aSessionNeverGoesBack')],
        },
      },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'G4',
      says: {
        en: 'Once applied, a change stays until it is overwritten.',
        zh: '更改一旦被应用就会持久化，直到被下一次更改覆盖。',
      },
      sources: ['S4'],
      expected: 'qualified',
      remark: {
        en: "It must have been flushed before it was acknowledged, and a quorum's disks must be intact.",
        zh: '必须先落盘再确认，而且过半服务器的磁盘完好。',
      },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'G5',
      says: {
        en: "Timeliness: a client's view is current within a bound.",
        zh: '实时性：在一定时间范围内，客户端能读到最新数据。',
      },
      sources: ['S2'],
      expected: 'qualified',
      remark: {
        en: 'Within the sync limit plus the session timeout, given bounded clock rates; no bound exists in an asynchronous system.',
        zh: '时钟速率有界时，在 syncLimit 加会话超时之内；异步系统里没有上限。',
      },
      model: {
        asStated: [holds('timeliness', 'noReadIsOlderThanTheBound', { rate: 0 })],
        onlyIf: {
          says: {
            en: 'While clocks keep within a rate of real time.',
            zh: '时钟速率有界时。',
          },
          checks: [holds('timeliness', 'noReadIsOlderThanTheBound', { rate: 2 })],
        },
      },
      recorded: ['measure'],
    },
    {
      id: 'G6',
      says: {
        en: 'At any time any read gets a consistent result.',
        zh: '任何时刻对 ZooKeeper 的读请求都能得到一致性的结果。',
      },
      sources: ['S4'],
      expected: 'refuted',
      remark: {
        en: 'Plain reads may be stale, and so may reads after sync, which asks no quorum. A write of one’s own and the read after it, taken as one operation, are consistent.',
        zh: '普通读可能是旧的；sync 不询问过半服务器，sync 之后的读也可能是旧的。把自己的一次写和随后的读当作一个操作，才是一致的。',
      },
      model: {
        asStated: [
          holds('reads', 'readsAreCurrent', { mode: 'plain' }),
          holds('reads', 'readsAreCurrent', { mode: 'sync' }),
        ],
        instead: {
          says: {
            en: 'A read after a quorum operation of the same session is current.',
            zh: '同一会话在一次过半操作之后的读是最新的。',
          },
          checks: [
            holds('reads', 'readsAreCurrent', { mode: 'own-write', writes: 2 }),
            holds('reads', 'readsAreCurrent', { mode: 'quorum-sync' }),
          ],
        },
      },
      recorded: ['sim', 'cluster'],
    },
  ],
};
