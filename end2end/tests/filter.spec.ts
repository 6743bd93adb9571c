// The filter, the order and the pages of the list: the URL determines what is shown.

import type { Page } from '@playwright/test';
import type { Lab } from '../lab';
import { chip, expect, names, row, rows, test, visit } from '../fixtures';

/** Creates four runs that differ in everything one can filter by; the newest is last. */
async function furnish(lab: Lab): Promise<void> {
  await lab.sql(`
    INSERT INTO workflow_runs (workflow_name, status, user_name, tags, directory, started_at) VALUES
      ('align liver',   'success', 'ana', '{qc}',               '/data/liver', now() - interval '4 hours'),
      ('align lung',    'failed',  'ben', '{qc,rna}',           '/data/lung',  now() - interval '3 hours'),
      ('call variants', 'failed',  'ana', '{"two words, both"}', '/data/calls', now() - interval '2 hours'),
      ('report',        'running', 'cem', '{}',                 '/data/all',   now() - interval '1 hour')`);
}

const ALL = ['report', 'call variants', 'align lung', 'align liver'];

async function expectNames(page: Page, wanted: string[]): Promise<void> {
  await expect.poll(() => names(page)).toEqual(wanted);
}

function box(page: Page) {
  return page.getByRole('textbox', { name: 'Filter runs' }).or(page.getByRole('combobox', { name: 'Filter runs' }));
}

function tile(page: Page, label: string) {
  return page.getByRole('navigation', { name: 'Runs by status' }).getByRole('link', { name: label });
}

test('what is typed filters, and reload, back and forward keep the view', async ({ page, lab }) => {
  await furnish(lab);
  await visit(page, '/runs');
  await expectNames(page, ALL);

  await box(page).fill('status:failed user:ana');
  await box(page).press('Enter');

  await expect(page).toHaveURL('/runs?q=status%3Afailed%20user%3Aana');
  await expectNames(page, ['call variants']);
  await expect(page.getByRole('search')).toContainText('1 run');
  await page.reload();
  await expectNames(page, ['call variants']);
  await expect(box(page)).toHaveValue('status:failed user:ana');
  await expect(chip(page)).toHaveText('live');
  await page.goBack();
  await expectNames(page, ALL);
  await expect(box(page)).toHaveValue('');
  await page.goForward();
  await expectNames(page, ['call variants']);
  await expect(box(page)).toHaveValue('status:failed user:ana');
});

test('a word of the filter is taken away by its chip', async ({ page, lab }) => {
  await furnish(lab);
  await visit(page, '/runs?q=status%3Afailed%20align');
  await expectNames(page, ['align lung']);

  await page.getByRole('link', { name: 'Remove status:failed' }).click();

  await expectNames(page, ['align lung', 'align liver']);
  await expect(page).toHaveURL('/runs?q=align');
});

test('a tile filters by its status and, pressed again, no more', async ({ page, lab }) => {
  await furnish(lab);
  await visit(page, '/runs');
  await expect(tile(page, 'Failed')).toHaveText(/^2\s*Failed$/);

  await tile(page, 'Failed').click();

  await expectNames(page, ['call variants', 'align lung']);
  await expect(page).toHaveURL('/runs?q=status%3Afailed');
  await expect(tile(page, 'Failed')).toHaveAttribute('aria-current', 'true');
  await tile(page, 'Failed').click();
  await expectNames(page, ALL);
  await expect(page).toHaveURL('/runs');
});

test('a tag and a user are links to what they mark', async ({ page, lab }) => {
  await furnish(lab);
  await visit(page, '/runs');

  await row(page, 'align lung').getByRole('link', { name: 'qc', exact: true }).click();

  await expectNames(page, ['align lung', 'align liver']);
  await visit(page, '/runs');
  await row(page, 'call variants').getByRole('link', { name: 'two words, both' }).click();
  await expectNames(page, ['call variants']);
  await visit(page, '/runs');
  await row(page, 'align liver').getByRole('link', { name: 'ana' }).click();
  await expectNames(page, ['call variants', 'align liver']);
});

test('a mistake is named, with what is allowed, and filters nothing', async ({ page, lab }) => {
  await furnish(lab);
  await visit(page, '/runs');

  await box(page).fill('colour:red user:ana');
  await box(page).press('Enter');

  const help = page.getByRole('alert');
  await expect(help).toContainText('colour:red is not understood. Allowed: status:, user:, tag:');
  await expect(box(page)).toHaveAttribute('aria-invalid', 'true');
  await expect(box(page)).toHaveAccessibleDescription(/colour:red is not understood/);
  await expect(box(page)).toHaveValue(/colour:red/);
  await expectNames(page, ['call variants', 'align liver']);
});

