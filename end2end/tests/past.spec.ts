// A run at moments of its past: by slider, from change to change, and by URL.

import type { Page } from '@playwright/test';
import { type Doing, expect, isMarked, mark, test, visit } from '../fixtures';

const bar = (page: Page) => page.getByRole('region', { name: 'Time travel' });
const counts = (page: Page) => page.getByRole('navigation', { name: 'Jobs by status' });
const jobs = (page: Page) => page.getByRole('region', { name: 'Jobs' }).locator('tr[data-row]');
const broken = (page: Page) => page.getByRole('region', { name: 'What went wrong' });
const pill = (page: Page) => page.locator('.run-head .pill');

/** One job finishes, then another fails, then the run ends. */
async function lived(doing: Doing) {
  const run = await doing.run('lived', { planned: { map: 2 }, graph: [['map', 'all']] });
  const first = await run.job('map', { sample: 'alpha' });
  await run.finish(first);
  const second = await run.job('map', { sample: 'beta' });
  await run.fail(second);
  await run.close();
  return run;
}

test('one goes back from change to change, and sees what stood there', async ({ page, doing }) => {
  const run = await lived(doing);
  await visit(page, run.path);
  await mark(page);
  await expect(pill(page)).toHaveText('Failed');
  await expect(broken(page)).toBeVisible();
  await page.getByRole('link', { name: 'Rewind' }).click();
  await expect(bar(page)).toContainText('State at');
  const back = bar(page).getByRole('link', { name: 'Previous change' });

  const states = async () => (await jobs(page).allInnerTexts()).map((text) => /Running|Done|Failed|Waiting/.exec(text)?.[0]).sort();
  const reached = (wanted: string[]) =>
    expect.poll(states, { timeout: 1_000 }).toEqual(wanted).then(
      () => true,
      () => false,
    );
  for (const wanted of [['Done', 'Running'], ['Done'], ['Running'], []]) {
    for (let step = 0; step < 10 && !(await reached(wanted)); step += 1) {
      const read = page.waitForResponse(/_fn\/jobs\/list/);
      await back.click();
      await (await read).finished();
    }
    expect(await states(), 'backwards').toEqual(wanted);
  }
  await expect(broken(page)).toHaveCount(0);
  await expect(pill(page)).toHaveText('Running');

  await bar(page).getByRole('link', { name: 'Back to now' }).click();
  await expect(bar(page)).toHaveCount(0);
  await expect(pill(page)).toHaveText('Failed');
  await expect(jobs(page)).toHaveCount(2);
  await expect(broken(page)).toBeVisible();
  expect(await isMarked(page), 'the page was not loaded again').toBe(true);
});

test('what happens now does not change what was, and is there on the way back', async ({ page, doing }) => {
  const run = await doing.run('goes on', { planned: { map: 3 } });
  const job = await run.job('map', { sample: 'alpha' });
  await visit(page, run.path);
  await page.getByRole('link', { name: 'Rewind' }).click();
  await expect(bar(page)).toBeVisible();
  const later = bar(page).getByRole('link', { name: 'Next change' });
  await expect(later).toHaveAttribute('aria-disabled', 'true');
  await run.finish(job);
  await run.job('map', { sample: 'beta' });
  // After a reload, the moment is unchanged.
  await page.reload();
  await expect(bar(page)).toBeVisible();
  await expect(jobs(page)).toHaveCount(1);
  await expect(jobs(page)).toContainText('Running');
  await expect(counts(page)).toHaveText(/1\s*running/);
  await later.click();
  await expect(jobs(page)).toContainText('Done');
  await bar(page).getByRole('link', { name: 'Back to now' }).click();
  await expect(jobs(page)).toHaveCount(2);
  const third = await run.job('map', { sample: 'gamma' });
  await expect(jobs(page), 'it is live again').toHaveCount(3);
  await run.finish(third);
  await expect(jobs(page).filter({ hasText: 'gamma' })).toContainText('Done');
});

test('the slider goes through a life by keys, and every view follows', async ({ page, doing }) => {
  const run = await lived(doing);
  await visit(page, `${run.path}?tab=history`);
  // A line of the history links to its moment.
  const line = page.getByRole('region', { name: 'History' }).getByRole('listitem').filter({ hasText: 'beta appeared' });
  await line.getByRole('link', { name: /ago|now/ }).click();
  await expect(bar(page)).toBeVisible();
  await expect(jobs(page)).toHaveCount(2);
  await expect(jobs(page).filter({ hasText: 'beta' })).toContainText('Running');

  await jobs(page).filter({ hasText: 'beta' }).getByRole('link').first().click();
  const drawer = page.getByRole('complementary', { name: 'map' });
  await expect(drawer).toContainText('Running');
  await page.keyboard.press('Escape');
  await page.getByRole('link', { name: 'Matrix' }).click();
  await expect(page.getByRole('region', { name: 'Matrix' }).getByRole('link', { name: /^beta, map: Running/ })).toBeVisible();
  await page.getByRole('navigation', { name: 'Views of the run' }).getByRole('link', { name: 'Timeline' }).click();
  await expect(page).toHaveURL(/at=\d+/);
  await page.getByRole('link', { name: 'As table' }).click();
  await expect(page.getByRole('row', { name: /map/ })).toBeVisible();

  const slider = page.getByRole('slider', { name: 'Moment' });
  await slider.focus();
  await page.keyboard.press('Home');
  await expect(page.getByText('No job has started yet')).toBeVisible();
  await expect(counts(page), 'nothing was planned yet').toBeEmpty();
  await page.keyboard.press('End');
  await expect(pill(page)).toHaveText('Failed');
  await expect(page.getByRole('row', { name: /map/ })).toContainText('1');
  await expect(slider).toBeFocused();
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false, expected: /preloaded using link preload but not used/ });

  test('a moment is an address, and so are its neighbours', async ({ page, doing }) => {
    const run = await lived(doing);
    await page.goto(run.path);
    await page.getByRole('link', { name: 'Rewind' }).click();
    await expect(bar(page)).toBeVisible();
    for (let step = 0; step < 30 && (await jobs(page).count()) > 1; step += 1) await bar(page).getByRole('link', { name: 'Previous change' }).click();
    await expect(jobs(page)).toHaveCount(1);
    await expect(jobs(page)).toContainText('alpha');
    await expect(jobs(page)).toContainText('Done');
    await expect(pill(page)).toHaveText('Running');
  });
});
