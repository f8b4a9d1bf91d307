/** How two Stats differ, in words. */
import type { NodeStat } from '../models/plain-tree.ts';
import { hex } from './sessions.ts';

const fields = [
  'czxid',
  'mzxid',
  'pzxid',
  'version',
  'cversion',
  'aversion',
  'ephemeralOwner',
  'dataLength',
  'numChildren',
] as const;
const zxidFields: ReadonlySet<string> = new Set(['czxid', 'mzxid', 'pzxid']);

/** `version is 3, should be 4`. */
export function statDifference(told: NodeStat, model: NodeStat): string | undefined {
  for (const field of fields) {
    const [is, should] = [told[field], model[field]];
    if (is === should) continue;
    const show = (value: number | string): string =>
      typeof value === 'number' && zxidFields.has(field) ? hex(value) : String(value || 'none');
    return `${field} is ${show(is)}, should be ${show(should)}`;
  }
  return undefined;
}

/** The same of the fields that children do not touch. */
export function nodeDifference(told: NodeStat, model: NodeStat): string | undefined {
  const { pzxid, cversion, numChildren } = model;
  return statDifference({ ...told, pzxid, cversion, numChildren }, model);
}
