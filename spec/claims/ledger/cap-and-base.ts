/** Claims about CAP, BASE and the three ways of repair. */
import { AVAILABLE, CONSISTENT } from '../../models/cap-register.ts';
import { breaks, holds, reaches } from '../checks.ts';
import type { Chapter } from '../claim.ts';
import {
  bothWithoutPartitions,
  consistentPoliciesRefuse,
  eachAloneIsPossible,
  noPolicyIsBoth,
} from './cap-checks.ts';

export const capAndBaseChapter: Chapter = {
  title: { en: 'CAP and BASE', zh: 'CAP 与 BASE 理论' },
  claims: [
    {
      id: 'C1',
      says: {
        en: 'Under a partition a read-write register cannot be both consistent and available.',
        zh: '发生网络分区时，读写操作不能同时满足一致性和可用性。',
      },
      sources: ['S4'],
      expected: 'holds',
      model: { asStated: [noPolicyIsBoth, eachAloneIsPossible, bothWithoutPartitions] },
    },
    {
      id: 'C2',
      says: {
        en: 'Why CA is no option: to keep consistency in a partition, the other side must refuse.',
        zh: '为什么不能选 CA：分区时要保证一致性，就必须禁止其他节点的读写。',
      },
      sources: ['S4'],
      expected: 'holds',
      model: {
        asStated: [
          consistentPoliciesRefuse,
          holds('cap', 'consistent', { policy: CONSISTENT }),
          breaks('cap', 'available', { policy: CONSISTENT }),
          holds('cap', 'available', { policy: AVAILABLE }),
          breaks('cap', 'consistent', { policy: AVAILABLE }),
        ],
      },
    },
    {
      id: 'C3',
      says: { en: 'ZooKeeper is CP.', zh: 'ZooKeeper 保证的是 CP。' },
      sources: ['S4'],
      expected: 'qualified',
      remark: {
        en: 'C means linearizable writes and per-session prefix reads; a minority may still answer plain reads until its timeouts.',
        zh: 'C 指写线性一致、每个会话按前缀读；少数派在超时之前还可能回答普通读。',
      },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'C4',
      says: {
        en: 'Eureka is AP: one surviving node still serves, perhaps stale data.',
        zh: 'Eureka 保证的是 AP：只要有一个节点可用就能服务，只是数据可能不是最新的。',
      },
      sources: ['S4'],
      expected: 'holds',
      remark: {
        en: "Of a registry of ours with Eureka's API; the product itself is not tested.",
        zh: '指本项目按 Eureka 接口写的注册中心；没有测试产品本身。',
      },
      model: {
        asStated: [
          holds('service-registry', 'everyLivingNodeAnswers', { mode: 'AP' }),
          reaches('service-registry', 'one node alone is up', { mode: 'AP' }),
          breaks('service-registry', 'answersAreCurrent', { mode: 'AP' }),
          holds('service-registry', 'allKnowTheSame', { mode: 'AP' }),
        ],
      },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'C5',
      says: { en: 'Nacos serves both CP and AP.', zh: 'Nacos 不仅支持 CP 也支持 AP。' },
      sources: ['S4'],
      expected: 'holds',
      remark: {
        en: 'Per mode, never both for one instance; of a registry of ours with both modes.',
        zh: '按模式分别成立，同一个实例不会两者兼有；指本项目有两种模式的注册中心。',
      },
      model: {
        asStated: [
          holds('service-registry', 'everyLivingNodeAnswers', { mode: 'AP' }),
          holds('service-registry', 'answersAreCurrent', { mode: 'CP' }),
          breaks('service-registry', 'everyLivingNodeAnswers', { mode: 'CP' }),
        ],
      },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'B1',
      says: {
        en: 'Basically available: in trouble, slower answers or fewer functions, not none.',
        zh: '基本可用：出现故障时，响应变慢或功能减少，而不是完全不可用。',
      },
      sources: ['S4'],
      expected: 'holds',
      recorded: ['sim'],
    },
    {
      id: 'B2',
      says: {
        en: 'Soft state: replicas may differ for a while without harm to availability.',
        zh: '软状态：副本之间可以暂时不一致，不影响可用性。',
      },
      sources: ['S4'],
      expected: 'holds',
      model: {
        asStated: [
          reaches('repair', 'replicas differ and nothing is cut'),
          holds('repair', 'everyReplicaAnswers'),
        ],
      },
      recorded: ['cluster'],
    },
    {
      id: 'B3',
      says: {
        en: 'Eventual consistency: after faults stop, all replicas converge.',
        zh: '最终一致性：故障停止之后，所有副本最终达到一致。',
      },
      sources: ['S4'],
      expected: 'holds',
      model: { asStated: [holds('repair', 'allBecomeEqual')] },
      recorded: ['cluster'],
    },
    {
      id: 'B4',
      says: { en: 'Read repair converges replicas.', zh: '读时修复使副本一致。' },
      sources: ['S4'],
      expected: 'qualified',
      remark: { en: 'Only keys that are read.', zh: '只对被读到的键。' },
      model: {
        asStated: [holds('repair', 'allBecomeEqual', { repair: 'read', reads: 'one' })],
        onlyIf: {
          says: { en: 'Every key is read.', zh: '每个键都被读到。' },
          checks: [holds('repair', 'allBecomeEqual', { repair: 'read' })],
        },
      },
      recorded: ['cluster'],
    },
    {
      id: 'B5',
      says: {
        en: 'Write repair (hinted handoff) converges replicas.',
        zh: '写时修复（Hinted Handoff）使副本一致。',
      },
      sources: ['S4'],
      expected: 'qualified',
      remark: { en: 'Only while the hint survives.', zh: '只在暂存的提示没有丢失时。' },
      model: {
        asStated: [holds('repair', 'allBecomeEqual', { repair: 'hints' })],
        onlyIf: {
          says: { en: 'No hint is lost.', zh: '提示没有丢失。' },
          checks: [holds('repair', 'allBecomeEqual', { repair: 'hints', hintLosses: 0 })],
        },
      },
      recorded: ['cluster'],
    },
    {
      id: 'B6',
      says: {
        en: 'Asynchronous repair (anti-entropy) converges replicas.',
        zh: '异步修复（定时对账）使副本一致。',
      },
      sources: ['S4'],
      expected: 'holds',
      model: { asStated: [holds('repair', 'allBecomeEqual', { repair: 'gossip' })] },
      recorded: ['cluster'],
    },
  ],
};
