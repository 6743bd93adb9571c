// What the live chip shows is true, also while the server is away.

import { chip, expect, isMarked, mark, names, row, rows, test, visit } from '../fixtures';

/** The server is stopped on purpose; the browser logs that on the console. */
const AWAY = /net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING)/;

test.describe('when the server is killed', () => {
  test.use({ expected: AWAY });

  test('the page says that it is offline, and with the server comes what happened meanwhile', async ({ page, lab, doing }) => {
    const before = await doing.run('before');
    await visit(page, '/runs');
    await expect(rows(page)).toHaveCount(1);
    await mark(page);

    await lab.kill();

    await expect(chip(page)).toHaveText(/^offline/);
    await expect(row(page, 'before'), 'what was known stays').toContainText('Running');
    // The database keeps running without the server.
    await lab.sql(`INSERT INTO workflow_runs (workflow_name, status) VALUES ('meanwhile', 'running')`);
    await lab.sql(`UPDATE workflow_runs SET status = 'success' WHERE id = '${before.id}'`);
    await lab.start();
    await expect(chip(page)).toHaveText('live', { timeout: 30_000 });
    await expect.poll(() => names(page)).toEqual(['meanwhile', 'before']);
    await expect(row(page, 'before')).toContainText('Done');
    await doing.run('after');
    await expect(row(page, 'after')).toBeVisible();
    expect(await isMarked(page), 'the page was not loaded again').toBe(true);
  });

  test("a run's page comes back, too", async ({ page, lab, doing }) => {
    const run = await doing.run('interrupted', { planned: { call: 2 } });
    const job = await run.job('call', { sample: 'alpha' });
    await visit(page, run.path);
    await mark(page);
    const line = page.getByRole('region', { name: 'Jobs' }).locator('tr[data-row]');
    await expect(line).toContainText('Running');

    await lab.kill();
    await expect(chip(page)).toHaveText(/^offline/);
    await lab.start();
    await run.finish(job);

    await expect(chip(page)).toHaveText('live', { timeout: 30_000 });
    await expect(line).toContainText('Done');
    await expect(page.getByRole('navigation', { name: 'Jobs by status' })).toHaveText(/1\s*done/);
    expect(await isMarked(page), 'the page was not loaded again').toBe(true);
  });
});

test('a page that follows nothing does not wait for a connection for ever', async ({ page }) => {
  await page.goto('/login', { waitUntil: 'networkidle' });

  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await expect(page.getByRole('banner')).not.toContainText('connecting');
});

test('the chip measures how long a change takes, and tells more when pressed', async ({ page, doing }) => {
  const run = await doing.run('measured', { planned: { call: 3 } });
  await visit(page, '/runs');
  for (let n = 0; n < 3; n += 1) await run.finish(await run.job('call'));
  await expect(row(page, 'measured').locator('.progress')).toHaveText('3 / 3');
  const button = page.getByRole('button', { name: /^live/ });
  await expect(button.locator('.num')).toHaveText(/^\d+(\.\d)?\s(ms|s)$/);

  await button.click();

  const card = page.locator('#live-card');
  await expect(card).toContainText('Changes appear on this page at once.');
  await expect(card).toContainText('just now');
  await card.getByRole('button', { name: 'Pause' }).click();
  await expect(chip(page)).toHaveText('paused');
  await card.getByRole('button', { name: 'Resume' }).click();
  await expect(chip(page)).toHaveText('live');
});

test("a run's page follows a real Snakemake to the end", async ({ page, lab, doing }) => {
  const workspace = doing.workspace('held');
  const snakemake = workspace.snakemake('followed');
  await expect.poll(async () => (await lab.runs('followed'))[0]?.jobs.success, { timeout: 30_000 }).toBe(2);
  const [run] = await lab.runs('followed');
  await visit(page, `/runs/${run.id}`);
  await mark(page);
  const lines = page.getByRole('region', { name: 'Jobs' }).locator('tr[data-row]');
  const counts = page.getByRole('navigation', { name: 'Jobs by status' });
  const held = lines.filter({ has: page.getByRole('cell', { name: 'held', exact: true }) });
  await expect(page.locator('.run-head .pill')).toHaveText('Running');
  await expect(held).toContainText('Running');
  await expect(counts).toHaveText(/2\s*done/);
  await expect(counts).toHaveText(/1\s*running/);

  workspace.write('release', '');
  await snakemake.done();

  await expect(page.locator('.run-head .pill')).toHaveText('Done');
  await expect(held).toContainText('Done');
  await expect(lines).toHaveCount(6);
  await expect(lines.filter({ has: page.getByRole('cell', { name: 'last', exact: true }) })).toHaveCount(2);
  await expect(counts).toHaveText(/^\s*6\s*done\s*$/);
  await expect(page.getByRole('meter')).toHaveAccessibleName('6 of 6 jobs done');
  expect(await isMarked(page), 'the page was not loaded again').toBe(true);
});

