// A real run whose rules write every kind of file: each file is previewed, new files appear, and failures explain themselves.

import { expect, isMarked, mark, row, test, visit } from '../fixtures';

// A report's frame logs what its policy forbids.
test.use({ expected: /Content Security Policy|sandbox|ERR_BLOCKED/ });

test('every kind of file of a real run is looked into', async ({ page, lab, doing }) => {
  test.setTimeout(120_000);
  const workspace = doing.workspace('kinds');
  await doing.run('so that there is a list');
  await visit(page, '/runs');
  await mark(page);
  const snakemake = workspace.snakemake('kinds', '--cores', '2', '--keep-going');
  await expect.poll(async () => (await lab.runs('kinds'))[0]?.jobs.success, { timeout: 60_000 }).toBe(5);
  await row(page, 'kinds').getByRole('link', { name: 'kinds' }).click();
  await page.getByRole('navigation', { name: 'Views of the run' }).getByRole('link', { name: 'Results' }).click();
  const list = page.getByRole('navigation', { name: 'Results' });
  const rule = async (name: string) => {
    // While a rule runs, something in its box moves.
    await page.getByRole('group', { name: /^Rule graph/ }).getByRole('link', { name: new RegExp(`^${name},`) }).focus();
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(new RegExp(`rule=${name}`));
  };
  const content = page.getByRole('region', { name: /^Content of/ });
  const open = async (name: string) => {
    await list.getByRole('link', { name: new RegExp(`^${name}`) }).click();
    await expect(page.getByRole('heading', { level: 2, name: new RegExp(`${name}$`) })).toBeVisible();
  };
  const rows = (n: number) => content.getByRole('row').nth(n);

  await rule('pictures');
  const benchmarks = page.getByRole('region', { name: 'Benchmarks' });
  await expect(benchmarks.getByRole('row')).toHaveCount(2);
  await benchmarks.getByRole('link', { name: 'the job' }).click();
  await expect(page.getByRole('complementary').getByRole('region', { name: 'Benchmark' })).toContainText('Clock');
  await page.keyboard.press('Escape');
  const picture = page.getByRole('img', { name: /^Content of/ });
  for (const [name, wide] of [
    ['plot.png', 64],
    ['plot.svg', 300],
  ] as const) {
    await open(name);
    await expect.poll(() => picture.evaluate((img: HTMLImageElement) => img.naturalWidth)).toBe(wide);
  }
  await open('paper.pdf');
  const paper = page.locator('iframe[title^="Content of"]');
  const address = await paper.getAttribute('src');
  const answer = await page.request.get(address!);
  expect([answer.status(), answer.headers()['content-type']]).toEqual([200, 'application/pdf']);

  await rule('tables');
  await open('table.csv');
  await expect(content.getByRole('columnheader', { name: /^value/ })).toContainText('number');
  await expect(content.getByRole('columnheader', { name: /^ok/ })).toContainText('yes or no');
  await expect(rows(3)).toContainText('name, 2');
  await expect(page.getByText('200 rows read, there are more')).toBeVisible();
  await content.evaluate((pane) => pane.scrollTo(0, pane.scrollHeight));
  await expect(page.getByText('400 rows read, there are more')).toBeVisible();
  await open('genes.tsv');
  await expect(content.getByRole('columnheader', { name: /padj/ })).toContainText('missing');
  await content.getByRole('button', { name: 'log2FoldChange' }).click();
  await expect(content.getByRole('columnheader', { name: /log2FoldChange/ })).toHaveAttribute('aria-sort', 'ascending');
  await expect(rows(1).getByRole('cell').nth(1)).toHaveText(/^-[3-9]/);
  await open('counts.parquet');
  await expect(page.getByText('200 of 1 200 rows read')).toBeVisible();
  await expect(rows(1)).toContainText('ENSG00000000000');

  await rule('texts');
  await open('report.md');
  await expect(content.getByRole('heading', { name: 'Differential expression' })).toBeVisible();
  await expect(content.getByRole('row').nth(1)).toHaveText(/TP53\s*1e-9/);
  await open('page.html');
  await expect(page.frameLocator('iframe').getByText('scripts run in here')).toBeVisible();
  await open('config.yaml');
  await expect(content.getByText('GRCm39')).toBeVisible();
  await content.getByText('ref').click();
  await expect(content.getByText('GRCm39')).toBeHidden();
  await open('stats.json');
  await expect(content.getByText('18342211')).toBeVisible();
  await open('notes.txt');
  await expect(content).toHaveText('first line\nsecond line with größe\n');
  await open('fit.py');
  await expect(content.locator('.c-comment').first()).toContainText('# A comment.');
  await open('analysis.ipynb');
  await expect(content.getByRole('heading', { name: 'Exploration' })).toBeVisible();
  await expect(content).toContainText('hello');
  await expect(content.getByRole('cell', { name: '41' })).toBeVisible();
  await expect(content.locator('[data-level=error]')).toHaveText('ZeroDivisionError: division by zero');

  await rule('biology');
  await open('genome.fa');
  await expect(content.getByRole('listitem').first()).toContainText('360 letters');
  await open('reads.fastq.gz');
  await expect(content.getByRole('listitem').first()).toContainText('mean Q 32.4');
  await expect(content.getByText('There is more in this file. Download it for the rest.')).toBeVisible();
  await open('calls.vcf.gz');
  await expect(content.getByRole('columnheader', { name: /QUAL/ })).toContainText('integer');
  await page.getByText('2 lines before the rows').click();
  await expect(page.getByText('##fileformat=VCFv4.2')).toBeVisible();
  for (const [name, header, text] of [
    ['peaks.bed', 'chrom', 'peak0'],
    ['genes.gff3', 'seqid', 'ID=gene0'],
    ['reads.sam', 'cigar', '10M'],
    ['reads.bam', 'cigar', 'read0'],
  ]) {
    await open(name);
    await expect(content.getByRole('columnheader', { name: new RegExp(header) })).toBeVisible();
    await expect(rows(1)).toContainText(text);
  }

  await rule('packed');
  for (const [name, text] of [
    ['bundle.zip', 'bundle/readme.txt'],
    ['bundle.tar.gz', 'bundle/counts.parquet'],
  ]) {
    await open(name);
    await expect(rows(1)).toContainText(text);
  }
  await open('model.rds');
  await expect(content).toContainText('SHA-256');
  await expect(content).toContainText('52 44 58 33');

  // A file that is created while its preview is open.
  await rule('late');
  await expect(list.getByRole('link', { name: /^result.txt/ })).toContainText('not there');
  await list.getByRole('link', { name: /^result.txt/ }).click();
  await expect(page.getByText('This file is not on the Flowo server.')).toBeVisible();
  workspace.write('release', '');
  await expect(content).toHaveText('here it is\n');
  await expect(list.getByRole('link', { name: /^result.txt/ })).toContainText('11 B');

  // Opens the directory, without knowing its content.
  await page.getByRole('group', { name: 'Files' }).getByRole('link', { name: 'Directory' }).click();
  await list.getByRole('link', { name: 'given' }).click();
  await list.getByRole('link', { name: /^counts.parquet/ }).click();
  await expect(page.getByText('200 of 1 200 rows read')).toBeVisible();

  await snakemake.done(1);
  const card = page.getByRole('region', { name: 'What went wrong' });
  await expect(card.getByRole('region', { name: 'End of the log' })).toContainText('ERROR: the index is older than the genome');
  await card.getByRole('link', { name: 'Open the log' }).click();
  await expect(page.getByRole('log').getByRole('listitem')).toHaveText(['reading the index', 'ERROR: the index is older than the genome']);
  expect(await isMarked(page), 'the page was never loaded again').toBe(true);
});
