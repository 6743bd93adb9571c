// A run's timeline: bars for jobs; pan, zoom and measure by pointer and keys.

import type { Page } from '@playwright/test';
import { expect, test, visit } from '../fixtures';
import type { Lab } from '../lab';

const RUN = '0193a4c2-0000-7000-8000-00000000aaaa';
const view = (page: Page) => page.getByRole('region', { name: /^Timeline of/ });
const label = (page: Page, rule: string) => view(page).getByRole('button', { name: new RegExp(`^${rule}`) });
const span = (page: Page) => new URL(page.url()).searchParams.get('span')?.split('~').map(Number);

/** An hour: ten jobs of `map` in sequence, then `call`, which failed and was retried, half an hour of nothing, then `all`. */
async function furnish(lab: Lab): Promise<string> {
  await lab.sql(`
    INSERT INTO workflow_runs (id, workflow_name, status, started_at, ended_at, rule_graph)
    VALUES ('${RUN}', 'hour', 'success', '2026-11-20 10:00Z', '2026-11-20 11:00Z',
            '{"nodes": [{"rule": "map"}, {"rule": "call"}, {"rule": "all"}], "links": [{"source": 0, "target": 1}, {"source": 1, "target": 2}]}');
    INSERT INTO job_executions (workflow_run_id, job_id, attempt, superseded, rule, status, wildcards, threads, started_at, ended_at)
    SELECT '${RUN}', n, 1, false, 'map', 'success', jsonb_build_object('sample', 'S' || n), 2, s, s + interval '1 minute'
      FROM generate_series(1, 10) n, LATERAL (SELECT timestamptz '2026-11-20 10:00Z' + (n - 1) * interval '1 minute' AS s) t
    UNION ALL VALUES
      ('${RUN}'::uuid, 11, 1, true, 'call', 'failed', '{}'::jsonb, 4, timestamptz '2026-11-20 10:10Z', timestamptz '2026-11-20 10:15Z'),
      ('${RUN}', 11, 2, false, 'call', 'success', '{}', 4, '2026-11-20 10:15Z', '2026-11-20 10:20Z'),
      ('${RUN}', 12, 1, false, 'all', 'success', '{}', 1, '2026-11-20 10:50Z', '2026-11-20 11:00Z');
    INSERT INTO paths (workflow_run_id, path) VALUES ('${RUN}', 'mapped'), ('${RUN}', 'called');
    INSERT INTO job_files (job_execution_id, path_id, role, position)
    SELECT j.id, p.id, f.role, 0
      FROM (VALUES (10, 'mapped', 'output'), (11, 'mapped', 'input'), (11, 'called', 'output'), (12, 'called', 'input')) f(job, path, role)
      JOIN job_executions j ON j.workflow_run_id = '${RUN}' AND j.job_id = f.job
      JOIN paths p ON p.workflow_run_id = '${RUN}' AND p.path = f.path;
  `);
  return `/runs/${RUN}`;
}

/** The position of a minute of the hour on the first lane of the nth rule. */
async function at(page: Page, minute: number, group = 0): Promise<{ x: number; y: number }> {
  const box = (await view(page).boundingBox())!;
  const [from, to] = span(page) ?? [0, 3_600_000];
  const wide = (await view(page).evaluate((view) => view.clientWidth)) - 148 - 14;
  return { x: box.x + 148 + ((minute * 60_000 - from) / (to - from)) * wide, y: box.y + 92 + group * 40 + 9 };
}

test('bars are where jobs ran: they say what they are and open it', async ({ page, lab }) => {
  await visit(page, `${await furnish(lab)}?tab=timeline`);
  await expect(label(page, 'map')).toContainText('10 jobs');
  await expect(label(page, 'call')).toContainText('1 job');
  await expect(view(page)).toContainText('peak 1 jobs');

  const fifth = await at(page, 4.5);
  await page.mouse.move(fifth.x, fifth.y);
  const hint = page.getByRole('tooltip');
  await expect(hint).toContainText('sample=S5');
  await expect(hint).toContainText('1 m 00 s');
  const second = await at(page, 17, 1);
  await page.mouse.move(second.x, second.y);
  await expect(hint).toContainText('Attempt');
  await page.mouse.click(fifth.x, fifth.y);

  await expect(page.getByRole('complementary', { name: 'map' })).toContainText('S5');
  await expect(page).toHaveURL(/tab=timeline&job=\d+/);
});

test('it is zoomed and moved by wheel, pointer and keys, and the address keeps what is in sight', async ({ page, lab }) => {
  await visit(page, `${await furnish(lab)}?tab=timeline`);
  const middle = await at(page, 15);
  await page.mouse.move(middle.x, middle.y);
  await page.keyboard.down('Control');
  for (let turn = 0; turn < 6; turn++) await page.mouse.wheel(0, -60);
  await page.keyboard.up('Control');
  await expect.poll(() => span(page)).toBeTruthy();
  const zoomed = span(page)!;
  expect(zoomed[0] < 15 * 60_000 && zoomed[1] > 15 * 60_000 && zoomed[1] - zoomed[0] < 1_000_000, `${zoomed}`).toBe(true);

  await page.reload();
  const there = await at(page, 17, 1);
  await expect(async () => {
    await page.mouse.move(there.x - 1, there.y);
    await page.mouse.move(there.x, there.y);
    await expect(page.getByRole('tooltip')).toContainText('call', { timeout: 500 });
  }).toPass();
  await view(page).focus();
  await page.keyboard.press('d');
  await expect.poll(() => span(page)![0]).toBeGreaterThan(zoomed[0]);
  const moved = span(page)!;
  await page.mouse.move(there.x, there.y + 60);
  await page.mouse.down();
  await page.mouse.move(there.x + 200, there.y + 60, { steps: 4 });
  await page.mouse.up();
  await expect.poll(() => span(page)![0]).toBeLessThan(moved[0]);
  await page.keyboard.press('f');
  await expect.poll(() => span(page)).toBe(undefined);
});

