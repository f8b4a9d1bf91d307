/** Claims about majorities, how many failures an ensemble tolerates, and split brain. */
import { holds, never, reaches, restsOn, survives } from '../checks.ts';
import type { Chapter } from '../claim.ts';
import {
  atMostOneGroupServes,
  evenGivesNothing,
  evenIsLessAvailable,
  evenToleratesNoMore,
  evenToleratesNoMoreUpTo,
  evenWaitsForOneMore,
  neitherDataCentreServes,
  noDisjointQuorums,
  serviceFollowsTheConnected,
  serviceFollowsTheLiving,
} from './majority-checks.ts';

const REGISTER = 'replicated-register';
const ONE_SERVES = 'atMostOneServes';
const SERVES_ALL = 'whoeverServesHasEveryAcknowledgedWrite';
const DATA_CENTRES = { servers: 6, writes: 1, faults: 1, elections: 2 };

export const majorityChapter: Chapter = {
  title: { en: 'Majority, tolerance, split brain', zh: '过半机制、容忍度、脑裂' },
  claims: [
    {
      id: 'Q1',
      says: {
        en: 'The service works while more than half of the servers are alive, and stops when not.',
        zh: '集群中只要有半数以上的服务器存活就能正常服务，否则不能。',
      },
      sources: ['S2', 'S3', 'S4'],
      expected: 'qualified',
      remark: {
        en: 'More than half must be alive, mutually connected, and have their disks.',
        zh: '半数以上的服务器要存活、彼此连通、磁盘完好。',
      },
      model: {
        asStated: [
          serviceFollowsTheLiving,
          survives(REGISTER, 'restartForgetsTheDisk', SERVES_ALL),
        ],
        onlyIf: {
          says: {
            en: 'More than half alive, mutually connected, and with their disks: then they serve, else nobody does.',
            zh: '半数以上存活、彼此连通、磁盘完好，就能服务；否则都不能。',
          },
          checks: [serviceFollowsTheConnected, holds(REGISTER, SERVES_ALL)],
        },
      },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'Q2',
      says: {
        en: '2n and 2n − 1 servers tolerate the same number of failures, n − 1.',
        zh: '2n 台和 2n−1 台服务器的容忍度一样，都是 n−1。',
      },
      sources: ['S3', 'S4'],
      expected: 'holds',
      model: { asStated: [evenToleratesNoMore, evenToleratesNoMoreUpTo(10_000)] },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'Q3',
      says: {
        en: 'Two disjoint majorities are impossible, so no two leaders of the same epoch can both commit.',
        zh: '不可能有两个不相交的过半集合，所以同一纪元里不可能有两个都能提交的 leader。',
      },
      sources: ['S4'],
      expected: 'holds',
      model: {
        asStated: [
          noDisjointQuorums,
          atMostOneGroupServes,
          holds(REGISTER, ONE_SERVES),
          holds(REGISTER, ONE_SERVES, { servers: 4, writes: 1, faults: 2, elections: 2 }),
        ],
      },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'Q4',
      says: {
        en: 'Six servers in two data centres, three and three: cut the link and neither side serves; without the majority rule both do.',
        zh: '6 台服务器分在两个机房，每个 3 台：断开机房之间的网络，两边都不能服务；没有过半机制时两边都会服务。',
      },
      sources: ['S4'],
      expected: 'holds',
      model: {
        asStated: [
          neitherDataCentreServes,
          holds(REGISTER, ONE_SERVES, DATA_CENTRES),
          reaches(REGISTER, 'everybody lives and nobody can be elected', DATA_CENTRES),
          restsOn(REGISTER, 'halfIsEnough', ONE_SERVES),
        ],
      },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'Q5',
      says: {
        en: 'There is never more than one leader at an instant.',
        zh: '任何时刻都不会有一个以上的 leader。',
      },
      sources: ['S4'],
      expected: 'qualified',
      remark: {
        en: 'An old leader may believe that it leads until it times out; only one can commit.',
        zh: '旧 leader 在超时之前可能还以为自己是 leader，但只有一个能提交。',
      },
      model: {
        asStated: [
          never(REGISTER, 'a stranded leader believes that it leads beside the one that serves'),
        ],
        onlyIf: {
          says: { en: 'At most one of them can commit.', zh: '其中最多只有一个能提交。' },
          checks: [holds(REGISTER, ONE_SERVES)],
        },
      },
      recorded: ['sim'],
    },
    {
      id: 'Q6',
      says: {
        en: 'A client of a stranded old leader can still read there.',
        zh: '连在被隔离的旧 leader 上的客户端还能从它那里读到数据。',
      },
      sources: [],
      expected: 'holds',
      remark: {
        en: "Until the leader's own clock has counted the sync limit and a tick; unbounded in real time if it is paused.",
        zh: '直到 leader 自己的时钟数过 syncLimit 加一个 tick；如果进程被暂停，真实时间上没有上限。',
      },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'Q7',
      says: { en: 'Odd sizes are best.', zh: '适合安装奇数台服务器。' },
      sources: ['S2', 'S3', 'S4'],
      expected: 'qualified',
      remark: {
        en: 'For tolerance and writes. An even size tolerates no more and its writes cost more, but it adds one reader and one copy.',
        zh: '就容忍度和写入而言。偶数台不多容忍故障、写入更贵，但多一台读服务器和一个副本。',
      },
      model: {
        asStated: [evenGivesNothing],
        onlyIf: {
          says: {
            en: 'An even size tolerates no more, is less available, and needs one acknowledgement more.',
            zh: '偶数台不多容忍故障，可用性更低，写入多等一个确认。',
          },
          checks: [evenToleratesNoMore, evenIsLessAvailable, evenWaitsForOneMore],
        },
      },
      recorded: ['measure'],
    },
  ],
};
