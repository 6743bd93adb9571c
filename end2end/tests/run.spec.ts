// A run's page: its graph, its jobs by rule, and one job's details.

import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { chip, type Doing, expect, isMarked, mark, row, test, visit } from '../fixtures';
import type { ReportedRun } from '../clients';

const lines = (page: Page) => page.getByRole('region', { name: 'Jobs' }).locator('tr[data-row]');
const node = (page: Page, rule: string) => page.getByRole('group', { name: /^Rule graph/ }).getByRole('link', { name: new RegExp(`^${rule},`) });
const drawer = (page: Page) => page.locator('aside.drawer');

/** Two samples were mapped and one was called, which failed. */
async function failed(doing: Doing): Promise<ReportedRun> {
  const run = await doing.run('failed', {
    planned: { map: 2, call: 2, all: 1 },
    graph: [
      ['map', 'call'],
      ['call', 'all'],
    ],
  });
  for (const sample of ['alpha', 'beta']) {
    await run.finish(await run.job('map', { sample }, { output: [`${sample}.bam`], shellcmd: `bwa mem ${sample}` }));
  }
  await run.fail(await run.job('call', { sample: 'beta' }, { input: ['beta.bam'], output: ['beta.vcf'], log: ['beta.log'], shellcmd: 'call --sample beta' }));
  await run.close();
  return run;
}

test('two clicks lead from the list to the command that failed', async ({ page, doing }) => {
  await failed(doing);
  await visit(page, '/runs');

  await row(page, 'failed').getByRole('link', { name: 'failed' }).click();
  const card = page.getByRole('region', { name: 'What went wrong' });
  await expect(card.getByRole('heading')).toHaveText('call failed');
  await expect(card).toContainText('RuleException');
  await expect(card).toContainText('sample=beta');
  await expect(card.getByRole('link', { name: 'Open code' })).toHaveAttribute('href', /tab=code.*rule=call|rule=call.*tab=code/);
  await card.getByRole('link', { name: 'Open job' }).click();

  await expect(drawer(page)).toContainText('call --sample beta');
  await expect(drawer(page)).toContainText('beta.log');
});

test('a rule of the graph filters the jobs, and the address holds it', async ({ page, doing }) => {
  const run = await failed(doing);
  await visit(page, run.path);
  await expect(node(page, 'map')).toHaveAccessibleName('map, Done, 2 of 2 jobs done, 0 failed');
  await expect(node(page, 'call')).toHaveAttribute('data-status', 'failed');
  await expect(lines(page)).toHaveCount(3);
  await mark(page);

  await node(page, 'map').click();

  await expect(lines(page)).toHaveCount(2);
  await expect(page).toHaveURL(/\?rule=map$/);
  await expect(page.getByRole('columnheader', { name: 'sample' })).toBeVisible();
  await expect(node(page, 'map')).toHaveAttribute('aria-current', 'true');
  expect(await isMarked(page), 'the page was not loaded again').toBe(true);
  await page.reload();
  await expect(lines(page)).toHaveCount(2);
  await page.goBack();
  await expect(lines(page)).toHaveCount(3);
  await page.goForward();
  await page.getByRole('link', { name: 'Remove rule:map' }).click();
  await expect(lines(page)).toHaveCount(3);
  await page.getByRole('navigation', { name: 'Jobs by status' }).getByRole('link', { name: 'failed' }).click();
  await expect(lines(page)).toHaveCount(1);
  await expect(page.getByRole('search').filter({ hasText: '1 job' })).toBeVisible();
});

test('a job lies beside the list with its files, and one leads to another', async ({ page, doing }) => {
  const run = await failed(doing);
  await visit(page, run.path);
  await lines(page).filter({ hasText: 'call' }).getByRole('link').click();
  await expect(drawer(page).getByRole('heading', { name: 'call' })).toBeVisible();
  await expect(page).toHaveURL(/\?job=\d+$/);

  await drawer(page).getByRole('link', { name: 'by map' }).click();

  await expect(drawer(page).getByRole('heading', { name: 'map' })).toBeVisible();
  await expect(drawer(page)).toContainText('bwa mem beta');
  await expect(drawer(page)).toContainText('used by 1 job');
  await page.reload();
  await expect(drawer(page), 'the address holds the job').toContainText('bwa mem beta');
  await expect(lines(page)).toHaveCount(3);
  await expect(chip(page)).toHaveText(/^live/);
  await page.keyboard.press('Escape');
  await expect(drawer(page)).toHaveCount(0);
  await expect(page).toHaveURL(new RegExp(`${run.path}$`));
});

