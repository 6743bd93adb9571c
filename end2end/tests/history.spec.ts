// The history of a run: what changed, from what to what, and by whom; live, and page by page.

import { expect, test, visit } from '../fixtures';

test('every change of a run is shown with its old and new values, while it happens', async ({ page, doing }) => {
  const run = await doing.run('remembered', { planned: { map: 2 } });
  const job = await run.job('map', { sample: 'alpha' });
  await visit(page, `${run.path}?tab=history`);
  const history = page.getByRole('region', { name: 'History' });
  const lines = history.getByRole('listitem');
  await expect(lines.filter({ hasText: 'The run appeared' })).toHaveCount(1);
  await expect(lines.filter({ hasText: 'map alpha' }).first()).toBeVisible();

  await run.finish(job);
  const ended = lines.filter({ hasText: 'map alpha changed' }).first();
  await expect(ended).toContainText(/status\s*running\s*became\s*→?\s*success/);

  await page.getByRole('link', { name: 'The run', exact: true }).click();
  await expect(page).toHaveURL(/as=run/);
  await expect(lines.filter({ hasText: 'map alpha' })).toHaveCount(0);
  await page.getByRole('link', { name: 'Jobs', exact: true }).last().click();
  await expect(page).toHaveURL(/as=jobs/);
  await lines.getByRole('link', { name: 'map alpha' }).first().click();
  await expect(page.getByRole('complementary', { name: 'map' })).toBeVisible();
});

test('who renamed a run stands in its history, and a reload shows the same', async ({ page, doing }) => {
  const run = await doing.run('before', { planned: { map: 1 } });
  await visit(page, run.path);
  await page.getByRole('button', { name: 'Edit name and tags' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('afterwards');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1 })).toContainText('afterwards');
  await visit(page, `${run.path}?tab=history&as=run`);
  const line = page.getByRole('region', { name: 'History' }).getByRole('listitem').first();
  await expect(line).toContainText(/The run changed by \S+/);
  await expect(line).toContainText(/before.*afterwards/s);
});

test('a long history is read page by page', async ({ page, doing }) => {
  const run = await doing.run('long', { planned: { map: 40 } });
  for (let n = 0; n < 40; n += 1) await run.finish(await run.job('map', { sample: `s${n}` }));
  await visit(page, `${run.path}?tab=history&as=jobs`);
  const history = page.getByRole('region', { name: 'History' });
  await expect(history.getByRole('listitem')).toHaveCount(100);
  await history.getByRole('link', { name: 'Earlier' }).click();
  await expect(page).toHaveURL(/after=\d+/);
  await expect(history.getByRole('listitem').last()).toContainText('appeared');
  await history.getByRole('link', { name: 'Newest' }).click();
  await expect(history.getByRole('listitem')).toHaveCount(100);
});
