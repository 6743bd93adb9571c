// One real Snakemake run, followed through all views: retried, failed, waiting and added jobs.

import { expect, isMarked, mark, row, test, visit } from '../fixtures';

test('a real run is followed through graph, matrix and timeline to what failed', async ({ page, lab, doing }) => {
  const workspace = doing.workspace('everything');
  await doing.run('so that there is a list');
  await visit(page, '/runs');
  await mark(page);
  const snakemake = workspace.snakemake('everything', '--cores', '2', '--keep-going');
  // All jobs except the held one and the one that waits for it.
  await expect.poll(async () => (await lab.runs('everything'))[0]?.jobs.success, { timeout: 45_000 }).toBe(15);

  await row(page, 'everything').getByRole('link', { name: 'everything' }).click();
  const node = (rule: string) => page.getByRole('group', { name: /^Rule graph/ }).getByRole('link', { name: new RegExp(`^${rule},`) });
  await expect(node('risky')).toHaveAccessibleName('risky, Running, 2 of 3 jobs done, 0 failed');
  // The graph was reported before the checkpoint added this rule.
  await expect(node('part')).toHaveAccessibleName('part, Done, 3 of 3 jobs done, 0 failed');
  await expect(page.getByRole('navigation', { name: 'Rules' }).getByRole('link', { name: /^part/ })).toHaveText(/3$/);
  await expect(node('call')).toHaveAccessibleName('call, Waiting, 2 of 3 jobs done, 0 failed');

  await page.getByRole('link', { name: 'Matrix' }).click();
  const matrix = page.getByRole('region', { name: 'Matrix' });
  await expect(matrix.getByRole('link', { name: /^c, risky: Running/ })).toBeVisible();
  await expect(matrix.getByRole('link', { name: /^b, flaky: Done/ })).toBeVisible();
  await page.getByRole('navigation', { name: 'Views of the run' }).getByRole('link', { name: 'Timeline' }).click();
  const timeline = page.getByRole('region', { name: /^Timeline of/ });
  await expect(timeline.getByRole('button', { name: /risky/ })).toContainText('3 jobs · 1 running');
  await page.getByRole('link', { name: 'As table' }).click();
  await expect(page.getByRole('row', { name: /^flaky 4 0 / }), 'four attempts of three jobs').toBeVisible();

  workspace.write('release', '');
  await snakemake.done(1);

  const card = page.getByRole('region', { name: 'What went wrong' });
  await expect(card.getByRole('heading')).toHaveText('risky failed');
  await expect(card).toContainText('sample=c');
  await expect(card.getByRole('region', { name: 'End of the log' })).toHaveText('looking at c\nno such reference');
  await expect(node('risky')).toHaveAttribute('data-status', 'failed');
  await page.getByRole('navigation', { name: 'Views of the run' }).getByRole('link', { name: 'Files' }).click();
  await expect(page.getByRole('row', { name: /flaky\/.*risky.*risky\// })).toBeVisible();
  await page.getByRole('navigation', { name: 'Views of the run' }).getByRole('link', { name: 'Code' }).click();
  await expect(page.getByRole('region', { name: /^Code of .*Snakefile$/ })).toContainText('checkpoint split:');
  await card.getByRole('link', { name: 'Open job' }).click();
  const job = page.getByRole('complementary', { name: 'risky' });
  await expect(job).toContainText('exit 3');
  await expect(job.getByRole('region', { name: 'End of the log' })).toHaveText('looking at c\nno such reference');
  await job.getByText('job_error', { exact: true }).click();
  await expect(job.getByRole('listitem').filter({ hasText: 'job_error' }).locator('pre')).toBeVisible();
  expect(await isMarked(page), 'the page was never loaded again').toBe(true);
});
