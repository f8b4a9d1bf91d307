/** Claims about distributed ids, and about operating an ensemble and what stands beside it. */
import type { Chapter } from '../claim.ts';

export const idsChapter: Chapter = {
  title: { en: 'Distributed ids', zh: '分布式 ID' },
  claims: [
    {
      id: 'I1',
      says: {
        en: 'Database auto-increment, database segments, Redis INCR, UUID (v1, v4, v7), snowflake and ZooKeeper sequences give globally unique ids.',
        zh: '数据库自增、号段、Redis 自增、UUID（v1、v4、v7）、雪花算法和 ZooKeeper 顺序节点给出全局唯一的 ID。',
      },
      sources: ['S4'],
      expected: 'qualified',
      remark: {
        en: 'Per scheme: ids from clocks break when the clock goes back, a Redis failover may repeat.',
        zh: '因方案而异：依赖时钟的 ID 在时钟回拨时会重复，Redis 主从切换可能重复。',
      },
      recorded: ['sim'],
    },
    {
      id: 'I2',
      says: {
        en: 'Segments cost one store access per block, auto-increment one per id.',
        zh: '号段模式每段访问一次数据库，自增模式每个 ID 访问一次。',
      },
      sources: ['S4'],
      expected: 'holds',
      recorded: ['measure'],
    },
    {
      id: 'I3',
      says: { en: 'UUIDs are unordered.', zh: 'UUID 是无序的。' },
      sources: ['S4'],
      expected: 'qualified',
      remark: { en: 'Versions 1 and 4 are, version 7 is ordered.', zh: 'v1、v4 无序，v7 有序。' },
      recorded: ['sim'],
    },
  ],
};

export const operationChapter: Chapter = {
  title: { en: 'Operating it', zh: '运维与网关' },
  claims: [
    {
      id: 'O1',
      says: {
        en: 'Scripts start, stop and show the state of one server or of all.',
        zh: '用脚本启动、停止一台或全部服务器，并查看状态。',
      },
      sources: ['S1'],
      expected: 'holds',
      recorded: ['cluster'],
    },
    {
      id: 'O2',
      says: {
        en: 'A shell client connects and runs the basic commands.',
        zh: '命令行客户端可以连接并执行基本命令。',
      },
      sources: ['S1', 'S2'],
      expected: 'holds',
      recorded: ['cluster'],
    },
    {
      id: 'O3',
      says: {
        en: 'A gateway applies request forwarding, authentication, rate limits, load balancing and logging in one place.',
        zh: '网关统一提供请求转发、安全认证、流量控制、负载均衡和日志。',
      },
      sources: ['S4'],
      expected: 'holds',
      recorded: ['cluster'],
    },
  ],
};
