// Results of a run: which outputs exist, what they contain, and that nothing in them acts in the viewer's name.

import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Page } from '@playwright/test';
import type { Lab } from '../lab';
import { type Doing, expect, test, visit } from '../fixtures';

const list = (page: Page) => page.getByRole('navigation', { name: 'Results' });

// A report's frame logs what its policy forbids.
test.use({ expected: /Content Security Policy|sandbox|ERR_BLOCKED|Failed to load resource/ });

/** A run whose only job created these files. */
async function made(lab: Lab, doing: Doing, files: Record<string, string | Buffer>, named: string[] = Object.keys(files)) {
  const directory = fs.mkdtempSync(path.join(lab.home, 'results-'));
  for (const [name, body] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    fs.writeFileSync(path.join(directory, name), body);
  }
  const run = await doing.run('results', { directory, planned: { map: 1 } });
  await run.finish(await run.job('map', { sample: 'alpha' }, { output: named }));
  return { run, directory };
}

const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFElEQVR4nGP8z8Dwn4GBgYGJAQoAHxcCAk+Uzr4AAAAASUVORK5CYII=', 'base64');

test('outputs of a rule are looked into, whatever they are', async ({ page, lab, doing }) => {
  const { run } = await made(lab, doing, { 'out/genes.tsv': 'gene\tlfc\nTP53\t1.5\nMYC\t-2\n', 'out/notes.txt': 'first\n<b>second</b>\n', 'out/plot.png': PNG, 'out/dds.rds': Buffer.from([0, 1, 2, 3]) }, [
    'out/genes.tsv',
    'out/notes.txt',
    'out/plot.png',
    'out/dds.rds',
    'out/gone.txt',
  ]);
  await visit(page, `${run.path}?tab=results`);
  await expect(list(page).getByRole('link', { name: /^gone.txt/ })).toContainText('not there');
  await list(page).getByRole('link', { name: 'map', exact: true }).click();
  await expect(page).toHaveURL(/rule=map/);

  await list(page).getByRole('link', { name: /genes.tsv/ }).click();
  const content = page.getByRole('region', { name: /^Content of/ });
  await expect(content.getByRole('row')).toHaveText(['Rowgenetext2 valueslfcnumber-21.5', '1TP531.5', '2MYC-2']);

  await list(page).getByRole('link', { name: /notes.txt/ }).click();
  await expect(content).toHaveText('first\n<b>second</b>\n');
  const saved = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download' }).click();
  expect(fs.readFileSync(await (await saved).path(), 'utf8')).toBe('first\n<b>second</b>\n');

  await list(page).getByRole('link', { name: /plot.png/ }).click();
  const picture = page.getByRole('img', { name: /^Content of/ });
  await expect.poll(() => picture.evaluate((img: HTMLImageElement) => img.naturalWidth)).toBe(2);

  await list(page).getByRole('link', { name: /dds.rds/ }).click();
  await expect(content).toContainText('00000000  00 01 02 03');
  await page.reload();
  await expect(content).toContainText('00000000  00 01 02 03');
});

test('a report runs in an origin of its own', async ({ page, lab, doing }) => {
  const evil = `<h1>Report</h1><script>
    const tell = (what) => parent.postMessage(what, '*');
    try { tell('cookie:' + document.cookie); } catch { tell('no cookie'); }
    try { parent.document.title; tell('reached the page'); } catch { tell('no page'); }
    fetch('/_fn/runs/list', { method: 'POST' }).then(() => tell('fetched'), () => tell('no fetch'));
  </script>`;
  const { run } = await made(lab, doing, { 'report.html': evil, 'evil.svg': '<svg xmlns="http://www.w3.org/2000/svg" onload="parent.postMessage(\'svg ran\', \'*\')"><script>parent.postMessage(\'svg ran\', \'*\')</script></svg>' });
  await visit(page, `${run.path}?tab=results&rule=map`);
  await page.evaluate(() => {
    const posted: string[] = [];
    Object.assign(window, { posted });
    addEventListener('message', (event) => posted.push(`${event.origin} ${String(event.data)}`));
  });
  await list(page).getByRole('link', { name: /report.html/ }).click();
  await expect(page.frameLocator('iframe').getByRole('heading')).toHaveText('Report');
  const posted = () => page.evaluate(() => [...(window as unknown as { posted: string[] }).posted].sort());
  await expect.poll(posted).toEqual(['null no cookie', 'null no fetch', 'null no page']);
  await list(page).getByRole('link', { name: /evil.svg/ }).click();
  await expect(page.getByRole('img', { name: /^Content of/ })).toBeVisible();
  expect(await posted()).toHaveLength(3);
});

test('an address of bytes is for one file, and for those who may see the run', async ({ page, playwright, lab, doing }) => {
  const { run } = await made(lab, doing, { 'a.txt': '0123456789', 'b.txt': 'other' });
  await visit(page, `${run.path}?tab=results&rule=map`);
  const href = (name: RegExp) => list(page).getByRole('link', { name }).getAttribute('href');
  const number = /file=(\d+)/.exec((await href(/a.txt/)) ?? '')?.[1];
  const other = /file=(\d+)/.exec((await href(/b.txt/)) ?? '')?.[1];
  const encoded = (text?: string) => Buffer.from(text ?? '').toString('base64url');
  const moved = await page.request.get(`${run.path}/raw?file=${number}`, { maxRedirects: 0 });
  expect(moved.status()).toBe(307);
  const address = moved.headers().location;

  const stranger = await playwright.request.newContext({ baseURL: lab.url });
  const whole = await stranger.get(address);
  expect([whole.status(), await whole.text()]).toEqual([200, '0123456789']);
  expect(whole.headers()['content-disposition']).toBe('attachment');
  expect(whole.headers()['content-security-policy']).toContain('sandbox');
  const part = await stranger.get(address, { headers: { Range: 'bytes=2-4' } });
  expect([part.status(), await part.text(), part.headers()['content-range']]).toEqual([206, '234', 'bytes 2-4/10']);
  expect((await stranger.get(address, { headers: { Range: 'bytes=20-' } })).status()).toBe(416);

  for (const changed of [address.replace(`.${encoded(number)}.`, `.${encoded(other)}.`), address.replace(/raw\/\d+/, 'raw/99999999999999'), address.replace(/\.s(\d+)\./, (_, number) => `.s${Number(number) + 1}.`)]) {
    expect(changed).not.toBe(address);
    expect((await stranger.get(changed)).status(), changed).toBe(404);
  }
  const asked = await stranger.get(`${run.path}/raw?file=${number}`, { maxRedirects: 0 });
  expect(asked.headers().location).toBe('/login');
  expect((await page.request.get(`${run.path}/raw?file=999999`, { maxRedirects: 0 })).status()).toBe(404);
  const elsewhere = await doing.run('another');
  expect((await page.request.get(`${elsewhere.path}/raw?file=${number}`, { maxRedirects: 0 })).status()).toBe(404);
  await stranger.dispose();
});
