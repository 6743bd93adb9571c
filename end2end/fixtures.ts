// The fixtures of every browser test: a server for its file, a signed-in browser, and a listener for console messages.
//
// A test starts with no runs in the database. It fails if a page logged an error or warning on the console, even if
// everything else went well, unless the test says which messages to expect.

import { type BrowserContext, test as base, expect, type Locator, type Page } from '@playwright/test';
import { ReportedRun, type RunProperties, Workspace } from './clients';
import { Lab } from './lab';

export { expect };

/** The server for the file whose tests are running. */
class Labs {
  private file = '';
  private lab: Lab | undefined;

  async of(file: string): Promise<Lab> {
    if (!this.lab || this.file !== file) {
      await this.close();
      this.lab = await Lab.open();
      this.file = file;
    }
    return this.lab;
  }

  async close(): Promise<void> {
    const lab = this.lab;
    this.lab = undefined;
    try {
      await lab?.stop();
    } finally {
      await lab?.destroy();
    }
  }
}

/** Ways to make something happen; whatever is still running at the end of a test is ended. */
export interface Doing {
  /** A directory with a workflow for the real Snakemake. */
  workspace(workflow: string): Workspace;
  /** A run made of single reports. */
  run(name: string, properties?: RunProperties): Promise<ReportedRun>;
}

interface Fixtures {
  lab: Lab;
  doing: Doing;
  /** Whether the browser has a session. */
  signedIn: boolean;
  /** Console messages that a test causes on purpose. */
  expected: RegExp | null;
}

export const test = base.extend<Fixtures, { labs: Labs }>({
  labs: [
    async ({}, use) => {
      const labs = new Labs();
      await use(labs);
      await labs.close();
    },
    { scope: 'worker', timeout: 120_000 },
  ],
  lab: [
    async ({ labs }, use, info) => {
      const lab = await labs.of(info.file);
      await lab.clear();
      await use(lab);
      if (info.status !== info.expectedStatus) await info.attach('flowod.log', { body: lab.log(), contentType: 'text/plain' });
    },
    { timeout: 120_000 },
  ],
  doing: async ({ lab }, use) => {
    const workspaces: Workspace[] = [];
    await use({
      workspace: (workflow) => {
        const workspace = new Workspace(lab, workflow);
        workspaces.push(workspace);
        return workspace;
      },
      run: (name, properties) => ReportedRun.begin(lab, name, properties),
    });
    await Promise.all(workspaces.map((one) => one.end()));
  },
  baseURL: async ({ lab }, use) => use(lab.url),
  signedIn: [true, { option: true }],
  expected: [null, { option: true }],
  context: async ({ context, lab, signedIn, expected }, use) => {
    const complaints = listen(context);
    if (signedIn) await signIn(context, lab);
    await use(context);
    const unexpected = complaints.filter((one) => !expected?.test(one));
    expect(unexpected, 'complaints on the console').toEqual([]);
  },
});

/** Gives the browser a session of the lab's owner. */
export async function signIn(context: BrowserContext, lab: Lab): Promise<void> {
  const known = sessions.get(lab);
  if (known) return context.addCookies(known);
  // Requested through the context, which stores the cookie of the answer.
  const answer = await context.request.post(`${lab.url}/sign-in`, { form: { key: new URL(lab.signInLink).searchParams.get('key')! } });
  expect(answer.url(), 'a sign-in link leads to the runs').toBe(`${lab.url}/runs`);
  sessions.set(lab, await context.cookies());
}

/** A sign-in link works once; further browsers get the cookie of the first. */
const sessions = new WeakMap<Lab, Awaited<ReturnType<BrowserContext['cookies']>>>();

/** Collects errors and warnings from all pages of a browser. */
function listen(context: BrowserContext): string[] {
  const complaints: string[] = [];
  context.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`${message.type()}: ${message.text()} (${message.location().url})`);
  });
  context.on('weberror', (error) => complaints.push(`exception: ${error.error().message}`));
  return complaints;
}

/** Opens a URL and waits until the page is hydrated and live. */
export async function visit(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await expect(chip(page)).toHaveText('live');
}

/** The live chip. */
export function chip(page: Page): Locator {
  return page.getByRole('status', { name: 'Connection' });
}

/** The rows of the runs table. */
export function rows(page: Page): Locator {
  return page.getByRole('region', { name: 'Runs' }).locator('tr[data-row]');
}

/** The row of the run with that name. */
export function row(page: Page, name: string): Locator {
  return rows(page).filter({ has: page.getByRole('link', { name, exact: true }) });
}

/** The names of the runs shown, from top to bottom. */
export async function names(page: Page): Promise<string[]> {
  return rows(page).locator('.name > a').allTextContents();
}

/** Leaves a mark in the page that a new document would not have. */
export async function mark(page: Page): Promise<void> {
  await page.evaluate(() => Object.assign(window, { marked: true }));
}

/** Whether this is still the marked document. */
export async function isMarked(page: Page): Promise<boolean> {
  return page.evaluate(() => 'marked' in window);
}
