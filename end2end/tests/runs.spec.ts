// The start page while things happen: with runs of a real Snakemake, of single reports, and of plain SQL.

import { chip, expect, isMarked, mark, names, row, rows, test, visit } from '../fixtures';

test('the first run of a real Snakemake turns the light green and the card into the table', async ({ page, lab, doing }) => {
  await visit(page, '/runs');
  await expect(page.getByRole('heading', { name: 'Waiting for the first run' })).toBeVisible();
  await expect(page.getByText('No event yet')).toBeVisible();
  await expect(page.getByText(new URL(lab.url).host)).toBeVisible();
  await mark(page);
  // The light is on only while the list is being read.
  await page.evaluate(() => {
    const look = () => document.querySelector('.lamp[data-on]') && Object.assign(window, { lit: true });
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
  });

  const workspace = doing.workspace('held');
  const snakemake = workspace.snakemake('first of all');

  const first = row(page, 'first of all');
  await expect(first).toHaveAttribute('data-status', 'running', { timeout: 30_000 });
  await expect(page.getByRole('heading', { name: 'Waiting for the first run' })).toHaveCount(0);
  expect(await page.evaluate(() => 'lit' in window), 'the light was seen').toBe(true);

  await expect(first.locator('.progress')).toHaveText('2 / 6');
  workspace.write('release', '');
  await snakemake.done();
  await expect(first).toHaveAttribute('data-status', 'success');
  await expect(first.locator('.progress')).toHaveText('6 / 6');
  expect(await isMarked(page), 'the page was not loaded again').toBe(true);
});

test('a run of a real Snakemake appears and completes in every open tab without a reload', async ({ page, context, doing }) => {
  await doing.run('here before');
  const second = await context.newPage();
  for (const tab of [page, second]) {
    await visit(tab, '/runs');
    await expect(row(tab, 'here before')).toBeVisible();
    await mark(tab);
  }

  const workspace = doing.workspace('held');
  const snakemake = workspace.snakemake('seen everywhere', '--logger-flowo-tags', 'qc,rna');

  for (const tab of [page, second]) {
    await expect(row(tab, 'seen everywhere').locator('.progress')).toHaveText('2 / 6', { timeout: 30_000 });
    await expect(row(tab, 'seen everywhere')).toContainText('Running');
    await expect(row(tab, 'seen everywhere').locator('.tag')).toHaveText(['qc', 'rna']);
  }
  workspace.write('release', '');
  await snakemake.done();
  for (const tab of [page, second]) {
    await expect(row(tab, 'seen everywhere').locator('.progress')).toHaveText('6 / 6');
    await expect(row(tab, 'seen everywhere')).toContainText('Done');
    expect(await names(tab)).toEqual(['seen everywhere', 'here before']);
    expect(await isMarked(tab), 'the tab was not loaded again').toBe(true);
  }
});

test('a changed run writes to its own row only', async ({ page, doing }) => {
  const ended = await doing.run('ended', { tags: ['qc'] });
  await ended.close();
  const other = await doing.run('other', { planned: { call: 1 } });
  await other.job('call');
  const changing = await doing.run('changing', { planned: { call: 2 } });
  const job = await changing.job('call');
  await visit(page, '/runs');
  await expect(rows(page)).toHaveCount(3);
  await page.evaluate(() => {
    const written: Record<string, number> = {};
    const table = document.querySelector('.run-table')!;
    new MutationObserver((records) => {
      for (const { target, type, attributeName } of records) {
        // Texts such as "4 s" keep counting in the rows of running runs.
        if (type === 'characterData') continue;
        const row = target instanceof Element ? target.closest('tr[data-row]') : target.parentElement?.closest('tr[data-row]');
        const where = `${row?.querySelector('.name > a')?.textContent ?? 'no row'}: ${type} ${attributeName ?? ''}`.trim();
        written[where] = (written[where] ?? 0) + 1;
      }
    }).observe(table, { subtree: true, childList: true, attributes: true, characterData: true });
    Object.assign(window, { written });
  });

  await changing.finish(job);
  await expect(row(page, 'changing').locator('.progress')).toHaveText('1 / 2');
  await changing.finish(await changing.job('call'));
  await changing.close();
  await expect(row(page, 'changing')).toHaveAttribute('data-status', 'success');

  const written = await page.evaluate(() => (window as unknown as { written: Record<string, number> }).written);
  expect(Object.keys(written)).toContain('changing: attributes data-status');
  expect(Object.keys(written).filter((where) => !where.startsWith('changing: '))).toEqual([]);
});

