/** Claims about ZAB, the roles of servers and what they cost. */
import { holds, reaches, restsOn, survives } from '../checks.ts';
import type { Chapter } from '../claim.ts';
import { observersDecideNothing } from './majority-checks.ts';
import {
  broadcastNeedsHalfOfTheFollowers,
  broadcastNeedsHalfOfTheVoters,
  nothingUncommittedIsCommittedLater,
  phasesInOrder,
  ZAB,
} from './zab-checks.ts';

export const zabChapter: Chapter = {
  title: { en: 'ZAB and roles', zh: 'ZAB 协议与集群角色' },
  claims: [
    {
      id: 'Z1',
      says: {
        en: 'Servers are LOOKING, LEADING, FOLLOWING or OBSERVING.',
        zh: '服务器的状态有 LOOKING、LEADING、FOLLOWING、OBSERVING。',
      },
      sources: ['S4'],
      expected: 'holds',
      recorded: ['sim'],
    },
    {
      id: 'Z2',
      says: {
        en: 'Recovery runs election, discovery, synchronization and broadcast in this order, and writes are served only in the last.',
        zh: '恢复依次经过选举、发现、同步、广播四个阶段，到广播阶段才能提供事务服务。',
      },
      sources: ['S4'],
      expected: 'holds',
      model: {
        asStated: [
          phasesInOrder,
          holds('zab', 'primaryIntegrity', ZAB),
          restsOn('zab', 'servesBeforeDelivering', 'primaryIntegrity'),
        ],
      },
      recorded: ['sim'],
    },
    {
      id: 'Z3',
      says: {
        en: 'A committed transaction survives every crash that leaves a majority.',
        zh: '已提交的事务在任何仍有过半服务器的崩溃之后都不会丢失。',
      },
      sources: ['S4'],
      expected: 'qualified',
      remark: {
        en: "It must have been flushed before it was acknowledged, and a quorum's disks must be intact; then it survives even a crash of all.",
        zh: '必须先落盘再确认，而且过半服务器的磁盘完好；这样即使全部崩溃也不会丢。',
      },
      model: {
        asStated: [survives('zab', 'ackBeforeLogging', 'durability')],
        onlyIf: {
          says: {
            en: 'Logged before acknowledged: every later leader has it, and a quorum keeps it.',
            zh: '先写日志再确认：之后的每个 leader 都有它，过半服务器保留它。',
          },
          checks: [
            holds('zab', 'leaderLogCompleteness', ZAB),
            holds('zab', 'durability', ZAB),
            holds('zab', 'committedLogDurability', ZAB),
          ],
        },
      },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'Z4',
      says: {
        en: 'A transaction that was never committed and was skipped by a new leader does not come back.',
        zh: '没有提交、被新 leader 跳过的事务不会再出现。',
      },
      sources: ['S4'],
      expected: 'qualified',
      remark: {
        en: 'The next leader may still commit an unacknowledged proposal; once an epoch is established without it, it never returns.',
        zh: '未确认的提案，下一任 leader 可能提交也可能丢弃；某个纪元在没有它的情况下建立之后，它不会再出现。',
      },
      model: {
        asStated: [nothingUncommittedIsCommittedLater],
        onlyIf: {
          says: {
            en: 'What an epoch was established without is never delivered.',
            zh: '某个纪元建立时没有的事务，之后不会再被提交。',
          },
          checks: [
            holds('zab', 'noResurrection', ZAB),
            reaches('zab', 'aTransactionIsSkipped', ZAB),
            restsOn('zab', 'longestHistoryWins', 'noResurrection'),
          ],
        },
      },
      recorded: ['sim'],
    },
    {
      id: 'Z5',
      says: {
        en: 'All servers apply the same transactions in the same order.',
        zh: '所有服务器按同样的顺序应用同样的事务。',
      },
      sources: ['S2', 'S4'],
      expected: 'holds',
      model: {
        asStated: [
          holds('zab', 'totalOrder', ZAB),
          holds('zab', 'prefixConsistency', ZAB),
          holds('zab', 'agreement', ZAB),
          holds('zab', 'localPrimaryOrder', ZAB),
          holds('zab', 'globalPrimaryOrder', ZAB),
        ],
      },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'Z6',
      says: {
        en: 'A server that joins during broadcast first synchronizes, then takes part.',
        zh: '广播时新加入的服务器先与 leader 同步数据，再参与消息广播。',
      },
      sources: ['S4'],
      expected: 'holds',
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'Z7',
      says: {
        en: 'Followers and observers forward writes to the leader and serve reads themselves.',
        zh: 'follower 和 observer 把写请求转发给 leader，自己提供读服务。',
      },
      sources: ['S4'],
      expected: 'holds',
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'Z8',
      says: {
        en: 'Observers neither vote in elections nor count in the write majority.',
        zh: 'observer 不参与选举，也不参与“过半写成功”。',
      },
      sources: ['S4'],
      expected: 'holds',
      model: { asStated: [observersDecideNothing] },
      recorded: ['sim'],
    },
    {
      id: 'Z9',
      says: {
        en: 'Observers add read capacity without slowing writes.',
        zh: 'observer 在不影响写性能的情况下提升读性能。',
      },
      sources: ['S4'],
      expected: 'qualified',
      remark: {
        en: 'They are in no quorum, but each costs the leader a stream.',
        zh: '它们不在任何过半集合里，但每一台都要 leader 多发一份数据。',
      },
      recorded: ['measure'],
    },
    {
      id: 'Z10',
      says: {
        en: 'Writes get slower as servers are added.',
        zh: '性能会随着服务器数量的增加而下降。',
      },
      sources: ['S1'],
      expected: 'qualified',
      remark: {
        en: "The cost grows linearly; latency grows with the majority's order statistic.",
        zh: '开销线性增长；延迟取决于过半中最慢的一台。',
      },
      recorded: ['measure'],
    },
    {
      id: 'Z11',
      says: { en: 'Reads are much cheaper than writes.', zh: '读比写便宜得多。' },
      sources: ['S4'],
      expected: 'holds',
      recorded: ['measure'],
    },
    {
      id: 'Z12',
      says: {
        en: 'During an election, or without a majority, the service is unavailable.',
        zh: '选举期间，或没有过半服务器可用时，服务不可用。',
      },
      sources: ['S4'],
      expected: 'holds',
      remark: {
        en: 'Read-only mode, where it is enabled, still answers reads.',
        zh: '启用只读模式时仍能读。',
      },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'Z13',
      says: {
        en: "In discovery the leader-to-be gathers the followers' latest proposals.",
        zh: '发现阶段，准 leader 收集 follower 最近接收的事务提议。',
      },
      sources: ['S4'],
      expected: 'qualified',
      remark: {
        en: "So in the paper; ZooKeeper's followers send only their last zxid and epochs.",
        zh: '论文如此；ZooKeeper 的 follower 只发送最后的 zxid 和纪元。',
      },
      recorded: ['sim'],
    },
    {
      id: 'Z14',
      says: {
        en: 'Broadcast starts when more than half of the followers have synchronized.',
        zh: '过半的 follower 与 leader 完成状态同步后，进入消息广播。',
      },
      sources: ['S4'],
      expected: 'qualified',
      remark: {
        en: 'More than half of the voters, the leader included.',
        zh: '是有投票权的服务器的过半，包括 leader 自己。',
      },
      model: {
        asStated: [broadcastNeedsHalfOfTheFollowers],
        onlyIf: {
          says: {
            en: 'More than half of the voters, the leader included.',
            zh: '有投票权的服务器的过半，包括 leader 自己。',
          },
          checks: [broadcastNeedsHalfOfTheVoters],
        },
      },
      recorded: ['sim'],
    },
  ],
};
