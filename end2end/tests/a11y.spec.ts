// Accessibility, as far as a machine can check it: each view, light and dark, wide and narrow.
//
// What axe cannot check (focus order, meaning of words) is up to keys.spec.ts and to people.

import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { type Doing, expect, row, test, visit } from '../fixtures';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa'];
const SCHEMES = ['light', 'dark'] as const;
const SIZES = [
  { width: 1440, height: 900 },
  { width: 360, height: 740 },
];

/** Creates runs in several states, with everything that a row can hold; returns the URL of a failed one. */
async function furnish(doing: Doing): Promise<string> {
  const failed = await doing.run('a name that is longer than there is room for it, as names of workflows are', {
    tags: ['qc', 'rna', 'a longer tag than most'],
    planned: { map: 4, call: 2 },
    graph: [['map', 'call'], ['call', 'all']],
    directory: '/data/projects/liver/2026/a/directory/that/goes/on',
  });
  await failed.finish(await failed.job('map', { sample: 'alpha', unit: 'u1' }, { input: ['reads/alpha.fq'], output: ['mapped/alpha.bam'] }));
  await failed.fail(await failed.job('call', { sample: 'alpha' }, { input: ['mapped/alpha.bam'], output: ['called/alpha.vcf'] }), 'CalledProcessError');
  await failed.close();
  const again = await doing.run('again', { directory: '/data/projects/liver/2026/a/directory/that/goes/on', planned: { map: 4 } });
  await again.job('map', { sample: 'beta', unit: 'u1' });
  const done = await doing.run('done', { planned: { map: 1 } });
  await done.finish(await done.job('map'));
  await done.close();
  return failed.path;
}

/** A view, and how to get there. */
interface View {
  name: string;
  open: (page: Page, run: string) => Promise<void>;
  empty?: boolean;
}

const VIEWS: View[] = [
  { name: 'the first-run card', empty: true, open: (page) => visit(page, '/runs') },
  { name: 'the first-run card for other clients', empty: true, open: (page) => visit(page, '/runs?c=other') },
  { name: 'the list of runs', open: (page) => visit(page, '/runs') },
  { name: 'a filter with a mistake', open: (page) => visit(page, '/runs?q=colour%3Ared%20tag%3Aqc') },
  { name: 'a filter that nothing passes', open: (page) => visit(page, '/runs?q=nowhere') },
  { name: 'a failed run', open: (page, run) => visit(page, run) },
  {
    name: 'a job beside the others of its rule',
    open: async (page, run) => {
      await visit(page, `${run}?rule=map`);
      await page.getByRole('region', { name: 'Jobs' }).getByRole('link', { name: /^Job 1 / }).click();
      await expect(page.getByRole('complementary', { name: 'map' })).toBeVisible();
    },
  },
  {
    name: 'samples against rules',
    open: async (page, run) => {
      await visit(page, `${run}?as=matrix`);
      await expect(page.getByRole('link', { name: /^alpha, call: Failed/ })).toBeVisible();
    },
  },
  {
    name: 'the timeline',
    open: async (page, run) => {
      await visit(page, `${run}?tab=timeline`);
      await expect(page.getByRole('region', { name: /^Timeline of/ }).getByRole('button', { name: /map/ })).toBeVisible();
    },
  },
  { name: 'the timeline as a table', open: (page, run) => visit(page, `${run}?tab=timeline&as=table`) },
  { name: 'the results of a run', open: (page, run) => visit(page, `${run}?tab=results&rule=map`) },
  { name: 'the logs of a run', open: (page, run) => visit(page, `${run}?tab=logs`) },
  { name: 'the code of a run', open: (page, run) => visit(page, `${run}?tab=code`) },
  { name: 'the files of a run', open: (page, run) => visit(page, `${run}?tab=files`) },
  { name: 'the history of a run', open: (page, run) => visit(page, `${run}?tab=history`) },
  {
    name: 'a run as it was',
    open: async (page, run) => {
      await visit(page, `${run}?at=${Date.now() - 1}`);
      await expect(page.getByRole('slider', { name: 'Moment' })).toBeVisible();
    },
  },
  { name: 'what else is known of a run', open: (page, run) => visit(page, `${run}?tab=info`) },
  { name: 'a folded graph', open: (page, run) => visit(page, `${run}?graph=closed`) },
  {
    name: 'the name and tags of a run, to be edited',
    open: async (page, run) => {
      await visit(page, run);
      await page.getByRole('button', { name: 'Edit name and tags' }).click();
      await expect(page.getByRole('textbox', { name: 'Name' })).toBeFocused();
    },
  },
  { name: 'the sign-in page', open: async (page) => void (await page.goto('/login', { waitUntil: 'networkidle' })) },
  { name: 'the page of an address that leads nowhere', open: async (page) => void (await page.goto('/nowhere', { waitUntil: 'networkidle' })) },
  {
    name: 'the palette',
    open: async (page) => {
      await visit(page, '/runs');
      await page.keyboard.press('Control+k');
      await expect(page.getByRole('option', { name: /again/ })).toBeVisible();
    },
  },
  {
    name: 'the question before a deletion',
    open: async (page, run) => {
      await visit(page, run);
      await page.getByRole('button', { name: 'Delete' }).click();
      await expect(page.getByRole('dialog', { name: /^Delete/ })).toBeVisible();
    },
  },
  {
    name: 'the list of keys',
    open: async (page) => {
      await visit(page, '/runs');
      await page.keyboard.press('?');
      await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible();
    },
  },
  {
    name: 'the user menu',
    open: async (page) => {
      await visit(page, '/runs');
      await page.getByRole('button', { name: /^Account of/ }).click();
      await expect(page.getByRole('menuitem', { name: 'Sign out' })).toBeVisible();
    },
  },
  {
    name: 'the card of the live chip',
    open: async (page) => {
      await visit(page, '/runs');
      await page.getByRole('button', { name: /^live/ }).click();
      await expect(page.locator('#live-card')).toBeVisible();
    },
  },
  {
    name: 'selected runs',
    open: async (page) => {
      await visit(page, '/runs');
      await page.keyboard.press('j');
      await page.keyboard.press('x');
      await expect(page.getByRole('toolbar', { name: 'Selected runs' })).toBeVisible();
    },
  },
];

