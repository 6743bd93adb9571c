// A run's page: its graph, its jobs by rule, and one job's details.

import type { Page } from '@playwright/test';
import { chip, type Doing, expect, isMarked, mark, row, test, visit } from '../fixtures';
import type { ReportedRun } from '../clients';

const lines = (page: Page) => page.getByRole('region', { name: 'Jobs' }).locator('tr[data-row]');
const node = (page: Page, rule: string) => page.getByRole('group', { name: /^Rule graph/ }).getByRole('link', { name: new RegExp(`^${rule},`) });
const drawer = (page: Page) => page.locator('aside.drawer');

/** Two samples mapped, one of them called: it failed. */
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
  await expect(chip(page)).toHaveText(/^live/);
  await page.goBack();
  await expect(lines(page)).toHaveCount(3);
  await page.goForward();
  await page.getByRole('link', { name: 'Remove rule:map' }).click();
  await expect(lines(page)).toHaveCount(3);
  await page.getByRole('navigation', { name: 'Jobs by status' }).getByRole('link', { name: 'failed' }).click();
  await expect(lines(page)).toHaveCount(1);
  await expect(page.getByRole('region', { name: 'Jobs' }).first()).toContainText('1 job');
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
  // Chromium itself reports that the program, which it fetches ahead, is of no use.
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
});