test('a filter that nothing passes says so, and leads back', async ({ page, lab }) => {
  await furnish(lab);
  await visit(page, '/runs?q=nowhere');
  await expect(page.getByRole('heading', { name: 'No run matches' })).toBeVisible();

  await page.getByRole('link', { name: 'all runs', exact: true }).click();

  await expectNames(page, ALL);
});

test('a filtered list takes new runs only if they pass', async ({ page, lab, doing }) => {
  await furnish(lab);
  await visit(page, '/runs?q=tag%3Aqc');
  await expectNames(page, ['align lung', 'align liver']);

  await doing.run('not for this list', { tags: ['rna'] });
  await doing.run('for this list', { tags: ['qc'] });

  await expectNames(page, ['for this list', 'align lung', 'align liver']);
  await expect(page.getByRole('search')).toContainText('3 runs');
});

test('a header sorts, again the other way round, and the address keeps the order', async ({ page, lab }) => {
  await furnish(lab);
  await visit(page, '/runs?q=-status%3Arunning');
  const name = page.getByRole('columnheader', { name: 'Name' });

  await name.getByRole('link').click();

  await expectNames(page, ['align liver', 'align lung', 'call variants']);
  await expect(name).toHaveAttribute('aria-sort', 'ascending');
  await name.getByRole('link').click();
  await expectNames(page, ['call variants', 'align lung', 'align liver']);
  await expect(name).toHaveAttribute('aria-sort', 'descending');
  await page.reload();
  await expectNames(page, ['call variants', 'align lung', 'align liver']);
  await expect(box(page)).toHaveValue('-status:running');
});

test('every column sorts', async ({ page, lab }) => {
  await furnish(lab);
  await visit(page, '/runs');
  for (const column of ['Status', 'Name', 'Progress', 'User', 'Source', 'Started', 'Duration', 'Directory']) {
    const header = page.getByRole('columnheader', { name: column });

    await header.getByRole('link').click();

    await expect(header).toHaveAttribute('aria-sort', /ascending|descending/);
    await expect(rows(page)).toHaveCount(4);
  }
});

test('the list goes on while one scrolls, each run once and in order', async ({ page, lab }) => {
  await lab.sql(`INSERT INTO workflow_runs (workflow_name, status, started_at)
                 SELECT 'run ' || n, 'success', now() - n * interval '1 hour' FROM generate_series(1, 120) n`);
  await visit(page, '/runs');
  await expect(rows(page)).toHaveCount(50);
  const pages = page.getByRole('navigation', { name: 'Pages' });
  await expect(pages).toContainText('50 shown');

  const list = page.getByRole('region', { name: 'Runs' });
  await list.hover();
  await expect(async () => {
    await page.mouse.wheel(0, 2000);
    await expect(pages).toContainText('120 shown', { timeout: 300 });
  }).toPass({ timeout: 20_000 });

  await expect(rows(page)).toHaveCount(120);
  expect(await names(page)).toEqual(Array.from({ length: 120 }, (_, at) => `run ${at + 1}`));
  await expect(pages.getByRole('link', { name: 'Next' })).toHaveCount(0);
});

test('a long list is windowed and keeps its rows in order', async ({ page, lab }) => {
  await lab.sql(`INSERT INTO workflow_runs (workflow_name, status, started_at)
                 SELECT 'run ' || n, 'success', now() - n * interval '1 minute' FROM generate_series(1, 400) n`);
  await visit(page, '/runs');
  const list = page.getByRole('region', { name: 'Runs' });
  await list.hover();
  const pages = page.getByRole('navigation', { name: 'Pages' });

  await expect(async () => {
    await page.mouse.wheel(0, 3000);
    await expect(pages).toContainText('400 shown', { timeout: 300 });
  }).toPass({ timeout: 30_000 });
  await expect(async () => {
    await page.mouse.wheel(0, 3000);
    await expect(row(page, 'run 400')).toBeVisible({ timeout: 300 });
  }).toPass({ timeout: 10_000 });

  const shown = await names(page);
  expect(shown.length).toBeLessThan(200);
  expect(shown).toEqual(Array.from({ length: shown.length }, (_, at) => `run ${400 - shown.length + 1 + at}`));
  await list.evaluate((element) => element.scrollTo(0, 0));
  await expect(row(page, 'run 1')).toBeVisible();
  expect((await names(page)).slice(0, 3)).toEqual(['run 1', 'run 2', 'run 3']);
});