test('an open page sees a job retried', async ({ page, lab, doing }) => {
  const workspace = doing.workspace('flaky');
  await doing.run('so that there is a list');
  await visit(page, '/runs');

  const snakemake = workspace.snakemake('tried twice');

  await row(page, 'tried twice').getByRole('link', { name: 'tried twice' }).click({ timeout: 30_000 });
  await snakemake.done();
  const flaky = page.getByRole('region', { name: 'Jobs' }).locator('tr[data-row]').filter({ has: page.getByRole('cell', { name: 'flaky', exact: true }) });
  await expect(flaky).toHaveCount(1);
  await expect(flaky).toContainText('Done');
  await expect(flaky).toContainText('#2');
  await expect(page.locator('.run-head .pill')).toHaveText('Done');
  await expect(page.getByRole('region', { name: 'What went wrong' })).toHaveCount(0);
  const [run] = await lab.runs('tried twice');
  expect(run.jobs).toMatchObject({ total: 3, success: 3, failed: 0 });
});

test('a failed run says why without a click, and its next attempt is a click away', async ({ page, doing }) => {
  const workspace = doing.workspace('mended');
  const first = await doing.run('so that there is a list');
  await first.close();
  await visit(page, '/runs');
  await workspace.snakemake('mended').done(1);
  await expect(row(page, 'mended')).toContainText('Failed');
  await row(page, 'mended').getByRole('link', { name: 'mended' }).click();
  await expect(page.getByRole('region', { name: 'What went wrong' })).toContainText('risky');
  await expect(page.getByRole('region', { name: 'Jobs' }).locator('tr[data-row]').filter({ has: page.getByRole('cell', { name: 'risky', exact: true }) })).toContainText('Failed');

  workspace.write('Snakefile', workspace.text('Snakefile').replace('false && ', ''));
  await workspace.snakemake('mended').done();

  await visit(page, '/runs');
  const [newest, oldest] = [rows(page).nth(0), rows(page).nth(1)];
  await expect(newest).toContainText('Done');
  await expect(newest).toContainText('#2');
  await expect(oldest).toContainText('Failed');
  await newest.getByRole('link', { name: 'mended' }).click();
  const attempts = page.getByRole('navigation', { name: 'Attempts' });
  await expect(attempts.getByRole('link')).toHaveText([/Failed\s*#1/, /Done\s*#2/]);
  await attempts.getByRole('link', { name: '#1' }).click();
  await expect(page.locator('.run-head .pill')).toHaveText('Failed');
  await expect(page.getByRole('region', { name: 'What went wrong' })).toBeVisible();
});

test('a failure appears in an open page with its cause', async ({ page, doing }) => {
  const run = await doing.run('about to fail', { planned: { call: 1 } });
  const job = await run.job('call', { sample: 'alpha' });
  await visit(page, run.path);
  await mark(page);

  await run.fail(job, 'CalledProcessError');
  await run.close();

  await expect(page.locator('.run-head .pill')).toHaveText('Failed');
  await expect(page.getByRole('region', { name: 'What went wrong' })).toContainText('CalledProcessError');
  expect(await isMarked(page), 'the page was not loaded again').toBe(true);
});

test.describe('where no stream gets through', () => {
  test.use({ expected: /net::ERR_FAILED/ });

  test('the page reads itself again every few seconds and says so', async ({ page, doing }) => {
    const run = await doing.run('before', { planned: { map: 1 } });
    await page.route('**/live?*', (route) => route.abort());
    await page.goto('/runs');
    await mark(page);

    await expect(chip(page)).toHaveText(/^polling/, { timeout: 30_000 });
    await doing.run('later');
    await expect(row(page, 'later')).toBeVisible({ timeout: 30_000 });
    await run.finish(await run.job('map'));
    await run.close();
    await expect(row(page, 'before')).toContainText('Done', { timeout: 30_000 });

    await page.unroute('**/live?*');
    await expect(chip(page)).toHaveText('live', { timeout: 60_000 });
    expect(await isMarked(page), 'the page was not loaded again').toBe(true);
  });
});
