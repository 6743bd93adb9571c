// Texts that strangers wrote into files, names and logs do nothing in the pages that show them.
//
// Every payload of payloads.ts is shown both as the browser renders it and as the server does. `Alarm` watches from
// outside for the effects of payloads that ran, and `acting` searches the page for content that could act. Reports may
// run anything in their frame, which has an opaque origin; only effects on our origin count.

import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Locator, Page, Request } from '@playwright/test';
import { type Doing, expect, test, visit } from '../fixtures';
import type { Lab } from '../lab';
import { corpus, documents, type Kept, type Kind, LAST, leavers, logged, named, of, type Payload, pictures, reports, seen, width } from '../payloads';

// There are many files, and each is opened twice.
test.describe.configure({ timeout: 240_000 });

/** How many outputs of one job are listed. */
const OUTPUTS = 12;

const list = (page: Page) => page.getByRole('navigation', { name: 'Results' });
const view = (page: Page) => page.locator('.results .view');
const frame = (page: Page) => view(page).frameLocator('iframe.page').locator('body');

/** Notices the effects of payloads that run in our origin. */
class Alarm {
  private readonly rung = new Set<string>();
  private readonly asked: Request[] = [];

  private constructor(
    private readonly page: Page,
    private readonly cookies: string[],
  ) {}

  /** Must be set before the page is opened. */
  static async set(page: Page): Promise<Alarm> {
    const context = page.context();
    const alarm = new Alarm(page, await cookies(page));
    context.on('dialog', (dialog) => {
      alarm.rung.add(`dialog: ${dialog.message()}`);
      dialog.dismiss().catch(() => 'its page has gone');
    });
    context.on('page', (other) => alarm.rung.add(`window: ${other.url()}`));
    context.on('request', (request) => {
      if (isPayloads(request.url())) alarm.asked.push(request);
    });
    page.on('download', (download) => alarm.rung.add(`download: ${download.suggestedFilename()}`));
    await page.addInitScript(() => {
      if (self !== top) return;
      const kept = { broken: [] as string[], posted: [] as string[] };
      Object.assign(window, { kept });
      // Our policy would stop most of what gets through, but that it had to is just as bad.
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, sample }) => {
        if (/^(script|base|form|object)/.test(effectiveDirective)) kept.broken.push(`${effectiveDirective} ${blockedURI} ${sample}`);
      });
      addEventListener('message', (event) => kept.posted.push(String(event.data)));
    });
    return alarm;
  }

  /** Everything noticed so far, for a page of ours. */
  async heard(): Promise<string[]> {
    const found = await this.page.evaluate(traces).catch(() => null);
    for (const what of found ?? []) this.rung.add(what);
    for (const request of this.asked) {
      if (!isFramed(request)) this.rung.add(`request: ${request.method()} ${request.url()}`);
    }
    return [...(await this.outside()), ...(found ? [] : ['the page went away'])];
  }

  /** Everything noticed so far, for a page with an opaque origin: what it does to itself does not matter. */
  async outside(): Promise<string[]> {
    for (const request of this.asked) {
      if (await hasSession(request)) this.rung.add(`request: ${request.method()} ${request.url()}`);
    }
    for (const one of await cookies(this.page)) {
      if (!this.cookies.includes(one)) this.rung.add(`cookie: ${one}`);
    }
    return [...this.rung];
  }

  /** The messages of frames to the page. */
  async posted(): Promise<string[]> {
    return this.page.evaluate(() => [...(window as unknown as { kept: { posted: string[] } }).kept.posted]);
  }

  /** Whether anything requested a payload's URL, with or without a session. */
  wasAsked(one: Payload): boolean {
    return this.asked.some((request) => request.url().includes(one.id));
  }
}

/** Whether only payloads use this URL. */
function isPayloads(address: string): boolean {
  const { pathname, search, hostname } = new URL(address);
  return pathname.startsWith('/pwned') || /[?&]pwned=/.test(search) || hostname === 'pwned.invalid';
}

function isFramed(request: Request): boolean {
  try {
    return request.frame().parentFrame() !== null;
  } catch {
    return true; // It does not belong to a page yet. A new page is noticed separately.
  }
}

