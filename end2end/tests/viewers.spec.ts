// Whatever a file contains, the page that shows it hydrates, and everything else on it keeps working.
//
// Each file is rendered twice: by the server, whose page is then hydrated, and by the browser, which returns to the
// file from another view of the run. A console error or warning fails the test (fixtures.ts).

import * as fs from 'node:fs';
import * as path from 'node:path';
import * as zlib from 'node:zlib';
import type { Locator, Page } from '@playwright/test';
import { type Doing, expect, isMarked, mark, test, visit } from '../fixtures';
import type { Lab } from '../lab';

test.describe.configure({ timeout: 240_000 });

/** A file, and words that its preview contains. */
interface Kept {
  name: string;
  body: string | Buffer;
  has: string | RegExp;
}

const view = (page: Page) => page.locator('.results .view');
const content = (page: Page): Locator => page.getByRole('region', { name: /^Content of/ });
const views = (page: Page) => page.getByRole('navigation', { name: 'Views of the run' });

/** A run in a directory with these files. */
async function made(lab: Lab, doing: Doing, kept: Kept[]) {
  const directory = fs.mkdtempSync(path.join(lab.home, 'viewers-'));
  for (const { name, body } of kept) {
    fs.mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    fs.writeFileSync(path.join(directory, name), body);
  }
  const run = await doing.run('viewers', { directory, planned: { make: 1 } });
  await run.finish(await run.job('make', {}, { output: [kept[0].name] }));
  await run.close();
  return run;
}

const at = (run: { path: string }, name: string) => `${run.path}?tab=results&file=${encodeURIComponent(`./${name}`)}`;

/** The file is shown, and the page around it works. */
async function lives(page: Page, address: string, { name, has }: Kept): Promise<void> {
  await test.step(name, async () => {
    await visit(page, address);
    await expect(page.locator('html[data-awake]')).toHaveCount(1);
    await expect(page.locator('html[data-failed]')).toHaveCount(0);
    await expect(view(page)).toContainText(has);
    await mark(page);
    await views(page).getByRole('link', { name: 'Info' }).click();
    await expect(page).toHaveURL(/tab=info/);
    await page.goBack();
    await expect(page).toHaveURL(address);
    await expect(view(page)).toContainText(has);
    await views(page).getByRole('link', { name: 'Timeline' }).click();
    await expect(page).toHaveURL(/tab=timeline/);
    expect(await isMarked(page), `${name}: the page was never loaded again`).toBe(true);
  });
}

async function allLive(page: Page, lab: Lab, doing: Doing, kept: Kept[]): Promise<void> {
  const run = await made(lab, doing, kept);
  for (const one of kept) await lives(page, at(run, one.name), one);
}

const nested = (deep: number, inner = '') => '['.repeat(deep) + inner + ']'.repeat(deep);

/** Nested trees, as phylogenies are written. */
function phylogeny(levels: number): object {
  let tree: object = { name: 'leaf' };
  for (let level = 0; level < levels; level++) tree = { name: `node ${level}`, children: [tree, { name: `tip ${level}` }] };
  return { meta: { title: 'a phylogeny' }, tree };
}

/** Letters that HTML parsers drop, move, or take for the start of something. */
const ODD = ['\0', '\r', '\n', '\r\n', '', ' ', '\n\n\nthree', '\u00a0', '\ufeff', '\f', '\v', '\u001b[31m', '<', '&amp;', '</pre>', '<!--', '<table><td>', '\ufffe', '\u202e', '𝒳'];

test('values fold, however deep they nest', async ({ page, lab, doing }) => {
  await allLive(page, lab, doing, [
    { name: 'nested.json', body: nested(100), has: '[1]' },
    { name: 'deep.json', body: nested(5_000), has: 'too deep to be drawn, as text: [[[' },
    { name: 'tree40.json', body: JSON.stringify(phylogeny(40)), has: 'node 39' },
    { name: 'tree400.json', body: JSON.stringify(phylogeny(400)), has: 'node 399' },
    { name: 'nested.yaml', body: nested(105, '1'), has: 'too deep to be drawn, as text: [[[' },
    { name: 'levels.yaml', body: Array.from({ length: 90 }, (_, level) => `${' '.repeat(level)}k${level}:`).join('\n'), has: 'k0' },
    { name: 'wide.json', body: JSON.stringify(Array.from({ length: 9_000 }, (_, n) => n)), has: /\[9.000\]/ },
    { name: 'odd.json', body: JSON.stringify(Object.fromEntries(ODD.map((text, n) => [`${n}${text}`, text]))), has: '␀' },
    { name: 'odd-names.json', body: JSON.stringify(Object.fromEntries(ODD.map((text) => [text, [text]]))), has: '␀' },
    { name: 'cut.json', body: '{"a": 1, "b": [1, 2, {"c": "d', has: 'This file ends too early' },
  ]);

  const run = await made(lab, doing, [{ name: 'nested.json', body: JSON.stringify({ outer: { inner: { core: 'found' } } }), has: 'outer' }]);
  await visit(page, at(run, 'nested.json'));
  await expect(content(page).getByText('found')).toBeHidden();
  await content(page).getByText('inner').click();
  await expect(content(page).getByText('found')).toBeVisible();
});

