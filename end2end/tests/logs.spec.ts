// Logs of a run: the list, earlier and later lines, lines written meanwhile, and text that stays text.

import * as fs from 'node:fs';
import * as path from 'node:path';
import * as zlib from 'node:zlib';
import type { Page } from '@playwright/test';
import type { Lab } from '../lab';
import { type Doing, expect, test, visit } from '../fixtures';

const list = (page: Page) => page.getByRole('navigation', { name: 'Logs' });
const log = (page: Page) => page.getByRole('log');
const lines = (page: Page) => log(page).getByRole('listitem');

/** A run in a real directory whose job `map` has a log with `text`. */
async function written(lab: Lab, doing: Doing, text: string) {
  const directory = fs.mkdtempSync(path.join(lab.home, 'logs-'));
  fs.mkdirSync(path.join(directory, 'logs'));
  const file = path.join(directory, 'logs/map-alpha.log');
  fs.writeFileSync(file, text);
  const run = await doing.run('logs', { directory, planned: { map: 2, call: 1 } });
  const job = await run.job('map', { sample: 'alpha' }, { log: ['logs/map-alpha.log'] });
  await run.job('call', { sample: 'beta' }, { log: ['logs/call-beta.log'] });
  return { run, job, file, directory };
}

test('a log opens at its end, and what is written appears', async ({ page, lab, doing }) => {
  const { run, file } = await written(lab, doing, 'begin\n\x1b[31mred\x1b[0m\nWARNING: odd\n');
  await visit(page, `${run.path}?tab=logs&rule=map`);
  await expect(list(page).getByRole('link', { name: 'alpha' })).toHaveAttribute('aria-current', 'true');
  await expect(lines(page)).toHaveText(['begin', 'red', 'WARNING: odd']);
  await expect(lines(page).nth(2)).toHaveAttribute('data-level', 'warning');
  await expect(lines(page).nth(1).locator('.ink-r')).toHaveText('red');

  fs.appendFileSync(file, 'half a li');
  await expect(lines(page)).toHaveText(['begin', 'red', 'WARNING: odd', 'half a li']);
  fs.appendFileSync(file, 'ne\nError in rule map\n');
  await expect(lines(page)).toHaveText(['begin', 'red', 'WARNING: odd', 'half a line', 'Error in rule map']);

  fs.writeFileSync(file, 'anew\n');
  await expect(lines(page)).toHaveText(['anew']);

  await page.goto(`${run.path}?tab=logs&rule=call`);
  await expect(page.getByText('This file is not on the Flowo server.')).toBeVisible();
});

test('a log of five gigabytes opens at its end and is read on in both directions', async ({ page, lab, doing }) => {
  const { run, file } = await written(lab, doing, '');
  const end = Array.from({ length: 30_000 }, (_, n) => `line ${n} of the end\n`).join('');
  const size = 5 * 2 ** 30;
  const big = fs.openSync(file, 'w');
  fs.ftruncateSync(big, size - end.length);
  fs.writeSync(big, `\n${end}`, size - end.length - 1);
  fs.closeSync(big);
  await visit(page, `${run.path}?tab=logs&rule=map`);
  await expect(lines(page).last()).toHaveText('line 29999 of the end');
  await expect(page.getByText('5.4 GB')).toBeVisible();

  const first = async () => Number(/^line (\d+)/.exec((await lines(page).first().textContent()) ?? '')?.[1]);
  const before = await first();
  await log(page).evaluate((pane) => pane.scrollTo(0, 0));
  await expect.poll(first).toBeLessThan(before);
  const shown = await lines(page).allTextContents();
  expect(shown.map((line) => Number(/\d+/.exec(line)?.[0]))).toEqual(Array.from({ length: shown.length }, (_, n) => 30_000 - shown.length + n));
});

test('what a log says stays text', async ({ page, lab, doing }) => {
  const evil = ['<img src=x onerror=alert(1)>', '<script>alert(1)</script>', '\x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07', '&lt;b&gt;', '\u202eright to left'];
  const { run } = await written(lab, doing, evil.join('\n'));
  let alarms = 0;
  page.on('dialog', (dialog) => {
    alarms++;
    void dialog.dismiss();
  });
  await visit(page, `${run.path}?tab=logs&rule=map`);
  await expect(lines(page)).toHaveText([evil[0], evil[1], 'link', '&lt;b&gt;', 'right to left']);
  expect(await log(page).locator('img, script, a:not(.ln)').count()).toBe(0);
  expect(alarms).toBe(0);
});

