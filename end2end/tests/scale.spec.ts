// A run of many thousand jobs: how smoothly its pictures move. Figures are printed, with only loose assertions.
// FLOWO_BIG_JOBS sets another number of jobs than the daily one.

import * as fs from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, test, visit } from '../fixtures';

const JOBS = Number(process.env.FLOWO_BIG_JOBS ?? 20_000);

/** Frames drawn during an action: median and longest frame time (ms), and their number. */
async function frames(page: Page, what: () => Promise<void>): Promise<{ median: number; longest: number; count: number }> {
  await page.evaluate(() => {
    const times: number[] = [];
    let last = performance.now();
    const next = (now: number) => {
      times.push(now - last);
      last = now;
      (window as unknown as { timing: number }).timing = requestAnimationFrame(next);
    };
    Object.assign(window, { times, timing: requestAnimationFrame(next) });
  });
  await what();
  const times = await page.evaluate(() => {
    const { timing, times } = window as unknown as { timing: number; times: number[] };
    cancelAnimationFrame(timing);
    return times.slice(1);
  });
  times.sort((one, other) => one - other);
  return { median: times[times.length >> 1], longest: times[times.length - 1], count: times.length };
}

/** The memory of all tab processes: scripts, WASM and pictures together (bytes). There is only one tab here. */
async function sizeOfTab(page: Page): Promise<number> {
  const session = await page.context().browser()!.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const tabs = processInfo.filter((one) => one.type === 'renderer');
  const sizes = tabs.map((one) => Number(/^Pss:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${one.id}/smaps_rollup`, 'utf8'))![1]) * 1024);
  return Math.max(...sizes);
}

function say(what: string, { median, longest, count }: { median: number; longest: number; count: number }): void {
  console.log(`${what}: ${(1000 / median).toFixed(0)} fps at the median of ${count} frames, longest ${longest.toFixed(0)} ms`);
}

test('the pictures of a large run move smoothly', async ({ page, lab }) => {
  test.setTimeout(900_000);
  const address = await lab.big(JOBS, 60, Math.ceil(JOBS / 62.5));
  await visit(page, `${address}?tab=timeline`);
  const view = page.getByRole('region', { name: /^Timeline of/ });
  await expect(view.getByRole('button').first()).toBeVisible();
  for (const rule of ['fastp', 'fastqc', 'star_align']) await view.getByRole('button', { name: new RegExp(`${rule} ?[0-9]`) }).first().click();
  const box = (await view.boundingBox())!;
  const [x, y] = [box.x + box.width * 0.6, box.y + box.height * 0.6];
  await page.mouse.move(x, y);

  const zoomed = await frames(page, async () => {
    await page.keyboard.down('Control');
    for (let turn = 0; turn < 30; turn++) await page.mouse.wheel(0, turn % 15 < 8 ? -40 : 40);
    await page.keyboard.up('Control');
  });
  say('timeline, zoomed', zoomed);
  const moved = await frames(page, async () => {
    await page.mouse.down();
    for (let turn = 0; turn < 60; turn++) await page.mouse.move(x + 160 * Math.sin(turn / 5), y + 100 * Math.cos(turn / 7));
    await page.mouse.up();
  });
  say('timeline, moved', moved);
  const graph = page.locator('.rule-graph');
  const held = (await graph.boundingBox())!;
  const graphed = await frames(page, async () => {
    await page.mouse.move(held.x + 12, held.y + held.height / 2);
    await page.mouse.down();
    for (let turn = 0; turn < 60; turn++) await page.mouse.move(held.x + 12 + 40 * Math.sin(turn / 5), held.y + held.height / 2 - turn * 4);
    await page.mouse.up();
  });
  say('graph, moved', graphed);
  await page.getByRole('navigation', { name: 'Views of the run' }).getByRole('link', { name: 'Jobs' }).click();
  const list = page.getByRole('region', { name: 'Jobs' });
  await expect(list).toBeVisible();
  const scrolled = await frames(page, async () => {
    for (let turn = 0; turn < 60; turn++) await list.evaluate((list) => list.scrollBy(0, 300));
  });
  say('jobs, scrolled', scrolled);
  await page.getByRole('link', { name: 'Matrix' }).click();
  const matrix = page.getByRole('region', { name: 'Matrix' });
  await expect(matrix.getByRole('rowheader').first()).toBeVisible();
  const crossed = await frames(page, async () => {
    for (let turn = 0; turn < 60; turn++) await matrix.evaluate((list) => list.scrollBy(0, 120));
  });
  say('matrix, scrolled', crossed);
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  await session.send('Performance.enable');
  const { metrics } = await session.send('Performance.getMetrics');
  const heap = metrics.find((one) => one.name === 'JSHeapUsedSize')!.value;
  const tab = await sizeOfTab(page);
  console.log(`memory: ${(heap / 1e6).toFixed(0)} MB used by scripts, ${(tab / 1e6).toFixed(0)} MB by the tab's process in all`);

  // So loose that only a frozen picture fails.
  for (const one of [zoomed, moved, graphed, scrolled, crossed]) expect(1000 / one.median).toBeGreaterThan(8);
  expect(tab).toBeLessThan(500e6);
});