test('markup is mended before it is shown, however it is written', async ({ page, lab, doing }) => {
  const wraps: [string, string][] = [
    ['<div>', '</div>'],
    ['<b>', ''],
    ['<blockquote>', ''],
    ['<ul><li>', ''],
    ['<table><tr><td>', ''],
    ['<a href="https://a.example">', ''],
    ['<p><table>', ''],
    ['<form><select>', ''],
    ['<svg><p>', ''],
    ['<ruby><rt>', ''],
  ];
  await allLive(page, lab, doing, [
    ...wraps.map(([begin, end], n) => ({ name: `deep-${n}.md`, body: `# Title\n\n${begin.repeat(600)}the core${end.repeat(600)}`, has: 'the core' })),
    { name: 'quotes.md', body: `${'>'.repeat(700)} the core`, has: 'the core' },
    { name: 'lists.md', body: Array.from({ length: 200 }, (_, level) => `${'  '.repeat(level)}- item ${level}`).join('\n'), has: 'item 199' },
    { name: 'odd.md', body: `# Odd\n\n${ODD.filter((text) => text !== '\0').join('\n\n')}\n\nthe end`, has: 'Odd' },
    { name: 'open.md', body: 'begin <a href="x.md"><b><i><table><td><a href="y.md">inner\n\n</p></div></span> after', has: 'after' },
    { name: 'broken.html', body: `<p>seen ${'<div>'.repeat(700)}deep`, has: '' },
  ]);
});

test('notebooks show old and odd cells, and outputs as a terminal left them', async ({ page, lab, doing }) => {
  const code = (source: string, outputs: object[]) => ({ cell_type: 'code', execution_count: 1, metadata: {}, source, outputs });
  const stream = (text: string | string[]) => ({ output_type: 'stream', name: 'stderr', text });
  const book = (cells: object[]) => JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells });
  const old = {
    nbformat: 3,
    nbformat_minor: 0,
    metadata: { name: 'old' },
    worksheets: [
      {
        cells: [
          { cell_type: 'heading', level: 1, source: 'An old one' },
          { cell_type: 'code', input: '1+1', language: 'python', outputs: [{ output_type: 'pyout', prompt_number: 7, text: '2' }], prompt_number: 7 },
        ],
      },
    ],
  };
  const odd = [...ODD.map((text) => code(text, [stream(text), { output_type: 'error', ename: text, evalue: text, traceback: [text] }])), ...ODD.map((text) => ({ cell_type: 'markdown', source: text }))];
  const deep = ['<div>', '<b>', '<table><tr><td>', '<ul><li>'].map((begin) => code('x', [{ output_type: 'display_data', data: { 'text/html': `${begin.repeat(600)}the core` } }]));
  const kept: Kept[] = [
    { name: 'v3.ipynb', body: JSON.stringify(old), has: 'An old one' },
    { name: 'progress.ipynb', body: book([code('tqdm', [stream(['\r  0%|     | 0/3', '\r 33%|#    | 1/3']), stream('\r100%|#####| 3/3\n')])]), has: '100%|#####| 3/3' },
    { name: 'odd.ipynb', body: book(odd), has: '␀' },
    { name: 'deep.ipynb', body: book(deep), has: 'the core' },
    { name: 'many.ipynb', body: book(Array.from({ length: 400 }, (_, n) => code(`cell ${n}`, []))), has: '100 more cells' },
    { name: 'cut.ipynb', body: book([code('words', [])]).slice(0, -20), has: 'This file ends too early' },
  ];
  const run = await made(lab, doing, kept);

  for (const one of kept) await lives(page, at(run, one.name), one);

  await visit(page, at(run, 'progress.ipynb'));
  await expect(content(page)).not.toContainText('33%');
  await visit(page, at(run, 'v3.ipynb'));
  await expect(content(page).getByRole('heading', { name: 'An old one' })).toBeVisible();
  await expect(content(page)).toContainText('[7]');
});

