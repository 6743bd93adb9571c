// Deleting runs: confirmed before, visible everywhere, undone within ten seconds.

import type { Page } from '@playwright/test';
import { expect, isMarked, mark, names, row, rows, test, visit } from '../fixtures';
import type { Lab } from '../lab';

async function furnish(lab: Lab, count: number): Promise<string[]> {
  await lab.sql(`INSERT INTO workflow_runs (workflow_name, status, started_at)
                 SELECT 'run ' || n, 'success', now() - n * interval '1 hour' FROM generate_series(1, ${count}) n`);
  return Array.from({ length: count }, (_, at) => `run ${at + 1}`);
}

async function remove(page: Page, name: string): Promise<void> {
  await row(page, name).hover();
  await row(page, name).getByRole('button', { name: `Delete ${name}` }).click();
}

function dialog(page: Page) {
  return page.getByRole('dialog', { name: /^Delete/ });
}

test('a run is deleted only after a question, which says that files stay', async ({ page, lab }) => {
  await furnish(lab, 3);
  await visit(page, '/runs');

  await remove(page, 'run 2');

  await expect(dialog(page)).toHaveAccessibleName('Delete “run 2”?');
  await expect(dialog(page)).toContainText('Files on disk stay untouched');
  await dialog(page).getByRole('button', { name: 'Keep' }).click();
  await expect(dialog(page)).toBeHidden();
  await remove(page, 'run 2');
  await page.keyboard.press('Escape');
  await expect(dialog(page)).toBeHidden();
  await expect(rows(page)).toHaveCount(3);
  expect(await lab.runs('run 2')).toHaveLength(1);
});

test('a deleted run is gone in every tab and comes back by undo', async ({ page, context, lab }) => {
  const all = await furnish(lab, 3);
  const second = await context.newPage();
  for (const tab of [page, second]) {
    await visit(tab, '/runs');
    await expect(rows(tab)).toHaveCount(3);
    await mark(tab);
  }

  await remove(page, 'run 2');
  await dialog(page).getByRole('button', { name: 'Delete' }).click();

  await expect(page.locator('.toast')).toContainText('“run 2” is deleted');
  for (const tab of [page, second]) {
    await expect.poll(() => names(tab)).toEqual(['run 1', 'run 3']);
  }
  expect(await lab.runs('run 2')).toEqual([]);
  await page.getByRole('button', { name: 'Undo' }).click();
  for (const tab of [page, second]) {
    await expect.poll(() => names(tab), `in the ${tab === page ? 'first' : 'second'} tab`).toEqual(all);
    expect(await isMarked(tab), 'the tab was not loaded again').toBe(true);
  }
  await expect(page.locator('.toast')).toHaveCount(0);
  expect(await lab.runs('run 2')).toHaveLength(1);
});

test('the newest run comes back by undo in every tab, too', async ({ page, context, lab }) => {
  const all = await furnish(lab, 3);
  const second = await context.newPage();
  for (const tab of [page, second]) await visit(tab, '/runs');

  await remove(page, 'run 1');
  await dialog(page).getByRole('button', { name: 'Delete' }).click();
  for (const tab of [page, second]) await expect.poll(() => names(tab)).toEqual(['run 2', 'run 3']);
  await page.getByRole('button', { name: 'Undo' }).click();

  for (const tab of [page, second]) await expect.poll(() => names(tab)).toEqual(all);
});

test('selected runs are deleted together and come back together', async ({ page, lab }) => {
  const all = await furnish(lab, 5);
  await visit(page, '/runs');
  for (const name of ['run 1', 'run 3', 'run 4']) await page.getByRole('checkbox', { name: `Select ${name}` }).check();
  const bar = page.getByRole('toolbar', { name: 'Selected runs' });
  await expect(bar).toContainText('3 selected');
  await expect(row(page, 'run 3')).toHaveAttribute('aria-selected', 'true');

  await bar.getByRole('button', { name: 'Delete' }).click();

  await expect(dialog(page)).toHaveAccessibleName('Delete 3 runs?');
  const doomed = await dialog(page).getByRole('listitem').allTextContents();
  expect(doomed.sort()).toEqual(['run 1', 'run 3', 'run 4']);
  await dialog(page).getByRole('button', { name: 'Delete' }).click();
  await expect.poll(() => names(page)).toEqual(['run 2', 'run 5']);
  await expect(bar).toHaveCount(0);
  await expect(page.locator('.toast')).toContainText('3 runs are deleted');
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect.poll(() => names(page)).toEqual(all);
});

test('the box in the header selects all that are shown', async ({ page, lab }) => {
  await furnish(lab, 4);
  await visit(page, '/runs');
  const bar = page.getByRole('toolbar', { name: 'Selected runs' });

  await page.getByRole('checkbox', { name: 'Select all shown' }).check();

  await expect(bar).toContainText('4 selected');
  await page.getByRole('checkbox', { name: 'Select run 2' }).uncheck();
  await expect(bar).toContainText('3 selected');
  await expect(page.getByRole('checkbox', { name: 'Select all shown' })).not.toBeChecked();
  await bar.getByRole('button', { name: 'Clear selection' }).click();
  await expect(bar).toHaveCount(0);
  await expect(page.getByRole('checkbox', { checked: true })).toHaveCount(0);
});

test('a run deleted on its own page leads back to the list, with an undo', async ({ page, context, lab, doing }) => {
  const run = await doing.run('on its own page');
  const second = await context.newPage();
  for (const tab of [page, second]) await visit(tab, run.path);

  await page.getByRole('button', { name: 'Delete' }).click();
  await dialog(page).getByRole('button', { name: 'Delete' }).click();

  await expect(page).toHaveURL('/runs');
  await expect(second.getByText('This run was deleted.')).toBeVisible();
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect.poll(() => lab.runs('on its own page')).toHaveLength(1);
  await expect(second.getByText('This run was deleted.')).toBeHidden();
  await expect(row(page, 'on its own page')).toBeVisible();
});
