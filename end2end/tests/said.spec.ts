// Messages and errors that clients reported, over all runs; and what a real run's log adds to its reports.

import { expect, test, visit } from '../fixtures';

test('messages and errors of all runs are found, and lead to their jobs', async ({ page, doing }) => {
  const one = await doing.run('first', { planned: { map: 1 } });
  await one.fail(await one.job('map', { sample: 'alpha' }), 'RuleException');
  const other = await doing.run('second', { planned: { call: 1 } });
  await other.fail(await other.job('call', { sample: 'beta' }), 'WorkflowError');
  await visit(page, '/runs');
  await page.keyboard.press('g');
  await page.keyboard.press('l');
  const said = page.getByRole('region', { name: 'Messages and errors' });
  await expect(said.getByRole('listitem')).toHaveCount(4);
  await page.getByRole('searchbox', { name: 'Find in all runs' }).fill('of CALL failed');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/logs\?q=of%20CALL%20failed|\/logs\?q=of\+CALL\+failed/);
  await expect(said.getByRole('listitem')).toHaveCount(1);
  await expect(said.locator('mark')).toHaveText('of call failed');
  await page.reload();
  await expect(said.getByRole('listitem')).toHaveCount(1);
  await said.getByRole('link', { name: 'call' }).click();
  await expect(page).toHaveURL(new RegExp(`${other.path}\\?job=`));
  await expect(page.getByRole('complementary', { name: 'call' })).toBeVisible();

  await page.goto('/logs?q=nobody+said+this');
  await expect(page.getByText('No message contains these words.')).toBeVisible();
});

test('the log of a real run tells its command, versions, exit status and error', async ({ page, lab, doing }) => {
  const workspace = doing.workspace('failing');
  await doing.run('so that there is a list');
  const snakemake = workspace.snakemake('explained by its log');
  await snakemake.done(1);
  await expect.poll(async () => (await lab.runs('explained by its log'))[0]?.status).toBe('failed');
  const run = (await lab.runs('explained by its log'))[0];
  await expect
    .poll(
      async () => {
        await visit(page, `/runs/${run.id}?tab=info`);
        return page.getByRole('region', { name: 'Info' }).textContent();
      },
      { timeout: 30_000 },
    )
    .toMatch(/Command line.*snakemake.*--logger flowo.*Snakemake9\.27\.1/s);
  await page.goto('/logs?level=error&q=non-zero+exit+status');
  const said = page.getByRole('region', { name: 'Messages and errors' });
  await expect(said.getByRole('listitem').first()).toContainText('CalledProcessError');
  await said.getByRole('listitem').first().getByRole('link').nth(1).click();
  await expect(page.getByRole('complementary')).toContainText(/Exit status\s*\d+/);
});