test('a job that ends changes its row, its rule in the graph and the counts, and nothing else', async ({ page, doing }) => {
  const run = await doing.run('going on', { planned: { map: 2, call: 1 }, graph: [['map', 'call']] });
  const [one] = [await run.job('map', { sample: 'alpha' }), await run.job('map', { sample: 'beta' })];
  await visit(page, run.path);
  await expect(lines(page)).toHaveCount(2);
  await expect(node(page, 'map')).toHaveAttribute('data-status', 'running');
  await page.evaluate(() => {
    const seen = new Set<string>();
    const place = (node: Node) => {
      const element = node instanceof Element ? node : node.parentElement;
      const part = element?.closest('tr[data-row], a.node, .counts, .bar, time, .live, .facts');
      return part?.matches('tr[data-row]') ? `row ${part.textContent?.includes('alpha') ? 'alpha' : 'other'}` : part?.matches('a.node') ? `node ${part.querySelector('title')?.textContent}` : (part?.className.toString() || part?.tagName) ?? element?.outerHTML.slice(0, 80) ?? '?';
    };
    new MutationObserver((changes) => changes.forEach((change) => seen.add(place(change.target)))).observe(document.querySelector('main')!, {
      subtree: true,
      childList: true,
      characterData: true,
      attributes: true,
    });
    (window as unknown as { seen: Set<string> }).seen = seen;
  });

  await run.finish(one);

  await expect(lines(page).filter({ hasText: 'alpha' })).toContainText('Done');
  await expect(node(page, 'map')).toHaveAccessibleName(/1 of 2 jobs done/);
  const seen = await page.evaluate(() => [...(window as unknown as { seen: Set<string> }).seen]);
  const clocks = /^(TIME|facts|row other)$/;
  expect(seen.filter((part) => !clocks.test(part)).sort()).toEqual(['bar', 'counts', 'node map', 'row alpha']);
});

test('keys alone lead from the list to the command that failed', async ({ page, doing }) => {
  await failed(doing);
  await visit(page, '/runs');
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  const open = page.getByRole('region', { name: 'What went wrong' }).getByRole('link', { name: 'Open job' });
  await expect(open).toBeVisible();
  for (let step = 0; step < 40 && !(await open.evaluate((link) => link === document.activeElement)); step++) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(drawer(page)).toContainText('call --sample beta');
  await page.keyboard.press('Escape');
  await expect(drawer(page)).toHaveCount(0);
});

test('the report of a run is one file that says what went wrong', async ({ page, doing }) => {
  const run = await failed(doing);
  await visit(page, run.path);
  const saved = page.waitForEvent('download');
  await page.locator('main').getByRole('link', { name: 'Report' }).click();
  const file = await saved;
  expect(file.suggestedFilename()).toMatch(/^[\w.-]+-[0-9a-f]{8}\.html$/);
  const html = await readFile(await file.path(), 'utf8');
  expect(html).not.toMatch(/<script|<link|src=/);

  await page.goto('about:blank');
  await page.setContent(html);
  await expect(page.getByRole('heading', { name: 'What went wrong' })).toBeVisible();
  await expect(page.locator('article').first()).toContainText('call --sample beta');
  await expect(page.getByRole('row', { name: /^call/ })).toBeVisible();
  await expect(page.getByRole('link', { name: new RegExp(`${run.path}$`) })).toBeVisible();
  await page.screenshot({ path: test.info().outputPath('report.png'), fullPage: true });
});