/** Whether a request really left the browser with a cookie. */
async function hasSession(request: Request): Promise<boolean> {
  const headers = await request.allHeaders().catch(() => request.headers());
  return 'cookie' in headers;
}

async function cookies(page: Page): Promise<string[]> {
  return (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`);
}

/** Runs in the page: the traces that payloads left there. */
function traces(): string[] {
  const { __pwned, kept } = window as unknown as { __pwned?: unknown; kept?: { broken: string[] } };
  const stored = localStorage.getItem('pwned');
  return [
    ...(typeof __pwned === 'string' ? [`value: ${__pwned}`] : []),
    ...(document.title.startsWith('pwned-') ? [`title: ${document.title}`] : []),
    ...(stored === null ? [] : [`storage: ${stored}`]),
    ...(kept?.broken ?? []).map((what) => `policy: ${what}`),
  ];
}

/** Attributes in `area` that run code, load something, or link to code. */
async function attributes(area: Locator): Promise<string[]> {
  return area.evaluate((root) => {
    const addresses = ['href', 'xlink:href', 'src', 'srcset', 'action', 'formaction', 'data', 'poster', 'background'];
    const acts = /^(javascript|vbscript|livescript|data|blob|filesystem|file|view-source|feed|jar|intent):/;
    const found: string[] = [];
    for (const one of root.querySelectorAll('*')) {
      for (const { name, value } of one.attributes) {
        // Normalised as browsers do.
        const address = value.replaceAll(/[\0-\x20]/g, '').toLowerCase();
        const isPicture = one.matches('img') && name === 'src' && address.startsWith('data:image/');
        const acting =
          /^on/i.test(name) ||
          ['srcdoc', 'ping'].includes(name) ||
          (addresses.includes(name) && acts.test(address) && !isPicture) ||
          (name === 'style' && /url\(|expression|script|behavior|binding|\\/i.test(value));
        if (acting) found.push(`${one.tagName} ${name}=${value}`);
      }
    }
    return found;
  });
}

/** Elements in a preview that run, load or send something, except the frame of a report. */
async function elements(area: Locator): Promise<string[]> {
  return area.evaluate((root) => {
    const banned =
      'script, style, link, meta, base, form, object, embed, applet, iframe, frame, frameset, portal, fencedframe, foreignObject, animate, set, math, [usemap], [background]';
    const isReport = (one: Element) => one.matches('iframe.page[src^="/runs/"]:not([srcdoc])') && one.getAttribute('sandbox') === 'allow-scripts';
    return [...root.querySelectorAll(banned)].filter((one) => !isReport(one)).map((one) => one.outerHTML.slice(0, 200));
  });
}

/** Everything in a preview that could act. */
async function acting(area: Locator): Promise<string[]> {
  return [...(await elements(area)), ...(await attributes(area))];
}

/** Clicks every link that is not an ordinary web or mail link. */
async function follow(area: Locator): Promise<void> {
  const links = area.locator('a, area');
  const odd = await links.evaluateAll((all) =>
    all.map((one) => ['href', 'xlink:href'].some((name) => one.hasAttribute(name)) && !/^(https?|mailto):$/.test((one as HTMLAnchorElement).protocol)),
  );
  for (const [at, isOdd] of odd.entries()) {
    if (isOdd) await links.nth(at).dispatchEvent('click');
  }
}

/** Nothing in the page can act, and nothing has acted. */
async function isStill(page: Page, alarm: Alarm, what: string): Promise<void> {
  await follow(page.locator('body'));
  expect(await alarm.heard(), what).toEqual([]);
  expect(await attributes(page.locator('body')), what).toEqual([]);
  // Most payloads would turn into such elements.
  expect(await page.locator('[src="x"]').count(), what).toBe(0);
}

/** The same for a page with an open file. */
async function isQuiet(page: Page, alarm: Alarm, what: string): Promise<void> {
  await isStill(page, alarm, what);
  expect(await elements(view(page)), what).toEqual([]);
}

/** A run whose jobs created these files. */
async function made(lab: Lab, doing: Doing, kept: Kept[]) {
  const directory = fs.mkdtempSync(path.join(lab.home, 'payloads-'));
  for (const { path: name, body } of kept) {
    fs.mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    fs.writeFileSync(path.join(directory, name), body);
  }
  const names = kept.map((one) => one.path);
  const jobs = Math.ceil(names.length / OUTPUTS);
  const run = await doing.run('payloads', { directory, planned: { map: jobs } });
  for (let at = 0; at < jobs; at++) {
    await run.finish(await run.job('map', { part: `${at}` }, { output: names.slice(at * OUTPUTS, (at + 1) * OUTPUTS) }));
  }
  await run.close();
  return { run, results: `${run.path}?tab=results&rule=map` };
}

/** Opens a file from the list; returns its URL. */
async function open(page: Page, kept: Kept): Promise<string> {
  const link = list(page).getByTitle(kept.path, { exact: true });
  const address = new URL((await link.getAttribute('href'))!, page.url()).href;
  await link.click();
  await isOpen(page, kept, address);
  return address;
}

async function isOpen(page: Page, kept: Kept, address: string): Promise<void> {
  await expect(page).toHaveURL(address);
  await expect(view(page).locator('.preview-head h2')).toHaveAttribute('title', kept.path);
  await expect(view(page)).toBeVisible();
}

/** The marks that are not shown. */
async function unseen(content: Locator, payloads: Payload[]): Promise<string[]> {
  const text = await content.evaluate((root) => [...root.children].filter((one) => !one.matches('.preview-head')).map((one) => one.textContent).join('\n'));
  return payloads.map(seen).filter((mark) => !text.includes(mark));
}

/** Waits for the content of a file, whatever its kind. */
async function isShown(page: Page, kept: Kept): Promise<void> {
  if (/\.html?$/.test(kept.path)) {
    await expect.poll(() => unseen(frame(page), kept.payloads), `marks in ${kept.path}`).toEqual([]);
  } else if (/\.svg$/i.test(kept.path)) {
    const picture = view(page).getByRole('img', { name: /^Content of/ });
    await expect.poll(() => picture.evaluate((img: HTMLImageElement) => img.naturalWidth), `width of ${kept.path}`).toBe(width(kept.payloads[0]));
  } else {
    await expect.poll(() => unseen(view(page), kept.payloads), `marks in ${kept.path}`).toEqual([]);
  }
}

/** Opens each file as the browser renders it, then each as the server does. */
async function areHarmless(page: Page, lab: Lab, doing: Doing, kept: Kept[]) {
  const { run, results } = await made(lab, doing, kept);
  const alarm = await Alarm.set(page);
  await visit(page, results);
  const addresses: string[] = [];
  for (const one of kept) {
    await test.step(one.path, async () => {
      const address = await open(page, one);
      await isShown(page, one);
      await isQuiet(page, alarm, one.path);
      expect(page.url(), one.path).toBe(address);
      addresses.push(address);
    });
  }
  for (const [at, one] of kept.entries()) {
    await test.step(`${one.path}, from the server`, async () => {
      await visit(page, addresses[at]);
      await isOpen(page, one, addresses[at]);
      await isShown(page, one);
      await isQuiet(page, alarm, one.path);
      expect(page.url(), one.path).toBe(addresses[at]);
    });
  }
  return { run, alarm };
}

test('there are many payloads, of many kinds, and no two are the same', () => {
  const count = (...kinds: Kind[]) => of(...kinds).length;

  expect(new Set(corpus.map((one) => one.id)).size).toBe(corpus.length);
  expect(new Set(corpus.map((one) => one.name)).size).toBe(corpus.length);
  expect(new Set(corpus.map((one) => `${one.kind} ${one.shape}`)).size).toBe(corpus.length);
  expect(new Set(corpus.map((one) => one.shape)).size, 'attempts, wherever they stand').toBeGreaterThanOrEqual(360);
  expect(count('html', 'report script', 'report that ends', 'report markup', 'report that leaves')).toBeGreaterThanOrEqual(300);
  expect(count('SVG', 'SVG root')).toBeGreaterThanOrEqual(30);
  expect(count('markdown')).toBeGreaterThanOrEqual(50);
  expect(count('table cell', 'table header')).toBeGreaterThanOrEqual(40);
  expect(count('JSON value', 'JSON key', 'YAML', 'YAML tag')).toBeGreaterThanOrEqual(40);
  expect(count('notebook cell', 'notebook language')).toBeGreaterThanOrEqual(40);
  expect(count('file name')).toBeGreaterThanOrEqual(30);
  expect(count('log line')).toBeGreaterThanOrEqual(20);
  expect(count('ANSI')).toBeGreaterThanOrEqual(30);
  // Every payload is in a file, name or log that the tests below open.
  const files = [...Object.values(documents()).flat(), ...pictures(), ...reports(), ...leavers(), ...named()];
  const shown = new Set(files.flatMap((one) => one.payloads.map((payload) => payload.id)));
  const elsewhere: Kind[] = ['word of a run', 'log line', 'ANSI'];
  expect(corpus.filter((one) => !shown.has(one.id) && !elsewhere.includes(one.kind)).map((one) => one.name)).toEqual([]);
});

test.describe('in a page that takes them as they are', () => {
  // Such a page logs many messages.
  test.use({ expected: /./ });

  /** Serves a page in the server's origin without a policy, and one with a shortened version of ours. */
  async function prepare(page: Page): Promise<void> {
    await page.route('**/blank', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));
    await page.route('**/guarded', (route) =>
      route.fulfill({ contentType: 'text/html', headers: { 'content-security-policy': "script-src 'none'; object-src 'none'" }, body: '<!doctype html><img src=x onerror="top.__pwned=1">' }),
    );
  }

  test('payloads run, and the alarm hears them', async ({ page, lab }) => {
    await prepare(page);
    const alarm = await Alarm.set(page);
    const heard = async () => (await alarm.heard()).join('\n');
    await page.goto(`${lab.url}/blank`);
    expect(await alarm.heard()).toEqual([]);

    for (const one of corpus.filter((one) => one.traits.includes('fires'))) {
      await test.step(one.name, async () => {
        await page.goto(`${lab.url}/blank`);
        await page.setContent(`<!doctype html><body>${one.text}</body>`);
        await expect.poll(heard, one.text).toContain(one.id);
      });
    }
    for (const one of corpus.filter((one) => one.traits.includes('clicks'))) {
      await test.step(one.name, async () => {
        await page.goto(`${lab.url}/blank`);
        await page.setContent(`<!doctype html><body>${one.text}</body>`);
        await page.getByText('go').click();
        await expect.poll(heard, one.text).toContain(one.id);
      });
    }

    // The alarm has noticed every kind of effect.
    const ways = new Set((await alarm.heard()).map((what) => what.split(':')[0]));
    expect([...ways].sort()).toEqual(['cookie', 'dialog', 'request', 'storage', 'title', 'value', 'window']);
  });

  test('what a policy stopped is heard, too', async ({ page, lab }) => {
    await prepare(page);
    const alarm = await Alarm.set(page);

    await page.goto(`${lab.url}/guarded`);

    await expect.poll(async () => (await alarm.heard()).join('\n')).toContain('policy: script-src-attr');
  });

  test('what could act is found', async ({ page, lab }) => {
    await prepare(page);
    const alarm = await Alarm.set(page);
    await page.goto(`${lab.url}/blank`);
    for (const text of [
      '<p onclick="x()">go</p>',
      '<a href="java&Tab;script:void(0)">go</a>',
      '<a href="&#1;DATA:text/html,x">go</a>',
      '<svg><a xlink:href="vbscript:x">go</a></svg>',
      '<img src="data:text/html,x">',
      '<iframe class="page" sandbox="allow-scripts" srcdoc="x"></iframe>',
      '<iframe class="page" sandbox="allow-scripts allow-same-origin" src="/runs/1/raw/1"></iframe>',
      '<form action="/runs"></form>',
      '<b style="background:url(/x)">go</b>',
      '<object data="/x"></object>',
      '<meta http-equiv="refresh" content="99">',
    ]) {
      await page.locator('body').evaluate((body, text) => void (body.innerHTML = text), text);
      expect(await acting(page.locator('body')), text).not.toEqual([]);
    }
    for (const text of ['<img src="data:image/png;base64,AA==">', '<a href="https://127.0.0.1/">go</a>', '<iframe class="page" sandbox="allow-scripts" src="/runs/1/raw/1"></iframe>']) {
      await page.locator('body').evaluate((body, text) => void (body.innerHTML = text), text);
      expect(await acting(page.locator('body')), text).toEqual([]);
    }

    await page.locator('body').evaluate((body) => void (body.innerHTML = `<a href="javascript:alert('pwned')">go</a>`));
    await follow(page.locator('body'));

    await expect.poll(() => alarm.heard()).toContain('dialog: pwned');
  });
});

for (const [about, kept] of Object.entries(documents())) {
  test(`payloads in ${about} do nothing`, async ({ page, lab, doing }) => {
    await areHarmless(page, lab, doing, kept);
  });
}

test.describe('with frames and pictures', () => {
  // They log what their policy and sandbox forbid, and the resulting exceptions.
  test.use({ expected: /Content Security Policy|sandbox|ERR_|Failed to load resource|cross-origin frame|\/raw\/|^exception: / });

  test('payloads in names of files do nothing', async ({ page, lab, doing }) => {
    const { run, alarm } = await areHarmless(page, lab, doing, named());

    // The same files in the directory view.
    await visit(page, `${run.path}?tab=results&tree=named`);
    const names = named().map((one) => one.path.split('/')[1]);
    const missing = async () => {
      const text = (await list(page).textContent()) ?? '';
      return names.filter((name) => !text.includes(name));
    };
    await expect.poll(missing, 'names in the directory').toEqual([]);
    await isQuiet(page, alarm, 'the directory');
    for (const one of named().filter((one) => one.path.split('/').length === 2)) {
      await test.step(`${one.path}, from the directory`, async () => {
        const [payload] = one.payloads;
        await list(page).locator('a').filter({ hasText: seen(payload) }).click();
        await expect(view(page).locator('.preview-head h2')).toContainText(seen(payload));
        await isShown(page, one);
        await isQuiet(page, alarm, one.path);
      });
    }
  });

  test('payloads in pictures do nothing', async ({ page, lab, doing }) => {
    await areHarmless(page, lab, doing, pictures());
  });

  test('payloads in reports reach nothing outside of their frame', async ({ page, lab, doing }) => {
    const kept = [...reports(), LAST];
    const programs: Kind[] = ['report script', 'report that ends'];
    const { results } = await made(lab, doing, kept);
    const alarm = await Alarm.set(page);
    await visit(page, results);
    for (const one of reports()) {
      await test.step(one.path, async () => {
        const address = await open(page, one);
        await isShown(page, one);
        // Programs did run where they are allowed to.
        const ran = () => frame(page).evaluate(() => (self as unknown as { ran: string[] }).ran);
        await expect.poll(ran, `programs of ${one.path}`).toEqual(one.payloads.filter((payload) => programs.includes(payload.kind)).map((payload) => payload.id));
        await isQuiet(page, alarm, one.path);
        expect(page.url(), one.path).toBe(address);
      });
    }

    await open(page, LAST);
    await expect(frame(page).locator('#words')).toHaveText('all is over');

    await isQuiet(page, alarm, 'afterwards');
  });

  test('a report that leaves its frame takes no session along', async ({ page, lab, doing }) => {
    const { results } = await made(lab, doing, [...leavers(), LAST]);
    const alarm = await Alarm.set(page);
    await visit(page, results);
    for (const one of leavers()) {
      await test.step(one.path, async () => {
        const [payload] = one.payloads;
        const address = await open(page, one);
        await expect.poll(() => alarm.posted(), one.path).toContain(`leaving ${payload.id}`);
        await expect.poll(() => alarm.wasAsked(payload) || page.frames().every((frame) => !frame.url().includes('/raw/')), `${one.path} has left`).toBe(true);
        await isQuiet(page, alarm, one.path);
        expect(page.url(), one.path).toBe(address);
      });
    }

    await open(page, LAST);
    await expect(frame(page).locator('#words')).toHaveText('all is over');

    await isQuiet(page, alarm, 'afterwards');
  });

  test('pictures and reports have no origin at their own address', async ({ page, lab, doing }) => {
    const kept = [...pictures(), ...reports(), LAST];
    const { run, results } = await made(lab, doing, kept);
    const alarm = await Alarm.set(page);
    await visit(page, results);
    const addresses = await Promise.all(
      kept.map(async (one) => {
        const href = await list(page).getByTitle(one.path, { exact: true }).getAttribute('href');
        return `${run.path}/raw?file=${/file=(\d+)/.exec(href ?? '')?.[1]}`;
      }),
    );
    for (const [at, one] of kept.entries()) {
      await test.step(one.path, async () => {
        const isPicture = /\.svg$/i.test(one.path);
        // A report cannot be a page of its own: browsers save it, and its policy would keep it inert.
        const answer = isPicture ? await page.goto(addresses[at]) : await page.request.get(addresses[at]);
        const policy = answer!.headers()['content-security-policy'];
        expect(policy, one.path).toMatch(/^sandbox/);
        expect(policy, one.path).not.toContain('allow');
        expect(await alarm.outside(), one.path).toEqual([]);
      });
    }

    const saved = page.waitForEvent('download');
    // Navigating to a file that is saved does not succeed.
    await page.goto(addresses[kept.indexOf(LAST)]).catch(() => undefined);

    expect(await (await saved).failure()).toBe(null);
    await expect(page.getByText('all is over')).toHaveCount(0);
    expect(await alarm.outside()).toEqual(['download: last.html']);
  });
});

test('payloads in logs stay text', async ({ page, lab, doing }) => {
  // A NUL byte would make the log binary.
  const lines = corpus.filter((one) => !one.text.includes('\0'));
  const half = Math.ceil(lines.length / 2);
  const [first, second] = [lines.slice(0, half), lines.slice(half)];
  const directory = fs.mkdtempSync(path.join(lab.home, 'payloads-'));
  const file = path.join(directory, 'map.log');
  fs.writeFileSync(file, logged(first));
  const run = await doing.run('logs', { directory, planned: { map: 1 } });
  await run.job('map', {}, { log: ['map.log'] });
  const alarm = await Alarm.set(page);
  const log = page.getByRole('log');
  const isText = async (payloads: Payload[]) => {
    await expect
      .poll(async () => {
        const text = (await log.textContent()) ?? '';
        return payloads.map(seen).filter((mark) => !text.includes(mark));
      }, 'marks in the log')
      .toEqual([]);
    expect(await alarm.heard()).toEqual([]);
    expect(await log.locator('li :not(span):not(a.ln)').count(), 'anything but text in a line').toBe(0);
    expect(await attributes(page.locator('body'))).toEqual([]);
  };

  await visit(page, `${run.path}?tab=logs&rule=map`);
  await isText(first);
  fs.appendFileSync(file, logged(second));
  await isText(lines);

  await page.getByRole('searchbox', { name: 'Find in this log' }).fill('<script>');
  await page.keyboard.press('Enter');
  const found = page.getByRole('region', { name: 'Lines found' });
  await expect(found.getByRole('link', { name: /<script>/ }).first()).toBeVisible();
  expect(await found.locator('script, img, svg:not(:has(use))').count()).toBe(0);
  await page.reload();
  await expect(found.getByRole('link', { name: /<script>/ }).first()).toBeVisible();
  await isText(lines);
});

test('payloads in words of a run do nothing in any of its views', async ({ page, lab, doing }) => {
  const words = of('word of a run');
  const [name, tag, otherTag, rule, failing, key, value, otherValue, command, log, input, error] = words.map((one) => one.text);
  const directory = fs.mkdtempSync(path.join(lab.home, 'payloads-'));
  fs.mkdirSync(path.dirname(path.join(directory, log)), { recursive: true });
  fs.writeFileSync(path.join(directory, log), `${error}\n`);
  fs.writeFileSync(path.join(directory, 'out.txt'), 'made\n');
  const run = await doing.run(name, { directory, tags: [tag, otherTag], planned: { [rule]: 1, [failing]: 1 }, graph: [[rule, failing]] });
  const wildcards = { [key]: value, sample: otherValue };
  await run.finish(await run.job(rule, wildcards, { input: [input], output: ['out.txt'], log: [log], shellcmd: command }));
  await run.fail(await run.job(failing, wildcards, { input: ['out.txt'], log: [log], shellcmd: command }), error);
  await run.close();
  const alarm = await Alarm.set(page);
  const title = new RegExp(`^${seen(words[0])} <img`);

  for (const place of ['', '?as=matrix', '?as=graph', '?tab=timeline', '?tab=timeline&as=table', '?tab=results', '?tab=logs', '?tab=code', '?tab=files', '?tab=history', '?tab=info', `?find=${encodeURIComponent(value)}`]) {
    await test.step(place || 'jobs', async () => {
      await visit(page, `${run.path}${place}`);
      await expect(page.getByRole('heading', { level: 1 })).toHaveText(title);
      await isStill(page, alarm, place);
    });
  }
  for (const [one, tab] of [rule, failing].flatMap((one) => ['', 'results', 'logs', 'code', 'files'].map((tab) => [one, tab]))) {
    await test.step(`${tab || 'jobs'} of ${one}`, async () => {
      await visit(page, `${run.path}?tab=${tab}&rule=${encodeURIComponent(one)}`);
      await expect(page.getByRole('heading', { level: 1 })).toHaveText(title);
      await isStill(page, alarm, tab);
    });
  }
  await visit(page, run.path);
  await page
    .getByRole('link', { name: /^Job \d+ of/ })
    .first()
    .click();
  await expect(page.getByRole('complementary').getByRole('region', { name: 'Command' })).toContainText(seen(words[8]));
  await isStill(page, alarm, 'a job');
  await visit(page, '/runs');
  await expect(page.getByRole('link', { name }).first()).toBeVisible();
  await page.keyboard.press('Control+k');
  await page.keyboard.type(seen(words[0]));
  await expect(page.getByRole('dialog', { name: 'Search and commands' }).getByRole('option', { name: seen(words[0]) }).first()).toBeVisible();
  await isStill(page, alarm, 'the runs');

  // The report is opened from disk, where our HTTP policy does not apply.
  const report = await (await page.request.get(`${run.path}/report`)).text();
  await page.route('**/blank', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));
  await page.goto('/blank');
  await page.setContent(report);
  await expect(page.getByText(seen(words[0])).first()).toBeVisible();
  await isStill(page, alarm, 'the report');
});

test.describe('in the address', () => {
  // Most of these URLs do not exist.
  test.use({ expected: /Failed to load resource/ });

  test('payloads in the address of a page do nothing', async ({ page, lab, doing }) => {
    const texts = ['a script', 'a picture that fails', 'a script behind what holds data of a page', 'a comment that hides the end of a script', 'out of an attribute', 'out of an attribute of single quotes', 'a link'].map(
      (name) => corpus.find((one) => one.name === `html: ${name}`)!.text,
    );
    const run = await doing.run('addresses', { directory: lab.home, planned: { map: 1 } });
    await run.job('map', { sample: 'alpha' }, { output: ['out.txt'], log: ['map.log'] });
    const alarm = await Alarm.set(page);
    const ofRun = ['tab=', 'rule=', 'status=', 'sort=', 'after=', 'as=', 'as=matrix&by=', 'find=', 'job=', 'dir=', 'graph=', 'tab=files&find=', 'tab=files&path='].concat(
      ['tab=logs&file=', 'tab=logs&file=run&from=', 'tab=logs&rule=map&find=', 'tab=results&file=', 'tab=results&file==', 'tab=results&file=./', 'tab=results&tree='],
      ['tab=timeline&span=', 'tab=timeline&turned=', 'tab=timeline&idle=', 'tab=timeline&as='],
    );
    const places = [...ofRun.map((query) => `${run.path}?${query}`), '/runs?q=', '/runs?q=tag:', '/runs?q=status:', '/runs?sort=', '/runs?after=', '/runs/', '/'];
    for (const [at, place] of places.entries()) {
      for (const text of [texts[at % texts.length], texts[(at + 1) % texts.length]]) {
        await test.step(`${place}${text}`, async () => {
          await page.goto(`${place}${encodeURIComponent(text)}`);
          await expect(page.locator('html[data-awake]')).toHaveCount(1);
          await isStill(page, alarm, `${place}${text}`);
        });
      }
    }
  });
});