/** The findings of axe, one per line. */
async function findings(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target.join(' ')}: ${(node.failureSummary ?? '').split('\n').slice(1).join('; ').trim()}`),
  );
}

/** Elements that are wider than the window, or that scroll sideways without being code. */
async function tooWide(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const tell = (element: Element) => `${element.tagName.toLowerCase()}.${[...element.classList].join('.')} ${element.scrollWidth} > ${element.clientWidth}`;
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) found.push(tell(root));
    for (const element of document.body.querySelectorAll('*')) {
      const { overflowX, visibility } = getComputedStyle(element);
      const scrolls = ['auto', 'scroll'].includes(overflowX) && visibility === 'visible' && element.clientWidth > 0;
      if (scrolls && !element.matches('pre, code, .graph') && element.scrollWidth > element.clientWidth + 1) found.push(tell(element));
    }
    return found;
  });
}

// Chromium itself logs the 404 of the page that does not exist.
test.use({ expected: /status of 404 .*\/nowhere/ });

for (const { name, open, empty } of VIEWS) {
  test(`axe finds nothing in ${name}`, async ({ page, doing }) => {
    const run = empty ? '' : await furnish(doing);
    for (const size of SIZES) {
      await page.setViewportSize(size);
      await open(page, run);
      for (const colorScheme of SCHEMES) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });

        expect.soft(await findings(page), `${colorScheme}, ${size.width} px`).toEqual([]);
      }
      if (size.width === 360) expect.soft(await tooWide(page), 'scrolls sideways at 360 px').toEqual([]);
    }
  });
}

test('a run can be opened and read on a phone', async ({ page, doing }) => {
  await page.setViewportSize(SIZES[1]);
  await furnish(doing);
  await visit(page, '/runs');

  await row(page, 'again').getByRole('link', { name: 'again' }).click();

  await expect(page.getByRole('heading', { level: 1 })).toHaveText('again');
  await expect(page.getByRole('region', { name: 'Jobs' }).getByText('sample=beta unit=u1')).toBeVisible();
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Runs' }).click();
  await expect(page).toHaveURL('/runs');
});

test('the skip link leads to the content', async ({ page, doing }) => {
  await furnish(doing);
  await visit(page, '/runs');

  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused();
  await page.keyboard.press('Enter');

  await expect(page.getByRole('main')).toBeFocused();
});