test('a page that many ask for at once is whole each time', async ({ page, doing }) => {
  const run = await failed(doing);
  await visit(page, '/runs');
  for (let round = 0; round < 12; round++) {
    const answers = await Promise.all(['', '?tab=timeline', '?as=matrix', '?tab=info'].flatMap((at) => [at, at, at, at]).map((at) => page.request.get(`${run.path}${at}`)));
    for (const answer of answers) {
      const html = await answer.text();
      expect(answer.status()).toBe(200);
      expect(html).toContain('What went wrong');
      expect(html).toMatch(/<title>[^<]+ · Flowo<\/title>/);
    }
  }
});

test('more changes than the stream tells are read again in place', async ({ page, lab, doing }) => {
  const run = await doing.run('burst', { planned: { map: 1500 } });
  const insert = (from: number, to: number) =>
    lab.sql(`INSERT INTO job_executions (workflow_run_id, job_id, rule, status, wildcards, started_at)
      SELECT '${run.id}', n, 'map', 'running', jsonb_build_object('sample', 'S' || n), now() FROM generate_series(${from}, ${to}) n`);
  await insert(1, 700);
  await visit(page, run.path);
  await expect(lines(page).first()).toContainText('S700');
  const list = page.getByRole('region', { name: 'Jobs' });
  await list.evaluate((list) => list.scrollTo(0, 64 * 32));
  await expect(lines(page).filter({ hasText: 'S630' })).toContainText('Running');
  await page.locator('table.job-table').evaluate((table) => Object.assign(table, { known: true }));

  await lab.sql(`UPDATE job_executions SET status = 'success', ended_at = now() WHERE workflow_run_id = '${run.id}'`);
  await expect(lines(page).filter({ hasText: 'S630' })).toContainText('Done');
  await insert(701, 1400);
  await list.evaluate((list) => list.scrollTo(0, 0));
  await expect(lines(page).first()).toContainText('S1400');
  await expect(lines(page).first()).toContainText('Running');

  expect(await page.locator('table.job-table').evaluate((table) => 'known' in table), 'it is the same table').toBe(true);
});

test('jobs are sorted, found, and read on as one scrolls', async ({ page, lab, doing }) => {
  const run = await doing.run('many', { planned: { map: 500 } });
  await lab.sql(`INSERT INTO job_executions (workflow_run_id, job_id, rule, status, wildcards, started_at, ended_at)
    SELECT '${run.id}', n, 'map', 'success', jsonb_build_object('sample', 'S' || n), now() - interval '1 hour', now() - interval '1 hour' + n % 97 * interval '1 second'
      FROM generate_series(1, 500) n`);
  await visit(page, `${run.path}?rule=map`);
  const first = lines(page).first();
  await expect(first).toContainText('S500');

  await page.getByRole('columnheader', { name: 'Duration' }).getByRole('link').click();
  await expect(first).toContainText('1 m 36 s');
  await expect(page.getByRole('columnheader', { name: 'Duration' })).toHaveAttribute('aria-sort', 'descending');
  await page.getByRole('columnheader', { name: 'sample' }).getByRole('link').click();
  await expect(first).toContainText('S1');
  await page.reload();
  await expect(first).toContainText('S1');

  const list = page.getByRole('region', { name: 'Jobs' });
  await expect(chip(page)).toHaveText(/^live/);
  await expect(async () => {
    await list.evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await expect(lines(page).last()).toContainText('S99', { timeout: 300 });
  }).toPass();
  expect(await lines(page).count(), 'rows out of sight do not exist').toBeLessThan(300);

  await page.getByRole('searchbox', { name: 'Find jobs by a wildcard' }).fill('s49');
  await page.getByRole('searchbox', { name: 'Find jobs by a wildcard' }).press('Enter');
  await expect(lines(page)).toHaveCount(11);
  await expect(page).toHaveURL(/find=s49/);
  await page.getByRole('link', { name: 'Remove the words' }).click();
  await expect(first).toContainText('S1');
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 360, height: 740 } });

  test('a long list is read page by page, and does not come by itself', async ({ page, lab, doing }) => {
    const run = await doing.run('many', { planned: { map: 300 } });
    await lab.sql(`INSERT INTO job_executions (workflow_run_id, job_id, rule, status, wildcards)
      SELECT '${run.id}', n, 'map', 'waiting', jsonb_build_object('sample', 'S' || n) FROM generate_series(1, 300) n`);
    await visit(page, run.path);
    await expect(lines(page)).toHaveCount(100);

    await page.getByRole('link', { name: 'Further jobs' }).click();

    await expect(lines(page).first()).toContainText('S200');
    await expect(lines(page)).toHaveCount(100);
    await page.goto(`${run.path}?as=matrix`);
    await expect(page.getByRole('region', { name: 'Matrix' }).getByRole('rowheader').first()).toBeVisible();
    expect(await page.getByRole('region', { name: 'Matrix' }).getByRole('rowheader').count(), 'rows out of sight do not exist').toBeLessThan(100);
  });
});