test('words are found in a large log, and lead to their line', async ({ page, lab, doing }) => {
  const lines_ = Array.from({ length: 400_000 }, (_, n) => (n % 90_000 === 7 ? `line ${n}: Needle here` : `line ${n}: hay and more hay`));
  const { run } = await written(lab, doing, `${lines_.join('\n')}\n`);
  await visit(page, `${run.path}?tab=logs&rule=map`);
  await expect(lines(page).last()).toHaveText('line 399999: hay and more hay');
  await page.getByRole('searchbox', { name: 'Find in this log' }).fill('needle');
  await page.keyboard.press('Enter');
  const found = page.getByRole('region', { name: 'Lines found' });
  await expect(found.getByRole('link', { name: /Needle here/ })).toHaveText([7, 90_007, 180_007, 270_007, 360_007].map((n) => `line ${n}: Needle here`));
  await expect(found.getByRole('status')).toHaveText('5 lines');

  await found.getByRole('link', { name: 'line 180007: Needle here' }).click();
  await expect(lines(page).first()).toHaveText('line 180007: Needle here');
  await expect(lines(page).first()).toHaveAttribute('data-at', '');
  await expect(found.getByRole('link', { name: /Needle here/ })).toHaveCount(5);
  await page.reload();
  await expect(lines(page).first()).toHaveText('line 180007: Needle here');
  await found.getByRole('link', { name: 'Close the results' }).click();
  await expect(found).toHaveCount(0);
});

test('a log that is written over reads the same while it is followed and after a reload', async ({ page, lab, doing }) => {
  const { run, file } = await written(lab, doing, 'begin\n\r10%');
  await visit(page, `${run.path}?tab=logs&rule=map`);
  await expect(lines(page)).toHaveText(['begin', '10%']);
  for (const percent of [11, 12, 60]) {
    fs.appendFileSync(file, `\r${percent}%`);
    await expect(lines(page)).toHaveText(['begin', `${percent}%`]);
  }
  fs.appendFileSync(file, '\nouter 0\n\rinner 1\x1b[A\n\rinner 2\x1b[A\router 1');
  await expect(lines(page)).toHaveText(['begin', '60%', 'outer 1', 'inner 2']);
  fs.appendFileSync(file, '\n\nend\n');
  const end = ['begin', '60%', 'outer 1', 'inner 2', 'end'];
  await expect(lines(page)).toHaveText(end);
  await page.reload();
  await expect(lines(page)).toHaveText(end);
});

test('errors are found in all of a log, and figures are none', async ({ page, lab, doing }) => {
  const text = Array.from({ length: 300_000 }, (_, n) => (n % 40_000 === 3 ? `ERROR number ${n}` : `line ${n} of many: Error rate: 0.01, with more words`));
  const { run } = await written(lab, doing, `${text.join('\n')}\nError rate: 0.01\n`);
  await visit(page, `${run.path}?tab=logs&rule=map`);
  await expect(lines(page).last()).toHaveText('Error rate: 0.01');
  await expect(lines(page).last()).not.toHaveAttribute('data-level', /.*/);
  await page.getByRole('combobox', { name: 'Find by level' }).selectOption('error');
  const found = page.getByRole('region', { name: 'Lines found' });
  await expect(found.getByRole('status')).toHaveText('8 errors');
  await expect(found.getByRole('link', { name: /ERROR number/ })).toHaveCount(8);
  await page.reload();
  await expect(found.getByRole('status')).toHaveText('8 errors');
});

test('a log is read packed, with zeros, in other letters, or by its bytes', async ({ page, lab, doing }) => {
  const { run, directory } = await written(lab, doing, 'x\n');
  const put = (name: string, bytes: Uint8Array | string) => fs.writeFileSync(path.join(directory, name), bytes);
  const open = (name: string) => visit(page, `${run.path}?tab=logs&file=${encodeURIComponent(`./${name}`)}`);
  put('packed.log.gz', zlib.gzipSync('line 1\nERROR line 2\n'));
  await open('packed.log.gz');
  await expect(lines(page)).toHaveText(['line 1', 'ERROR line 2']);
  await expect(page.getByText('Unpacked with gzip.')).toBeVisible();

  put('nul.log', 'before\nwith \0\0 nul\nafter\n');
  await open('nul.log');
  await expect(lines(page)).toHaveText(['before', 'with \u2400\u2400 nul', 'after']);

  put('latin.log', Buffer.from('Gr\u00f6\u00dfe der \u00d6ffnung f\u00fcr \u00c4rzte\n', 'latin1'));
  await open('latin.log');
  await expect(lines(page)).toHaveText(['Gr\u00f6\u00dfe der \u00d6ffnung f\u00fcr \u00c4rzte']);
  const letters = page.getByRole('combobox', { name: 'Encoding' });
  await expect(letters.locator('option:checked')).toHaveText('Read as windows-1252 (guessed)');
  await letters.selectOption('windows-1251');
  await expect(page).toHaveURL(/encoding=windows-1251/);
  await expect(lines(page).first()).toContainText('Gr\u0446\u042fe');

  put('program', Buffer.from('7f454c46020101000000000000000000030000000100', 'hex'));
  await open('program');
  await expect(page.getByText('00000000  7f 45 4c 46')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Download' })).toBeVisible();

  put('empty.log', '');
  await open('empty.log');
  await expect(page.getByText('It is empty so far.')).toBeVisible();
});
