/** Claims about Paxos: phases, numbers, learning, livelock, and the rule that the documents leave out. */
import { breaks, holds, reaches, restsOn, survives } from '../checks.ts';
import type { Chapter } from '../claim.ts';
import { agreementWithForgetfulRestarts, laterVotesAreForWhatIsChosen } from './paxos-checks.ts';

const DECIDED = 'a value is chosen in the end';

export const paxosChapter: Chapter = {
  title: { en: 'Paxos', zh: 'Paxos 算法' },
  claims: [
    {
      id: 'P1',
      says: {
        en: 'A proposer takes a globally unique, increasing number N and sends only N in the first phase.',
        zh: '提案者先获取全局唯一且递增的提案编号 N，第一阶段只把编号发给所有表决者。',
      },
      sources: ['S4'],
      expected: 'holds',
      model: {
        asStated: [
          holds('paxos', 'one value per ballot'),
          restsOn('paxos', 'two values in one ballot', 'agreement'),
        ],
      },
    },
    {
      id: 'P2',
      says: {
        en: 'An acceptor answers prepare(N) only if N is above all it has promised, and returns the highest-numbered proposal that it has accepted.',
        zh: '表决者只回应编号大于自己已承诺的 prepare，并把接受过的最大编号的提案反馈给提案者。',
      },
      sources: ['S2', 'S4'],
      expected: 'holds',
      model: {
        asStated: [
          holds('paxos', 'promises only grow'),
          holds('paxos', 'a promise tells of the latest vote before it'),
          restsOn('paxos', 'promise in an old ballot', 'agreement'),
          restsOn('paxos', 'promise without the vote', 'agreement'),
        ],
      },
    },
    {
      id: 'P3',
      says: {
        en: 'After a majority of promises the proposer sends (N, value); an acceptor accepts when N is at least its promise.',
        zh: '得到过半承诺后，提案者发送编号和内容；编号大于等于已承诺的编号，表决者就接受。',
      },
      sources: ['S2', 'S4'],
      expected: 'holds',
      model: {
        asStated: [
          holds('paxos', 'agreement'),
          restsOn('paxos', 'propose without a quorum', 'agreement'),
          restsOn('paxos', 'accept in an old ballot', 'agreement'),
        ],
      },
    },
    {
      id: 'P4',
      says: {
        en: 'When a majority accepts, the value is chosen and learners learn it; acceptors that missed it take it unconditionally, those that have it need only N.',
        zh: '过半接受即形成决议，学习者学习它；未批准的表决者无条件执行并提交，已批准的只需要编号。',
      },
      sources: ['S2', 'S4'],
      expected: 'holds',
      model: {
        asStated: [
          reaches('paxos', 'a value is chosen'),
          holds('paxos', 'refines voting'),
          holds('voting', 'refines consensus'),
          laterVotesAreForWhatIsChosen,
        ],
      },
    },
    {
      id: 'P5',
      says: {
        en: 'Without a majority the proposer raises N and starts again at prepare.',
        zh: '没有得到过半接受，提案者递增编号，重新进入 prepare 阶段。',
      },
      sources: ['S4'],
      expected: 'holds',
      model: {
        asStated: [
          reaches('paxos', 'a ballot is overtaken'),
          reaches('paxos', 'a later ballot takes over a value'),
        ],
      },
    },
    {
      id: 'P6',
      says: {
        en: 'Two proposers can duel for ever.',
        zh: '两个提案者可能无休无止地争下去（死循环）。',
      },
      sources: ['S4'],
      expected: 'holds',
      model: { asStated: [breaks('duel', DECIDED, { proposers: 2, isLeaderElected: false })] },
    },
    {
      id: 'P7',
      says: {
        en: 'Letting only one proposer propose removes the livelock.',
        zh: '只允许一个提案者提案，就没有死循环。',
      },
      sources: ['S4'],
      expected: 'holds',
      model: {
        asStated: [
          holds('duel', DECIDED, { proposers: 1, isLeaderElected: false }),
          holds('duel', DECIDED, { proposers: 2, isLeaderElected: true }),
        ],
      },
    },
    {
      id: 'P8',
      says: {
        en: 'Slow, killed and restarted processes and delayed, lost and duplicated messages never break agreement (Byzantine faults excluded).',
        zh: '进程变慢、被杀死、重启，消息延迟、丢失、重复，都不会破坏决议的一致性（不考虑拜占庭错误）。',
      },
      sources: ['S2'],
      expected: 'qualified',
      remark: {
        en: 'An acceptor that restarts must still know what it promised and accepted: stable storage.',
        zh: '重启的表决者必须还记得承诺过、接受过什么：需要稳定存储。',
      },
      model: {
        asStated: [agreementWithForgetfulRestarts],
        onlyIf: {
          says: {
            en: 'Promises and votes are on disk; messages may be late, lost and repeated.',
            zh: '承诺和接受过的提案保存在磁盘上；消息可以延迟、丢失、重复。',
          },
          checks: [holds('paxos', 'agreement'), holds('paxos', 'promises only grow')],
        },
      },
    },
    {
      id: 'P9',
      says: {
        en: 'Two servers that receive the same request at once settle it by timestamp and server order.',
        zh: '两台服务器同时收到同样的请求时，按时间戳和服务器排序规则表决。',
      },
      sources: ['S0', 'S1'],
      expected: 'qualified',
      remark: {
        en: 'The stamp must be a logical ballot (round, server id); wall-clock timestamps alone break agreement.',
        zh: '时间戳必须是逻辑编号（轮次，服务器号）；只靠墙上时钟会破坏一致性。',
      },
      model: {
        asStated: [survives('paxos', 'two values in one ballot', 'agreement')],
        onlyIf: {
          says: {
            en: 'No two proposers ever share a number, which equal clocks cannot promise.',
            zh: '任何两个提案者的编号都不相同；时钟相等时做不到这一点。',
          },
          checks: [holds('paxos', 'one value per ballot'), holds('paxos', 'agreement')],
        },
      },
    },
    {
      id: 'P10',
      says: {
        en: 'The two phases as described suffice: after a majority of promises a proposer may propose its own value.',
        zh: '照文中描述的两个阶段就够了：得到过半承诺后，提案者可以提出自己的值。',
      },
      sources: ['S4'],
      byOmission: true,
      expected: 'refuted',
      remark: {
        en: 'It must propose the value of the highest-numbered proposal that its promises report, and its own only if they report none.',
        zh: '必须提出承诺中编号最大的提案的值；承诺里没有提案时，才能提自己的值。',
      },
      model: {
        asStated: [survives('paxos', 'propose anything', 'agreement')],
        instead: {
          says: {
            en: 'With the rule, agreement holds.',
            zh: '有了这条规则，一致性成立。',
          },
          checks: [holds('paxos', 'agreement')],
        },
      },
    },
  ],
};
