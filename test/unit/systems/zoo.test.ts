import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { applyPatches, projectRoot } from '../../../src/harness/bundle.ts';
import { faultKinds, HarnessError } from '../../../src/harness/index.ts';
import { parseZooEntry, patchesOf, readZoo, zooEntries } from '../../../src/systems/zoo.ts';
import { workloads } from '../../../workloads/index.ts';

const zoo = readZoo();

describe('zoo', () => {
  it('has the three canaries', () => {
    const canaries = [...zoo.values()].filter(({ isCanary }) => isCanary).map(({ id }) => id);
    expect(canaries).toEqual(
      expect.arrayContaining(['ack-before-flush', 'half-is-enough', 'lock-ignores-predecessor']),
    );
  });

  it.each([...zoo.values()])('$id fits the sources as they are', (entry) => {
    const source = readFileSync(join(projectRoot, entry.file), 'utf8');
    expect(applyPatches(source, patchesOf([entry]))).not.toBe(source);
    expect([...workloads.keys()]).toContain(entry.run.workload);
    for (const name of [...entry.run.nemesis, ...(entry.run.processNemesis ?? [])]) {
      expect([...faultKinds.keys()]).toContain(name);
    }
  });

  it('refuses a text that is missing or stands there twice', () => {
    const [entry] = zooEntries(['half-is-enough'], zoo);
    const patches = patchesOf([entry as NonNullable<typeof entry>]);
    const { find } = patches[0] as (typeof patches)[number];
    expect(() => applyPatches('nothing here', patches)).toThrow('is not in');
    expect(() => applyPatches(`${find}\n${find}`, patches)).toThrow('more than once');
  });

  it('refuses files that are no entries, and names nobody has', () => {
    expect(() => parseZooEntry('{"id": "a"}', 'a.json')).toThrow(HarnessError);
    expect(() => parseZooEntry('{', 'a.json')).toThrow('is not JSON');
    expect(() => zooEntries(['nobody'], zoo)).toThrow('no zoo entry is called nobody');
  });
});
