/** Claims about znodes, sessions, watches and access control. */
import { breaks, holds } from '../checks.ts';
import type { Chapter } from '../claim.ts';

export const dataModelChapter: Chapter = {
  title: {
    en: 'Data model, sessions, watches, security',
    zh: '数据模型、会话、监听器、权限控制',
  },
  claims: [
    {
      id: 'D1',
      says: {
        en: 'A tree of znodes, each at one unique path, each may hold data and children.',
        zh: '数据是一棵树，每个 znode 有唯一的路径，可以有数据和子节点。',
      },
      sources: ['S0', 'S2', 'S4'],
      expected: 'holds',
      model: { asStated: [holds('znode-tree', 'everyParentExists')] },
      recorded: ['sim'],
    },
    {
      id: 'D2',
      says: { en: 'A znode holds at most 1 MB.', zh: '每个 znode 最多存储 1 MB 的数据。' },
      sources: ['S2', 'S4'],
      expected: 'qualified',
      remark: {
        en: 'The default limit, and it is on the packet (0xfffff bytes).',
        zh: '这是默认上限，而且限制的是整个请求包（0xfffff 字节）。',
      },
      recorded: ['cluster'],
    },
    {
      id: 'D3',
      says: {
        en: 'Persistent nodes outlive their client, even a crash of the whole ensemble.',
        zh: '持久节点在客户端断开之后不删除，即使整个集群宕机也还在。',
      },
      sources: ['S0', 'S2', 'S4'],
      expected: 'holds',
      recorded: ['cluster'],
    },
    {
      id: 'D4',
      says: {
        en: 'An ephemeral node disappears when its client disconnects.',
        zh: '客户端和服务端断开连接后，它创建的临时节点自动删除。',
      },
      sources: ['S0', 'S2', 'S4'],
      expected: 'qualified',
      remark: {
        en: 'With its session, not with the connection.',
        zh: '随会话消失，而不是随连接断开消失。',
      },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'D5',
      says: { en: 'An ephemeral node has no children.', zh: '临时节点不能有子节点。' },
      sources: ['S4'],
      expected: 'holds',
      model: { asStated: [holds('znode-tree', 'ephemeralsHaveNoChildren')] },
      recorded: ['sim'],
    },
    {
      id: 'D6',
      says: {
        en: 'Sequential names are unique and ordered, ten digits.',
        zh: '顺序节点的名称唯一、有序，序号有十位。',
      },
      sources: ['S4'],
      expected: 'qualified',
      remark: {
        en: 'Per parent, until it is deleted and created again or the signed 32-bit counter overflows.',
        zh: '以父节点为范围，直到父节点删除后重建，或有符号 32 位计数器溢出。',
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
      recorded: ['sim'],
    },
    {
      id: 'D7',
      says: {
        en: 'Stat carries dataVersion, cversion and aclVersion; conditional writes use them.',
        zh: 'Stat 中有 dataVersion、cversion、aclVersion 三个版本，条件更新使用它们。',
      },
      sources: ['S4'],
      expected: 'holds',
      recorded: ['sim'],
    },
    {
      id: 'D8',
      says: {
        en: 'CREATE and DELETE permissions are about children; READ, WRITE and ADMIN about the node.',
        zh: 'CREATE 和 DELETE 是针对子节点的权限；READ、WRITE、ADMIN 针对节点本身。',
      },
      sources: ['S4'],
      expected: 'holds',
      recorded: ['sim'],
    },
    {
      id: 'D9',
      says: {
        en: 'There are the schemes world, auth, digest and ip.',
        zh: '身份认证有 world、auth、digest、ip 几种方式。',
      },
      sources: ['S4'],
      expected: 'holds',
      recorded: ['cluster'],
    },
    {
      id: 'D10',
      says: {
        en: 'Watches on data and on children fire, once, whenever something changes.',
        zh: '监听数据变化和子节点增减，变化时通知，一次性。',
      },
      sources: ['S0', 'S2', 'S4'],
      expected: 'qualified',
      remark: {
        en: 'A change and its reversal while disconnected may go unseen.',
        zh: '断开期间的变化如果又变了回去，可能看不到。',
      },
      model: {
        asStated: [holds('group-membership', 'everyMembershipIsSeen')],
        onlyIf: {
          says: { en: 'The last state is always seen.', zh: '最后的状态一定会看到。' },
          checks: [
            holds('group-membership', 'theLastMembershipIsSeen'),
            holds('znode-tree', 'aChangeFiresItsWatchesAndTheyAreGone'),
          ],
        },
      },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'D11',
      says: {
        en: "A watcher learns of a change before it can see the change's effect.",
        zh: '监听者先得到变化的通知，然后才能看到变化的结果。',
      },
      sources: [],
      expected: 'holds',
      model: { asStated: [holds('znode-tree', 'aWatcherIsToldBeforeItSees')] },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'D12',
      says: {
        en: 'Reconnecting to any server within the timeout keeps the session and its ephemerals.',
        zh: '在超时之内重新连接上任意一台服务器，会话和它的临时节点仍然有效。',
      },
      sources: ['S4'],
      expected: 'qualified',
      remark: {
        en: 'To a server in the quorum that is not behind what the client has seen.',
        zh: '那台服务器要在过半集合里，而且不落后于客户端已经看到的数据。',
      },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'D13',
      says: {
        en: 'Session ids are unique whichever server hands them out.',
        zh: '无论由哪台服务器分配，sessionID 都全局唯一。',
      },
      sources: ['S4'],
      expected: 'holds',
      remark: {
        en: 'With an id rule that does not rest on the clock alone; a clock-based seed alone repeats ids.',
        zh: '编号规则不能只依赖时钟；只以时钟为种子会重复。',
      },
      recorded: ['sim', 'cluster'],
    },
    {
      id: 'D14',
      says: {
        en: 'A watcher is told whenever data changes, so each server follows a configuration change.',
        zh: '配置一旦变化，每台服务器都会收到通知并同步。',
      },
      sources: ['S0', 'S3', 'S4'],
      expected: 'qualified',
      remark: {
        en: 'One-shot watches may coalesce changes; the last state is always seen.',
        zh: '一次性的监听可能把几次变化合成一次，但最后的状态一定会看到。',
      },
      model: {
        asStated: [holds('group-membership', 'everyMembershipIsSeen')],
        onlyIf: {
          says: { en: 'The last state is always seen.', zh: '最后的状态一定会看到。' },
          checks: [
            holds('group-membership', 'theLastMembershipIsSeen'),
            holds('znode-tree', 'aChangeFiresItsWatchesAndTheyAreGone'),
          ],
        },
      },
      recorded: ['sim', 'cluster'],
    },
  ],
};