test('a row written by SQL shows up at once', async ({ page, lab, doing }) => {
  await doing.run('here before');
  await visit(page, '/runs');
  await mark(page);

  await lab.sql("INSERT INTO workflow_runs (workflow_name, status) VALUES ('test_workflow', 'running')");

  await expect(row(page, 'test_workflow')).toHaveAttribute('data-status', 'running', { timeout: 2_000 });
  await lab.sql("UPDATE workflow_runs SET status = 'failed' WHERE workflow_name = 'test_workflow'");
  await expect(row(page, 'test_workflow')).toContainText('Failed', { timeout: 2_000 });
  expect(await isMarked(page), 'the page was not loaded again').toBe(true);
});

test('a run that waits for its turn shows up at once, too', async ({ page, lab, doing }) => {
  await doing.run('here before');
  await visit(page, '/runs');

  await lab.sql("INSERT INTO workflow_runs (workflow_name, status, started_at) VALUES ('queued', 'waiting', NULL)");

  await expect(row(page, 'queued')).toContainText('Waiting', { timeout: 2_000 });
  expect(await names(page)).toEqual(['queued', 'here before']);
});

test('a run that began before others takes its place among them', async ({ page, lab }) => {
  await lab.sql(`INSERT INTO workflow_runs (workflow_name, status, started_at) VALUES
    ('an hour ago', 'running', now() - interval '1 hour'), ('three hours ago', 'running', now() - interval '3 hours')`);
  await visit(page, '/runs');
  await expect(rows(page)).toHaveCount(2);

  await lab.sql("INSERT INTO workflow_runs (workflow_name, status, started_at) VALUES ('two hours ago', 'running', now() - interval '2 hours')");

  await expect.poll(() => names(page)).toEqual(['an hour ago', 'two hours ago', 'three hours ago']);
});

test('the tiles count along', async ({ page, doing }) => {
  const run = await doing.run('counted');
  await visit(page, '/runs');
  const tiles = page.getByRole('navigation', { name: 'Runs by status' });
  await expect(tiles.getByRole('link', { name: 'Running' })).toHaveText(/^1\s*Running$/);

  await run.close();

  await expect(tiles.getByRole('link', { name: 'Done' })).toHaveText(/^1\s*Done$/);
  await expect(tiles.getByRole('link', { name: 'Running' })).toHaveText(/^0\s*Running$/);
});

test('new runs wait behind a bar while the reader is further down', async ({ page, lab, doing }) => {
  await lab.sql(
    "INSERT INTO workflow_runs (workflow_name, status, started_at) SELECT 'old ' || n, 'success', now() - n * interval '1 hour' FROM generate_series(1, 45) n",
  );
  await visit(page, '/runs');
  await expect(rows(page)).toHaveCount(45);
  const list = page.getByRole('region', { name: 'Runs' });
  await list.hover();
  await page.mouse.wheel(0, 600);
  await expect.poll(() => list.evaluate((element) => element.scrollTop)).toBeGreaterThan(300);
  const seen = row(page, 'old 30');
  const before = await seen.boundingBox();

  await doing.run('new one');
  await doing.run('new two');

  const bar = page.getByRole('button', { name: '2 new runs' });
  await expect(bar).toBeVisible();
  expect(await names(page)).not.toContain('new one');
  const shift = (await seen.boundingBox())!.y - before!.y;
  expect(Math.abs(shift), 'rows stay under the pointer').toBeLessThan(2);
  await bar.click();
  await expect(rows(page)).toHaveCount(47);
  expect((await names(page)).slice(0, 3)).toEqual(['new two', 'new one', 'old 1']);
  await expect(chip(page)).toHaveText('live');
});
