// Runs of Panoptes clients: as live as all others, with everything that these clients report and a note on what they do not.

import { expect, row, test, visit } from '../fixtures';

test('a run of a client of Panoptes is followed live and looked into', async ({ page, lab, doing }) => {
  await doing.run('so that there is a list');
  await visit(page, '/runs');
  const workspace = doing.workspace('held');
  const snakemake = workspace.withPanoptes('reported by Panoptes');
  await expect(row(page, 'reported by Panoptes').getByRole('cell', { name: 'Running' })).toBeVisible({ timeout: 60_000 });
  workspace.write('release', '');
  await snakemake.done();
  await expect(row(page, 'reported by Panoptes').getByRole('cell', { name: 'Done' })).toBeVisible();

  await row(page, 'reported by Panoptes').getByRole('link', { name: 'reported by Panoptes' }).click();
  await page.getByRole('region', { name: 'Jobs' }).getByRole('link', { name: 'held' }).click();
  const drawer = page.getByRole('complementary');
  await expect(drawer).toContainText('touch held.started');
  await expect(drawer).toContainText('held.txt');

  // These clients send no graph: it is drawn from the files that jobs read and write.
  const graph = page.getByRole('group', { name: /^Rule graph/ });
  await expect(graph.getByRole('link', { name: /^quick,/ })).toBeVisible();
  await expect(graph.getByRole('link', { name: /^last,/ })).toBeVisible();

  const { id } = (await lab.runs('reported by Panoptes'))[0];
  await visit(page, `/runs/${id}?tab=info`);
  const info = page.getByRole('region', { name: 'Info' });
  await expect(info).toContainText('panoptes');
  await expect(info).toContainText(/Not sent by this client.*rule graph.*error texts/s);
});

test('a job that fails says so on the page, and the same name is its next attempt', async ({ page, lab, doing }) => {
  const workspace = doing.workspace('failing');
  await workspace.withPanoptes('fails', '--keep-going').done(1);
  await expect.poll(async () => (await lab.runs('fails'))[0]?.status).toBe('failed');
  await workspace.withPanoptes('fails', '--keep-going').done(1);
  await expect.poll(async () => (await lab.runs('fails')).map((run) => [run.attempt, run.status]).sort()).toEqual([
    [1, 'failed'],
    [2, 'failed'],
  ]);
  const newest = (await lab.runs('fails')).find((run) => run.attempt === 2);
  await visit(page, `/runs/${newest?.id}`);
  await expect(page.getByRole('heading', { name: /fails/ })).toBeVisible();
  await expect(page.getByText('Failed').first()).toBeVisible();
});
