// The matrix of samples and rules: failed samples first, cells that link to jobs and follow them.

import type { Page } from '@playwright/test';
import { expect, test, visit } from '../fixtures';

const cell = (page: Page, name: RegExp) => page.getByRole('region', { name: 'Matrix' }).getByRole('link', { name });
const samples = (page: Page) => page.getByRole('region', { name: 'Matrix' }).getByRole('rowheader').allTextContents();

test('a cell leads to its job, a column to its rule, and rows have an order', async ({ page, doing }) => {
  const run = await doing.run('cohort', {
    planned: { map: 12, call: 12 },
    graph: [
      ['map', 'call'],
      ['call', 'all'],
    ],
  });
  for (const sample of ['S10', 'S2', 'S1']) await run.finish(await run.job('map', { sample }));
  for (const unit of ['1', '2']) await run.finish(await run.job('call', { sample: 'S1', unit }));
  await run.fail(await run.job('call', { sample: 'S10', unit: '1' }));
  await run.close();
  await visit(page, run.path);

  await page.getByRole('link', { name: 'Matrix' }).click();
  await expect(cell(page, /^S10, call: Failed/)).toBeVisible();
  expect(await samples(page)).toEqual(['S10', 'S1', 'S2']);
  const heads = await page.getByRole('region', { name: 'Matrix' }).getByRole('columnheader').allTextContents();
  expect(heads.map((head) => head.trim())).toEqual(['sample', 'map', 'call', 'Time in jobs']);
  await page.getByRole('link', { name: 'Name', exact: true }).click();
  await expect.poll(() => samples(page)).toEqual(['S1', 'S2', 'S10']);

  await cell(page, /^S10, call: Failed/).click();
  await expect(page.getByRole('complementary', { name: 'call' })).toContainText('S10');
  await page.reload();
  await expect(cell(page, /^S10, call: Failed/)).toHaveAttribute('aria-current', 'true');
  await cell(page, /^S1, call: Done.*2 jobs/).click();
  await expect(page).toHaveURL(/rule=call&find=S1$/);

  await page.goto(`${run.path}?as=matrix&by=unit`);
  await expect(cell(page, /^2, call: Done/)).toBeVisible();
  await page.getByRole('searchbox', { name: 'Find jobs by a wildcard' }).fill('1');
  await page.getByRole('searchbox', { name: 'Find jobs by a wildcard' }).press('Enter');
  await expect.poll(() => samples(page)).toEqual(['1']);
});

test('a job that ends changes its cell, the time of its row, and nothing else of the matrix', async ({ page, doing }) => {
  const run = await doing.run('live', { planned: { map: 2 } });
  const [one] = [await run.job('map', { sample: 'alpha' }), await run.job('map', { sample: 'beta' })];
  await visit(page, `${run.path}?as=matrix`);
  await expect(cell(page, /^alpha, map: Running/)).toBeVisible();
  await page.evaluate(() => {
    const seen: string[] = [];
    const name = (node: Node) => {
      const cell = (node instanceof Element ? node : node.parentElement)?.closest('td, th');
      const row = cell?.matches('.took') && cell.parentElement?.querySelector('th')?.textContent;
      return cell?.querySelector('a')?.getAttribute('aria-label')?.split(':')[0] ?? (row ? `time of ${row}` : node.nodeName);
    };
    new MutationObserver((changes) => seen.push(...changes.map((change) => name(change.target)))).observe(document.querySelector('table.matrix')!, {
      subtree: true,
      childList: true,
      characterData: true,
      attributes: true,
    });
    Object.assign(window, { seen });
  });

  await run.finish(one);

  await expect(cell(page, /^alpha, map: Done/)).toHaveAttribute('data-status', 'success');
  const seen = await page.evaluate(() => [...new Set((window as unknown as { seen: string[] }).seen)]);
  expect(seen.sort()).toEqual(['alpha, map', 'time of alpha']);
});

test('a rule of the graph is the only column, and the address holds it', async ({ page, doing }) => {
  const run = await doing.run('filtered', { planned: { map: 1, call: 1 }, graph: [['map', 'call']] });
  await run.finish(await run.job('map', { sample: 'alpha' }));
  await run.job('call', { sample: 'alpha' });
  await visit(page, `${run.path}?as=matrix`);
  const heads = page.getByRole('region', { name: 'Matrix' }).getByRole('columnheader');
  await expect(heads).toHaveText(['sample', 'map', 'call', 'Time in jobs']);

  await page.getByRole('group', { name: /^Rule graph/ }).getByRole('link', { name: /^map,/ }).click();

  await expect(heads).toHaveText(['sample', 'map', 'Time in jobs']);
  await page.reload();
  await expect(heads).toHaveText(['sample', 'map', 'Time in jobs']);
  await page.goBack();
  await expect(heads).toHaveText(['sample', 'map', 'call', 'Time in jobs']);
});

test('new samples, rules and second jobs come into the matrix that is there', async ({ page, doing }) => {
  const run = await doing.run('grows', { planned: { map: 2 } });
  const first = await run.job('map', { sample: 'alpha', unit: '1' });
  await visit(page, `${run.path}?as=matrix`);
  await expect(cell(page, /^alpha, map: Running/)).toBeVisible();
  await page.locator('table.matrix').evaluate((table) => Object.assign(table, { known: true }));

  await run.job('call', { sample: 'gamma', unit: '1' });
  await expect(cell(page, /^gamma, call: Running/)).toBeVisible();
  await run.finish(first);
  await run.fail(await run.job('map', { sample: 'alpha', unit: '2' }));
  await expect(cell(page, /^alpha, map: Failed.*2 jobs/)).toBeVisible();
  expect(await samples(page)).toEqual(['alpha', 'gamma']);
  await run.finish(await run.job('call', { sample: 'alpha', unit: '1' }));
  await expect(cell(page, /^alpha, call: Done/)).toBeVisible();

  expect(await page.locator('table.matrix').evaluate((table) => 'known' in table), 'it is the same table').toBe(true);
});
