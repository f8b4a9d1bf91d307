/** Claims about the recipes, and about the services that are built on them. */
import { breaks, holds, reaches } from '../checks.ts';
import type { Chapter } from '../claim.ts';

export const recipesChapter: Chapter = {
  title: { en: 'Recipes and what is built on them', zh: '典型应用场景' },
  claims: [
    {
      id: 'R1',
      says: {
        en: 'The exclusive lock by smallest sequential ephemeral node gives mutual exclusion.',
        zh: '用最小的临时顺序节点实现的独占锁是互斥的。',
      },
      sources: ['S0', 'S4'],
      expected: 'qualified',
      remark: {
        en: 'A paused holder whose session expired overlaps with the next one; fencing by zxid closes it.',
        zh: '会话过期却被暂停的持有者会与下一个重叠；用 zxid 作栅栏可以避免。',
      },
      model: {
        asStated: [
          holds('lock', 'oneBelievesThatItHolds'),
          holds('lock', 'theResourceObeysNoStaleHolder', { resource: 'unfenced' }),
        ],
        onlyIf: {
          says: {
            en: 'The service grants it to one, and a resource that compares tokens obeys one.',
            zh: '服务只授予一个客户端；会比较令牌的资源只听从一个。',
          },
          checks: [
            holds('lock', 'theServiceGrantsOne'),
            holds('lock', 'theResourceObeysNoStaleHolder', { resource: 'fenced' }),
          ],
        },
      },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'R2',
      says: {
        en: 'Waiting only on the predecessor avoids the herd.',
        zh: '等待者只监听自己前面的节点，避免羊群效应。',
      },
      sources: ['S0', 'S4'],
      expected: 'holds',
      model: {
        asStated: [
          holds('lock', 'atMostOneIsWoken'),
          breaks('lock', 'atMostOneIsWoken', { watched: 'parent' }),
        ],
      },
      recorded: ['measure'],
    },
    {
      id: 'R3',
      says: {
        en: 'Shared and exclusive locks by read and write nodes: readers watch the last writer before them, writers the last node before them.',
        zh: '用读、写节点实现共享锁和独占锁：读请求监听前面最后一个写节点，写请求监听前面最后一个节点。',
      },
      sources: ['S0', 'S4'],
      expected: 'holds',
      model: {
        asStated: [
          holds('shared-lock', 'aWriterHoldsAlone', { queue: 'WRR' }),
          holds('shared-lock', 'aWriterHoldsAlone', { queue: 'WWRR' }),
          holds('shared-lock', 'noWriterIsOvertaken', { queue: 'WRRR' }),
          holds('shared-lock', 'everybodyIsServed', { queue: 'WWRR' }),
          reaches('shared-lock', 'two readers hold together', { queue: 'WRR' }),
        ],
      },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'R4',
      says: {
        en: "A crashed holder's lock frees itself.",
        zh: '持有锁的客户端挂了，节点消失，锁自动释放。',
      },
      sources: ['S4'],
      expected: 'holds',
      remark: { en: 'After the session timeout.', zh: '在会话超时之后。' },
      model: { asStated: [holds('lock', 'whoeverQueuesIsServed')] },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'R5',
      says: {
        en: 'Master election by smallest number; when the master dies the next takes over.',
        zh: '编号最小的成为 Master；Master 挂了，由新的最小编号接任。',
      },
      sources: ['S0', 'S1', 'S4'],
      expected: 'holds',
      remark: {
        en: 'One recorded master; a paused old one may still believe, as in R1.',
        zh: '登记的 Master 只有一个；被暂停的旧 Master 可能还以为自己是，同 R1。',
      },
      model: {
        asStated: [
          holds('leader-election', 'oneMasterIsRecorded'),
          holds('leader-election', 'somebodyLeads'),
          reaches('leader-election', 'a second master leads'),
        ],
      },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'R6',
      says: {
        en: 'Group membership through ephemeral nodes and a children watch.',
        zh: '用临时节点和子节点监听感知成员的加入和退出。',
      },
      sources: ['S0', 'S4'],
      expected: 'holds',
      model: {
        asStated: [
          holds('group-membership', 'theLastMembershipIsSeen'),
          holds('group-membership', 'aStaleViewIsKnownOrWillBe'),
        ],
      },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'R7',
      says: {
        en: 'Naming: paths, and sequence numbers as globally unique ids.',
        zh: '命名服务：路径唯一，顺序节点可以生成全局唯一 ID。',
      },
      sources: ['S0', 'S3', 'S4'],
      expected: 'qualified',
      remark: {
        en: 'Unique while the parent lives and its signed 32-bit counter has not overflowed.',
        zh: '在父节点没有重建、有符号 32 位计数器没有溢出时唯一。',
      },
      model: {
        asStated: [holds('naming', 'namesAreUnique', { recreations: 2 })],
        onlyIf: {
          says: {
            en: 'While the parent lives and its counter lasts.',
            zh: '父节点没有重建、计数器没有溢出。',
          },
          checks: [
            holds('naming', 'namesAreUnique'),
            holds('naming', 'namesGrow'),
            breaks('naming', 'namesGrow', { largest: 2 }),
          ],
        },
      },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'R8',
      says: {
        en: 'Configuration published on one znode reaches every watcher.',
        zh: '发布在一个 znode 上的配置会到达每一个监听者。',
      },
      sources: ['S0', 'S3', 'S4'],
      expected: 'holds',
      remark: { en: 'Its last state does; see D14.', zh: '指最后的状态，见 D14。' },
      model: { asStated: [holds('group-membership', 'theLastMembershipIsSeen')] },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'R9',
      says: {
        en: 'Service registry: providers register in ephemeral nodes, consumers cache the list and are told of changes, calls go through a load balancer and survive the loss of the registry.',
        zh: '注册中心：提供者用临时节点登记，消费者缓存地址列表并得到变化通知，经负载均衡调用，注册中心失效时仍能调用。',
      },
      sources: ['S4'],
      expected: 'holds',
      recorded: ['cluster'],
    },
    {
      id: 'R10',
      says: {
        en: 'Rendezvous, barriers and distributed queues can be built.',
        zh: '可以实现约会机制、屏障和分布式队列。',
      },
      sources: ['S0', 'S3', 'S4'],
      expected: 'holds',
      model: {
        asStated: [
          holds('barrier', 'nobodyPassesBeforeAllAreThere'),
          holds('barrier', 'nobodyIsOutBeforeAllHaveFinished'),
          holds('barrier', 'allPassAndLeave'),
          holds('queue', 'eachIsTakenOnce'),
          holds('queue', 'takenInOrder'),
          holds('queue', 'everyItemIsFinished', { crashes: 0 }),
        ],
      },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'R11',
      says: {
        en: 'Hot standby of a NameNode-like master with a failover controller that holds a lock, and a shared edit log: no split brain.',
        zh: 'NameNode 主备，由 zkfc 持有锁，共享 edits 日志：不会脑裂。',
      },
      sources: ['S0', 'S1'],
      expected: 'qualified',
      remark: {
        en: 'Only with fencing of the old active.',
        zh: '只在把旧的 active 隔离掉的情况下。',
      },
      model: {
        asStated: [
          holds('namenode-failover', 'theEditLogHasOneWriterAtATime', { fencing: 'none' }),
        ],
        onlyIf: {
          says: {
            en: 'The log refuses writers of an old epoch, or the new active kills the old one.',
            zh: '日志拒绝旧纪元的写入者，或者新的 active 先杀掉旧的。',
          },
          checks: [
            holds('namenode-failover', 'theEditLogHasOneWriterAtATime', { fencing: 'epoch' }),
            holds('namenode-failover', 'oneBelievesToBeActive', { fencing: 'kill' }),
          ],
        },
      },
      recorded: ['cluster'],
    },
    {
      id: 'R12',
      says: {
        en: 'ZooKeeper finds out what kind of fault a server has and repairs it.',
        zh: 'ZooKeeper 会甄别服务器的故障，并自动修复。',
      },
      sources: ['S3'],
      expected: 'refuted',
      remark: {
        en: 'It detects the loss of a session only; a service that is stuck but alive goes unnoticed.',
        zh: '它只能发现会话消失；卡死但进程还在的服务不会被发现。',
      },
      recorded: ['cluster'],
    },
  ],
};