test('name and tags are edited in the head, and every open page shows them', async ({ page, doing, context }) => {
  const run = await failed(doing);
  await visit(page, run.path);
  const other = await context.newPage();
  await visit(other, '/runs');

  await page.getByRole('button', { name: 'Edit name and tags' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('liver, again');
  await page.getByRole('textbox', { name: 'Tags' }).fill('qc, , rna, qc');
  await page.keyboard.press('Enter');

  await expect(page.getByRole('heading', { level: 1 })).toHaveText('liver, again');
  await expect(row(other, 'liver, again')).toContainText('qc');
});

test.describe('a label that is refused', () => {
  test.use({ expected: /400 \(Bad Request\).*runs\/rename/ });

  test('says why, and nothing is changed', async ({ page, doing }) => {
    const run = await failed(doing);
    await visit(page, run.path);
    await page.getByRole('button', { name: 'Edit name and tags' }).click();
    await page.getByRole('textbox', { name: 'Tags' }).fill('x'.repeat(101));
    await page.keyboard.press('Enter');
    await expect(page.getByRole('alert')).toContainText('at most 100 letters');
    await page.keyboard.press('Escape');
    await expect(page.getByRole('textbox', { name: 'Name' })).toHaveCount(0);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('failed');
  });
});

test('keys lead from view to view, and a rule to the graph of its jobs', async ({ page, doing }) => {
  const run = await failed(doing);
  await visit(page, run.path);
  for (const [key, tab] of [
    ['2', 'Timeline'],
    ['3', 'Results'],
    ['4', 'Logs'],
    ['5', 'Code'],
    ['6', 'Files'],
    ['7', 'History'],
    ['8', 'Info'],
    ['1', 'Jobs'],
  ]) {
    await page.keyboard.press(key);
    await expect(page.getByRole('navigation', { name: 'Views of the run' }).locator('[aria-current]')).toContainText(tab);
    await expect(page.getByRole('region', { name: tab }).last()).toBeVisible();
  }

  await node(page, 'call').click({ modifiers: ['Shift'] });

  const graph = page.getByRole('region', { name: /^Graph of 2 jobs, 1 links/ });
  await expect(graph).toBeVisible();
  await expect(page).toHaveURL(/as=graph/);
  const box = (await graph.boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2 + 21);
  await expect(graph.getByRole('status')).toContainText('call');
  await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2 + 21);
  await expect(drawer(page)).toContainText('call --sample beta');
  await page.getByRole('link', { name: 'Hide the graph' }).click();
  await expect(node(page, 'call')).toHaveCount(0);
  await page.getByRole('link', { name: 'Open the rule graph' }).click();
  await expect(node(page, 'call')).toBeVisible();
});

test('a graph that is reported later appears', async ({ page, lab, doing }) => {
  const run = await doing.run('early', { planned: { map: 1 } });
  await visit(page, run.path);
  await expect(page.getByText('No rule graph was reported.')).toBeVisible();

  await lab.sql(`UPDATE workflow_runs SET rule_graph = '{"nodes": [{"rule": "map"}], "links": []}' WHERE id = '${run.id}'`);
  await run.job('map');

  await expect(node(page, 'map')).toBeVisible();
});

test('arrows walk the graph, the field finds a rule, and it runs the other way', async ({ page, doing }) => {
  const rules = ['fetch', 'trim', 'map', 'sort', 'mark', 'call', 'join', 'report', 'all'];
  const run = await doing.run('long', { planned: { fetch: 1 }, graph: rules.slice(1).map((rule, at) => [rules[at], rule] as [string, string]) });
  await visit(page, run.path);
  await node(page, 'fetch').focus();

  await page.keyboard.press('ArrowDown');

  await expect(node(page, 'trim')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\?rule=trim$/);
  await page.getByRole('searchbox', { name: 'Find a rule' }).fill('rep');
  await expect(node(page, 'report')).toBeInViewport();
  const tall = await page.locator('.rule-graph svg').boundingBox();
  await page.getByRole('link', { name: 'Left to right' }).click();
  await expect(page).toHaveURL(/\?rule=trim&dir=lr$/);
  await expect(page.getByRole('group', { name: /left to right$/ })).toBeVisible();
  const wide = await page.locator('.rule-graph svg').boundingBox();
  expect(tall!.height > tall!.width && wide!.width > wide!.height).toBe(true);
});

test.describe('without JavaScript', () => {
  // Chromium itself logs that the preloaded WASM is not used.
  test.use({ javaScriptEnabled: false, expected: /preloaded using link preload but not used/ });

  test("a run's page shows head, graph and jobs, and its links filter", async ({ page, doing }) => {
    const run = await failed(doing);
    await page.goto(run.path);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('failed');
    await expect(lines(page)).toHaveCount(3);

    await node(page, 'call').click();
    await expect(lines(page)).toHaveCount(1);
    await lines(page).getByRole('link').click();

    await expect(drawer(page)).toContainText('call --sample beta');
    await drawer(page).getByRole('link', { name: 'Close' }).click();
    await expect(drawer(page)).toHaveCount(0);
    await expect(page).toHaveURL(/\?rule=call$/);
  });

  test('every view of a run is readable, and its forms search', async ({ page, doing }) => {
    const run = await failed(doing);
    await page.goto(run.path);
    const tab = (name: string) => page.getByRole('navigation', { name: 'Views of the run' }).getByRole('link', { name });

    await tab('Code').click();
    await expect(page.getByRole('region', { name: 'Code of map' })).toHaveText('map {input} > {output}');
    await tab('Files').click();
    await expect(page.getByRole('row', { name: /beta.bam.*call.*beta.vcf/ })).toContainText('from map');
    await page.getByRole('searchbox', { name: 'Find a file of this run' }).fill('ALPHA');
    await page.getByRole('button', { name: 'Find' }).click();
    await page.getByRole('link', { name: 'alpha.bam' }).click();
    await expect(page.getByRole('region', { name: 'Files' })).toContainText('No job of this run uses it.');
    await tab('Info').click();
    await expect(page.getByRole('row', { name: /^call 2 1 0 1/ })).toBeVisible();
    await page.locator('summary').filter({ hasText: 'job_error' }).click();
    await expect(page.getByText('"job_id": 3').last()).toBeVisible();
    await tab('Timeline').click();
    await page.getByRole('link', { name: 'As table' }).click();
    await expect(page.getByRole('row', { name: /^map 2 0 / })).toBeVisible();
    await tab('Jobs').click();
    await page.getByRole('link', { name: 'Matrix' }).click();
    await expect(page.getByRole('link', { name: /^beta, call: Failed/ })).toBeVisible();
  });
});

test('back from a page that has not woken yet leads to the page before', async ({ page, doing }) => {
  const run = await doing.run('going on', { planned: { map: 2 } });
  await run.job('map', { sample: 'alpha' });
  await visit(page, run.path);
  const views = page.getByRole('navigation', { name: 'Views' });
  for (const wait of [0, 20, 40, 60, 80, 100, 140, 200]) {
    await views.getByRole('link', { name: 'Timeline' }).click();
    await expect(page.getByRole('region', { name: /^Timeline/ })).toBeVisible();
    await page.reload({ waitUntil: 'commit' });
    await page.locator('main').waitFor();
    // Hydration happens at some time between these.
    await page.evaluate((wait) => void setTimeout(() => history.back(), wait), wait);
    await expect(lines(page)).toHaveCount(1);
    await expect(page.locator('html[data-awake]')).toHaveCount(1);
  }
});
