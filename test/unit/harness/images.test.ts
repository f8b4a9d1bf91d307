/** Removing images of ours, also those that lost their tag to one built at the same time. */
import type Docker from 'dockerode';
import { expect, test } from 'vitest';
import { removeImages } from '../../../src/harness/world/container/docker.ts';

const images = [
  { Id: 'sha256:a', Created: 1, RepoTags: ['<none>:<none>'] },
  { Id: 'sha256:b', Created: 3, RepoTags: ['umpire-server:1', 'umpire-server:2'] },
  { Id: 'sha256:c', Created: 2, RepoTags: null },
];

function engine(): { readonly docker: Docker; readonly gone: string[] } {
  const gone: string[] = [];
  const docker = {
    listImages: () => Promise.resolve([...images]),
    getImage: (name: string) => ({
      remove: () => {
        // What an engine answers for a name that is none.
        if (name.includes('<')) return Promise.reject(new Error('invalid reference format'));
        gone.push(name);
        return Promise.resolve();
      },
    }),
  };
  return { docker: docker as unknown as Docker, gone };
}

test('the newest first, by tag or else by id', async () => {
  const { docker, gone } = engine();
  const removed = await removeImages(docker, { isDry: false });
  expect(removed).toEqual(['umpire-server:1', 'umpire-server:2', 'sha256:c', 'sha256:a']);
  expect(gone).toEqual(removed);
});

test('but those that are kept, and none when dry', async () => {
  const { docker, gone } = engine();
  const keep = (name: string, createdMs: number): boolean =>
    name === 'umpire-server:1' || createdMs < 2000;
  expect(await removeImages(docker, { isDry: true, keep })).toEqual([
    'umpire-server:2',
    'sha256:c',
  ]);
  expect(gone).toEqual([]);
});