test('a span is brushed and summed up', async ({ page, lab }) => {
  await visit(page, `${await furnish(lab)}?tab=timeline`);
  const [from, to] = [await at(page, 5), await at(page, 15)];
  await page.mouse.move(from.x, from.y - 40);
  await page.mouse.down();
  await page.mouse.move(to.x, to.y - 40, { steps: 4 });
  await page.mouse.up();

  // Five or six jobs of `map` with two cores each, and five minutes of `call` with four.
  const sums = view(page).getByRole('status');
  await expect(sums).toContainText(/Jobs\s*[67]/);
  await expect(sums).toContainText(/CPU-hours\s*0\.(49|50|51)/);
  await expect(sums).toContainText(/Busiest moment\s*1 jobs, 4 cores/);
  await sums.getByRole('button', { name: 'Zoom to it' }).click();
  await expect.poll(() => Math.round((span(page)?.[0] ?? 0) / 60_000)).toBe(5);
});

test('a rule of the graph is all that is shown, idle time is left out, and there is a table', async ({ page, lab }) => {
  await visit(page, `${await furnish(lab)}?tab=timeline`);
  await page.getByRole('link', { name: 'Skip idle time' }).click();
  await expect(page).toHaveURL(/idle=skip/);
  const after = await at(page, 20 + 5 / 12 + 5, 2); // The idle half hour now takes a hundredth of the width of the busy one.
  const wide = (await at(page, 60)).x - (await at(page, 0)).x;
  const box = (await view(page).boundingBox())!;
  await expect(async () => {
    // `all` ran for ten of the remaining thirty minutes, so it fills the right third.
    await page.mouse.move(box.x + 148 + wide * 0.8, after.y);
    await page.mouse.move(box.x + 148 + wide * 0.81, after.y);
    await expect(page.getByRole('tooltip')).toContainText('all', { timeout: 500 });
  }).toPass();

  await page.getByRole('group', { name: /^Rule graph/ }).getByRole('link', { name: /^call,/ }).click();
  await expect(label(page, 'call')).toBeVisible();
  await expect(label(page, 'map')).toHaveCount(0);
  await page.getByRole('link', { name: 'As table' }).click();
  await expect(page.getByRole('row', { name: /^call 2 0 .* 10 m 00 s 1 0\.66$/ })).toBeVisible();
  await page.goBack();
  await expect(view(page)).toBeVisible();
});

test('a job that ends changes its bar, its rule and the counts, and nothing else', async ({ page, doing }) => {
  const run = await doing.run('going on', { planned: { map: 2, call: 1 }, graph: [['map', 'call']] });
  const [one] = [await run.job('map', { sample: 'alpha' }), await run.job('call', { sample: 'beta' })];
  await visit(page, `${run.path}?tab=timeline`);
  await expect(label(page, 'map')).toContainText('1 job · 1 running');
  await page.evaluate(() => {
    const seen = new Set<string>();
    const place = (node: Node) => {
      const element = node instanceof Element ? node : node.parentElement;
      const part = element?.closest('[role=region] button, a.node, .counts, .bar, time, .facts');
      if (part?.matches('a.node')) return `node ${part.querySelector('title')?.textContent}`;
      if (part?.matches('button')) return `label ${/^[a-z]+/.exec(part.textContent?.trim() ?? '')?.[0]}`;
      return (part?.className.toString() || part?.tagName) ?? element?.outerHTML.slice(0, 90) ?? '?';
    };
    new MutationObserver((changes) => changes.forEach((change) => seen.add(place(change.target)))).observe(document.querySelector('main')!, {
      subtree: true,
      childList: true,
      characterData: true,
      attributes: true,
    });
    Object.assign(window, { seen });
  });

  await run.finish(one);

  await expect(label(page, 'map')).not.toContainText('running');
  await expect(page.getByRole('navigation', { name: 'Jobs by status' })).toHaveText(/1\s*done/);
  const seen = await page.evaluate(() => [...(window as unknown as { seen: Set<string> }).seen]);
  const clocks = /^(TIME|facts)$/;
  expect(seen.filter((part) => !clocks.test(part)).sort()).toEqual(['bar', 'counts', 'label map', 'node map']);
});

test('it follows a run: new bars come, groups fold', async ({ page, doing }) => {
  const run = await doing.run('live', { planned: { map: 2 } });
  const first = await run.job('map', { sample: 'alpha' });
  await visit(page, `${run.path}?tab=timeline`);
  await expect(label(page, 'map')).toContainText('1 job · 1 running');

  await run.finish(first);
  await run.job('map', { sample: 'beta' });
  await run.job('call', { sample: 'alpha' });

  await expect(label(page, 'map')).toContainText('2 jobs · 1 running');
  await expect(label(page, 'call')).toBeVisible();
  await label(page, 'map').click();
  await expect(label(page, 'map')).toHaveAttribute('aria-expanded', 'false');
  await expect(page).toHaveURL(/turned=map/);
});
