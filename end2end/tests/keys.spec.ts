// The keyboard: everything has a key, and no key acts while somebody types.

import type { Page } from '@playwright/test';
import { chip, expect, names, row, rows, test, visit } from '../fixtures';
import type { Lab } from '../lab';

async function furnish(lab: Lab): Promise<void> {
  await lab.sql(`INSERT INTO workflow_runs (workflow_name, status, started_at) VALUES
    ('first', 'success', now() - interval '1 h'), ('second', 'failed', now() - interval '2 h'), ('third', 'success', now() - interval '3 h')`);
}

function filter(page: Page) {
  return page.locator('input[name=q]');
}

test('the palette jumps to a run', async ({ page, lab }) => {
  await furnish(lab);
  await visit(page, '/runs');

  await page.keyboard.press('Control+k');
  const palette = page.getByRole('dialog', { name: 'Search and commands' });
  await expect(palette).toBeVisible();
  await page.keyboard.type('seco');
  await expect(palette.getByRole('option', { selected: true })).toContainText('second');
  await page.keyboard.press('Enter');

  await expect(page.getByRole('heading', { level: 1 })).toHaveText('second');
  await expect(page).toHaveURL(/\/runs\/[0-9a-f-]{36}$/);
  await expect(palette).toBeHidden();
});

test('the palette filters, moves with the arrows, and runs commands', async ({ page, lab }) => {
  await furnish(lab);
  await visit(page, '/runs');
  const palette = page.getByRole('dialog', { name: 'Search and commands' });

  await page.keyboard.press('Control+k');
  await page.keyboard.type('status:failed');
  const choice = palette.getByRole('option', { name: 'Filter runs by status:failed' });
  await expect(palette.getByRole('option', { name: /second/ })).toBeVisible();
  await page.keyboard.press('ArrowDown');
  await expect(choice).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL('/runs?q=status%3Afailed');
  await expect.poll(() => names(page)).toEqual(['second']);

  await page.keyboard.press('Control+k');
  await page.keyboard.type('dark');
  await expect(palette.getByRole('option', { name: /first|second|third/ })).toHaveCount(0);
  await palette.getByRole('option', { name: 'Switch to dark theme' }).click();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.keyboard.press('Control+k');
  await page.keyboard.press('Escape');
  await expect(palette).toBeHidden();
});

test('rows are walked with j and k, selected with x and opened with Enter', async ({ page, lab }) => {
  await furnish(lab);
  await visit(page, '/runs');

  await page.keyboard.press('j');
  await expect(row(page, 'first')).toBeFocused();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await expect(row(page, 'third')).toBeFocused();
  await page.keyboard.press('j');
  await expect(row(page, 'third')).toBeFocused();
  await page.keyboard.press('k');
  await expect(row(page, 'second')).toBeFocused();
  await page.keyboard.press('x');
  await expect(page.getByRole('checkbox', { name: 'Select second' })).toBeChecked();
  await expect(row(page, 'second')).toBeFocused();
  await page.keyboard.press('Enter');

  await expect(page.getByRole('heading', { level: 1 })).toHaveText('second');
});

test('the row in focus stays so when its run changes', async ({ page, doing }) => {
  const run = await doing.run('changing', { planned: { call: 1 } });
  await visit(page, '/runs');
  await page.keyboard.press('j');
  await expect(row(page, 'changing')).toBeFocused();

  await run.finish(await run.job('call'));
  await run.close();

  await expect(row(page, 'changing')).toContainText('Done');
  await expect(row(page, 'changing')).toBeFocused();
});

test('a slash leads to the filter, f to what failed, g r back to all runs', async ({ page, lab }) => {
  await furnish(lab);
  await visit(page, '/runs');

  await page.keyboard.press('/');
  await expect(filter(page)).toBeFocused();
  await expect(filter(page)).toHaveValue('');
  await filter(page).blur();
  await page.keyboard.press('f');
  await expect(page).toHaveURL('/runs?q=status%3Afailed');
  await expect.poll(() => names(page)).toEqual(['second']);
  await page.keyboard.press('g');
  await page.keyboard.press('r');

  await expect(page).toHaveURL('/runs');
  await expect(rows(page)).toHaveCount(3);
});

test('t switches the theme, and the server renders the chosen one', async ({ page, lab }) => {
  await furnish(lab);
  await visit(page, '/runs');
  const html = page.locator('html');
  const theme = page.getByRole('button', { name: /^Theme:/ });
  await expect(html).not.toHaveAttribute('data-theme');

  for (const [name, scheme] of [['light', 'light'], ['dark', 'dark']]) {
    await page.keyboard.press('t');

    await expect(html).toHaveAttribute('data-theme', name);
    await expect(theme).toHaveAccessibleName(`Theme: ${name}`);
    expect(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme)).toBe(scheme);
    expect(await (await page.request.get('/runs')).text()).toContain(`data-theme="${name}"`);
    await page.reload();
    await expect(html).toHaveAttribute('data-theme', name);
    await expect(chip(page)).toHaveText('live');
  }
  await page.keyboard.press('t');
  await expect(html).not.toHaveAttribute('data-theme');
});

test('l holds the page still and lets it go on where it was', async ({ page, lab, doing }) => {
  await furnish(lab);
  await visit(page, '/runs');

  await page.keyboard.press('l');
  await expect(chip(page)).toHaveText('paused');
  await doing.run('meanwhile');
  await expect.poll(() => lab.runs('meanwhile')).toHaveLength(1);
  await expect(row(page, 'meanwhile')).toHaveCount(0);
  await page.keyboard.press('l');

  await expect(chip(page)).toHaveText('live');
  await expect(row(page, 'meanwhile')).toBeVisible();
});

test('a question mark lists every key, and Escape closes the list', async ({ page, lab }) => {
  await furnish(lab);
  await visit(page, '/runs');

  await page.keyboard.press('?');

  const help = page.getByRole('dialog', { name: 'Keys' });
  await expect(help).toBeVisible();
  const listed = await help.locator('dl > div').evaluateAll((lines) =>
    lines.map((line) => [...line.querySelectorAll('kbd')].map((key) => key.textContent).join(' ')),
  );
  expect(listed).toEqual(expect.arrayContaining(['?', 'Ctrl K', '/', 'g r', 't', 'l', 'j', 'k', 'Enter', 'x', 'f']));
  await page.keyboard.press('j');
  await expect(row(page, 'first')).not.toBeFocused();
  await page.keyboard.press('Escape');
  await expect(help).toBeHidden();
  await page.keyboard.press('?');
  await help.getByRole('button', { name: 'Close' }).click();
  await expect(help).toBeHidden();
});

test('keys do nothing while somebody types', async ({ page, lab }) => {
  await furnish(lab);
  await visit(page, '/runs');

  await page.keyboard.press('/');
  await page.keyboard.type('jktflx?/gr');

  await expect(filter(page)).toHaveValue('jktflx?/gr');
  await expect(filter(page)).toBeFocused();
  await expect(page).toHaveURL('/runs');
  await expect(page.locator('html')).not.toHaveAttribute('data-theme');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(chip(page)).toHaveText('live');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('jt?f');
  await expect(page.getByRole('combobox', { name: 'Search or jump to' })).toHaveValue('jt?f');
  await expect(page.locator('html')).not.toHaveAttribute('data-theme');
});
