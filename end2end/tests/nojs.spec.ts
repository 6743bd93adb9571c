// Without JavaScript: every page is readable, filters are forms, pages and states are links.

import type { Page } from '@playwright/test';
import { expect, names, row, rows, test, visit } from '../fixtures';

// Chromium itself logs that the preloaded WASM is not used.
test.use({ javaScriptEnabled: false, expected: /preloaded using link preload but not used/ });

/** The cells of all rows, except for times, which keep counting. */
async function cells(page: Page): Promise<string[][]> {
  const steady = 'td:is(.st-cell, .name-cell, .prog-cell, .user-cell, .src-cell, .dir-cell)';
  const lines = await rows(page).all();
  return Promise.all(lines.map(async (line) => (await line.locator(steady).allInnerTexts()).map((text) => text.replace(/\s+/g, ' ').trim())));
}

test('the table is the same as with JavaScript', async ({ page, lab, doing, browser, context }) => {
  const failed = await doing.run('failed one', { tags: ['qc'], planned: { call: 2 } });
  await failed.fail(await failed.job('call'));
  await failed.close();
  const running = await doing.run('running one', { planned: { map: 3 } });
  await running.finish(await running.job('map'));
  await running.job('map');
  const awake = await browser.newContext({ javaScriptEnabled: true });
  await awake.addCookies(await context.cookies());
  const other = await awake.newPage();

  await page.goto('/runs');
  await visit(other, '/runs');

  const plain = await cells(page);
  expect(plain.map((line) => line.slice(0, 3))).toEqual([
    ['Running', 'running one', '1 / 3'],
    ['Failed', 'failed one qc', '0 / 2'],
  ]);
  expect(await cells(other)).toEqual(plain);
  await awake.close();
});

test('the first-run card tells how to begin, for each client', async ({ page, lab }) => {
  await page.goto('/runs');
  await expect(page.getByText('pip install snakemake-logger-plugin-flowo')).toBeVisible();
  await expect(page.getByText(new URL(lab.url).host)).toBeVisible();

  await page.getByRole('link', { name: '5 to 8' }).click();

  await expect(page.getByText(`snakemake --wms-monitor ${lab.url}`)).toBeVisible();

  await page.getByRole('link', { name: 'Other' }).click();

  await expect(page.getByText('INSERT INTO workflow_runs')).toBeVisible();
});

test('the filter is a form, the tiles and headers are links', async ({ page, lab }) => {
  await lab.sql(`INSERT INTO workflow_runs (workflow_name, status, started_at) VALUES
    ('a', 'success', now() - interval '1 h'), ('b', 'failed', now() - interval '2 h'), ('c', 'failed', now() - interval '3 h')`);
  await page.goto('/runs?sort=name%3Adesc');
  expect(await names(page)).toEqual(['c', 'b', 'a']);

  await page.locator('input[name=q]').fill('status:failed');
  await page.locator('input[name=q]').press('Enter');

  await expect(page).toHaveURL(/\/runs\?q=status%3Afailed&sort=name/);
  expect(await names(page)).toEqual(['c', 'b']);
  await page.getByRole('columnheader', { name: 'Name' }).getByRole('link').click();
  expect(await names(page)).toEqual(['b', 'c']);
  await page.getByRole('navigation', { name: 'Runs by status' }).getByRole('link', { name: 'Done' }).click();
  expect(await names(page)).toEqual(['a']);
  await page.goto('/runs?q=colour%3Ared');
  await expect(page.getByRole('alert')).toContainText('colour:red is not understood');
});

test('pages of a long list are links, each run is on one of them', async ({ page, lab }) => {
  await lab.sql(`INSERT INTO workflow_runs (workflow_name, status, started_at)
                 SELECT 'run ' || n, 'success', now() - n * interval '1 hour' FROM generate_series(1, 120) n`);
  await page.goto('/runs');
  const pages = page.getByRole('navigation', { name: 'Pages' });
  const seen: string[] = [];

  for (const count of [50, 50, 20]) {
    await expect(rows(page)).toHaveCount(count);
    seen.push(...(await names(page)));
    if (seen.length < 120) await pages.getByRole('link', { name: 'Next' }).click();
  }

  expect(seen).toEqual(Array.from({ length: 120 }, (_, at) => `run ${at + 1}`));
  await expect(pages.getByRole('link', { name: 'Next' })).toHaveCount(0);
  await pages.getByRole('link', { name: 'First' }).click();
  await expect(row(page, 'run 1')).toBeVisible();
});

test('a run is readable: state, counts, failure, jobs, and its filters are links', async ({ page, doing }) => {
  const run = await doing.run('readable', { tags: ['qc'], planned: { map: 2, call: 1 } });
  await run.finish(await run.job('map', { sample: 'alpha' }));
  await run.fail(await run.job('call', { sample: 'beta' }), 'CalledProcessError');
  await run.close();
  await page.goto('/runs');

  await page.getByRole('link', { name: 'readable' }).click();

  await expect(page.getByRole('heading', { level: 1 })).toHaveText('readable');
  await expect(page.locator('.run-head .pill')).toHaveText('Failed');
  await expect(page.getByRole('region', { name: 'What went wrong' })).toContainText('CalledProcessError');
  const jobs = page.getByRole('region', { name: 'Jobs' }).locator('tr[data-row]');
  await expect(jobs).toHaveCount(2);
  await expect(jobs.filter({ hasText: 'sample=alpha' })).toContainText('Done');
  await page.getByRole('navigation', { name: 'Jobs by status' }).getByRole('link', { name: 'failed' }).click();
  await expect(jobs).toHaveCount(1);
  await expect(jobs).toContainText('sample=beta');
  await page.goBack();
  await page.getByRole('navigation', { name: 'Rules' }).getByRole('link', { name: 'map' }).click();
  await expect(jobs).toHaveCount(1);
  await expect(page.getByRole('columnheader', { name: 'sample' })).toBeVisible();
  await expect(jobs).toContainText('alpha');
});

test('the theme that was chosen is in the HTML', async ({ page, context, lab }) => {
  await context.addCookies([{ name: 'flowo_theme', value: 'dark', url: lab.url }]);

  await page.goto('/runs');

  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
});