test('tables and sequences take any letters', async ({ page, lab, doing }) => {
  const cells = ODD.map((text) => `"${text.replaceAll('\0', '␀').replaceAll('"', '""')}"`);
  const gff = '##gff-version 3\nc1\tx\tgene\t1\t9\t.\t+\t.\tID=a\n###\nc1\tx\tgene\t11\t19\t.\t+\t.\tID=b\n##FASTA\n>c1 the sequence\n' + 'ACGTACGTAC\n'.repeat(40);
  const kept: Kept[] = [
    { name: 'odd.csv', body: `a,b\n${cells.map((cell, n) => `${n},${cell}`).join('\n')}\n`, has: 'rows' },
    { name: 'odd.tsv', body: `a\t\r\t<b>\n1\t \t\n\t\t\n\u00a0\t\f\t\v\n`, has: 'rows' },
    { name: 'annotated.gff3', body: gff, has: 'ID=b' },
    { name: 'odd.fa', body: `>${ODD.slice(4).join(' ')}\nAC<GT\n>\n\n>\t\nAC\n`, has: 'letters' },
    { name: 'truncated.fastq', body: '@r1\nACGT\n+\nIIII\n@r2\nAC', has: 'This file ends too early' },
    { name: 'odd.log', body: ODD.filter((text) => text !== '\0').join('\n'), has: 'three' },
    { name: 'nul.rds', body: Buffer.from([0, 1, 2, 3]), has: 'SHA-256' },
    { name: 'truncated.txt.gz', body: zlib.gzipSync('one\ntwo\nthree\n'.repeat(5_000)).subarray(0, 60), has: 'This file ends too early' },
    { name: 'empty.csv', body: '', has: '' },
    { name: 'empty.json', body: '', has: '' },
    { name: 'empty.md', body: '', has: '' },
    { name: 'empty.txt', body: '', has: '' },
    { name: 'empty.fa', body: '', has: '' },
    { name: 'one.txt', body: '\n', has: '' },
  ];
  const run = await made(lab, doing, kept);

  for (const one of kept) await lives(page, at(run, one.name), one);

  await visit(page, at(run, 'annotated.gff3'));
  await expect(page.getByText('2 rows')).toBeVisible();
  const letters = page.getByRole('region', { name: /^Sequences of/ });
  await expect(letters.getByRole('listitem')).toHaveCount(1);
  await expect(letters).toContainText('400 letters');
  await visit(page, at(run, 'truncated.txt.gz'));
  await expect(view(page)).not.toContainText('shows the rest');
});

test('a report leads to what lies beside it, and a directory lists', async ({ page, lab, doing }) => {
  const picture = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==', 'base64');
  const report = '# Report\n\n![plot](plot.png)\n\nSee [the table](../tables/a%20b.csv), [all of them](../tables), [the web](https://a.example/) and a note[^1].\n\n[^1]: The note.\n\n[out](../../secret) [top](/runs)\n';
  const run = await made(lab, doing, [
    { name: 'out/report.md', body: report, has: 'Report' },
    { name: 'out/plot.png', body: picture, has: '' },
    { name: 'tables/a b.csv', body: 'name,value\nalpha,1\n', has: 'alpha' },
    { name: 'tables/inner/deep.txt', body: 'inside\n', has: 'inside' },
  ]);
  await visit(page, at(run, 'out/report.md'));
  await mark(page);

  await expect.poll(() => content(page).getByRole('img', { name: 'plot' }).evaluate((img: HTMLImageElement) => img.naturalWidth)).toBe(1);
  await expect(content(page).getByRole('link', { name: 'the web' })).toHaveAttribute('target', '_blank');
  await expect(content(page).getByText('out', { exact: true })).not.toHaveAttribute('href');
  await content(page).getByRole('link', { name: 'the table' }).click();
  await expect(content(page).getByRole('row').nth(1)).toContainText('alpha');
  await page.goBack();
  await content(page).getByRole('link', { name: 'all of them' }).click();
  await expect(content(page).getByRole('listitem')).toHaveText([/inner\/\s*directory/, /a b\.csv\s*19\sB/]);
  await content(page).getByRole('link', { name: 'inner/' }).click();
  await content(page).getByRole('link', { name: 'deep.txt' }).click();
  await expect(content(page)).toHaveText('inside\n');
  expect(await isMarked(page), 'the page was never loaded again').toBe(true);
});

test.describe('when the program of a page breaks', () => {
  test.use({ expected: /unreachable/ });

  test('its links go on working, and the reader is told', async ({ page, lab, doing }) => {
    const run = await made(lab, doing, [{ name: 'notes.txt', body: 'some notes\n', has: 'some notes' }]);
    await visit(page, at(run, 'notes.txt'));
    await expect(page.locator('#failed')).toBeHidden();
    await mark(page);

    await page.evaluate(() => {
      queueMicrotask(() => {
        throw new WebAssembly.RuntimeError('unreachable');
      });
    });

    await expect(page.locator('#failed')).toContainText('This page stopped working.');
    await expect(content(page)).toContainText('some notes');
    await views(page).getByRole('link', { name: 'Info' }).click();
    await expect(page).toHaveURL(/tab=info/);
    await expect(page.locator('html[data-awake]')).toHaveCount(1);
    expect(await isMarked(page), 'a page was loaded').toBe(false);
    await expect(page.locator('#failed')).toBeHidden();
  });
});
