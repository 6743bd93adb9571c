// The demo lab, from the button that loads it.

import { expect, isMarked, mark, rows, test, visit } from '../fixtures';

test('the demo lab fills the list from the first-run card', async ({ page, lab }) => {
  test.setTimeout(180_000);
  await visit(page, '/runs');
  await mark(page);

  await page.getByRole('button', { name: 'Load the demo lab' }).click();

  await expect(rows(page).first()).toBeVisible({ timeout: 30_000 });
  const tiles = page.getByRole('navigation', { name: 'Runs by status' }).locator('b');
  const sum = async () => (await tiles.allTextContents()).reduce((total, text) => total + Number(text.replace(/\D/g, '')), 0);
  await expect.poll(sum, { timeout: 120_000, message: 'runs counted by the tiles' }).toBeGreaterThanOrEqual(200);
  expect(await isMarked(page), 'the page was not loaded again').toBe(true);
  const { total } = await lab.read<{ total: number }>('/runs?limit=1');
  expect(total).toBeGreaterThanOrEqual(200);
});
