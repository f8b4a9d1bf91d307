import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ZooKeeper } from '../../../src/client/index.ts';
import { createServer } from '../../../src/server/index.ts';

test('an embedded server serves a client, and a second life finds what was written', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'umpire-embedded-'));
  const first = await createServer({ dataDir, tickTimeMs: 200 });
  const writer = await ZooKeeper.connect(first.connectString);
  await writer.create('/kept', new Uint8Array([1, 2, 3]));
  await writer.close();
  await first.close();
  expect(readdirSync(join(dataDir, 'version-2')).some((name) => name.startsWith('log.'))).toBe(
    true,
  );

  const second = await createServer({ dataDir, tickTimeMs: 200 });
  const reader = await ZooKeeper.connect(second.connectString);
  expect((await reader.getData('/kept')).data).toEqual(new Uint8Array([1, 2, 3]));
  await reader.close();
  await second.close();
  await second.close();
  rmSync(dataDir, { recursive: true });
});

test('a port in use is an error, not a hang', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'umpire-embedded-'));
  const first = await createServer({ dataDir: join(dataDir, 'a'), tickTimeMs: 200 });
  const second = createServer({ dataDir: join(dataDir, 'b'), port: first.port });
  await expect(second).rejects.toThrow(/EADDRINUSE/);
  await first.close();
  rmSync(dataDir, { recursive: true });
});
