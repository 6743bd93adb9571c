// Who gets in and who does not, and that nothing leaves the server.

import type { BrowserContext, Page } from '@playwright/test';
import { expect, rows, signIn, test, visit } from '../fixtures';
import type { Lab } from '../lab';

test.describe('signed out', () => {
  test.use({ signedIn: false });

  test('pages lead to the sign-in page', async ({ page }) => {
    for (const address of ['/', '/runs', '/runs?q=status%3Afailed', '/runs/0193a4c2-0000-7000-8000-000000000001']) {
      await page.goto(address);

      await expect(page).toHaveURL('/login');
      await expect(page.getByRole('heading', { name: 'Sign in', level: 1 })).toBeVisible();
      await expect(page.getByText('flowod link').first()).toBeVisible();
      await expect(page.getByRole('navigation')).toHaveCount(0);
      await expect(page.getByRole('button', { name: /Search/ })).toHaveCount(0);
      await page.keyboard.press('Control+k');
      await expect(page.getByRole('dialog')).toHaveCount(0);
    }
  });

  test('nothing but the sign-in page is to be had', async ({ request }) => {
    const answers = [
      await request.get('/live?scope=runs&after=0-0'),
      await request.get('/api/flowo/v1/runs'),
      await request.post('/_fn/runs/list', { data: { q: '', sort: '', after: null } }),
      await request.post('/_fn/runs/delete', { data: { ids: [] } }),
      await request.post('/api/v1/reports/', { data: {} }),
    ];

    expect(answers.map((answer) => answer.status())).toEqual([401, 401, 401, 401, 401]);
  });

  test('a sign-in link works once, and explains itself the second time', async ({ page, browser, lab }) => {
    const link = await lab.link();

    // Mail programs and chats fetch links before people open them.
    await page.request.head(link);
    await page.request.get(link, { headers: { 'Sec-Purpose': 'prefetch' } });
    await page.goto(link);
    await page.getByRole('button', { name: 'Sign in' }).click();

    await expect(page).toHaveURL('/runs');
    await expect(page.getByRole('button', { name: /^Account of/ })).toBeVisible();
    const stranger = await browser.newContext();
    const other = await stranger.newPage();
    await other.goto(link);
    await other.getByRole('button', { name: 'Sign in' }).click();
    await expect(other).toHaveURL(`${lab.url}/login?why=used`);
    await expect(other.getByRole('heading', { name: 'This link no longer works' })).toBeVisible();
    await expect(other.getByText('flowod link').first()).toBeVisible();
    await other.goto(`${lab.url}/runs`);
    await expect(other).toHaveURL(`${lab.url}/login`);
    await stranger.close();
  });

  test('signing out ends the session, here and on the server', async ({ page, context, lab }) => {
    await page.goto(await lab.link());
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page).toHaveURL('/runs');
    const session = await context.cookies();
    await visit(page, '/runs');

    await page.getByRole('button', { name: /^Account of/ }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();

    await expect(page).toHaveURL('/login?why=out');
    await expect(page.getByRole('heading', { name: 'Signed out' })).toBeVisible();
    expect((await context.cookies()).map((cookie) => cookie.name)).not.toContain(sessionOf(lab));
    await context.addCookies(session);
    await page.goto('/runs');
    await expect(page).toHaveURL('/login');
  });
});

/** The name of the session cookie contains the port, so two servers on one host do not share it. */
function sessionOf(lab: Lab): string {
  return `flowo_session_${new URL(lab.url).port}`;
}

test('the session cookie is out of reach of scripts and of other sites', async ({ context, lab }) => {
  const session = (await context.cookies()).find((cookie) => cookie.name === sessionOf(lab));

  expect(session).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/' });
});

test('a request that another site makes in our name is refused', async ({ context, lab, doing }) => {
  const run = await doing.run('wanted');
  const ask = (address: string, headers: Record<string, string>, data: object | string) =>
    context.request.post(address, { headers, data, failOnStatusCode: false, maxRedirects: 0 });
  const ids = { ids: [run.id] };
  const text = JSON.stringify(ids);

  const answers = [
    await ask(`${lab.url}/_fn/runs/delete`, { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }, ids),
    await ask(`${lab.url}/_fn/runs/delete`, { Origin: 'https://evil.example' }, ids),
    await ask(`${lab.url}/_fn/runs/delete`, { 'Sec-Fetch-Site': 'same-site' }, ids),
    await ask(`${lab.url}/_fn/runs/delete`, { Origin: 'null', 'Content-Type': 'text/plain' }, text),
    await ask(`${lab.url}/sign-out`, { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }, {}),
  ];

  expect(answers.map((answer) => answer.status())).toEqual([403, 403, 403, 403, 403]);
  expect(await lab.runs('wanted')).toHaveLength(1);
  const own = await ask(`${lab.url}/_fn/runs/delete`, { Origin: lab.url, 'Sec-Fetch-Site': 'same-origin' }, ids);
  expect(own.status(), 'the same request from our own page').toBe(200);
  expect(await lab.runs('wanted')).toEqual([]);
});

/** Opens every page and every dialog and menu on top of it. */
async function tour(page: Page, run: string): Promise<void> {
  await visit(page, '/runs');
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Search or jump to' }).fill('to be');
  await expect(page.getByRole('option', { name: /to be seen/ })).toBeVisible();
  await page.keyboard.press('Escape');
  // Until the palette has closed, it receives the typed keys.
  await expect(page.getByRole('combobox', { name: 'Search or jump to' })).toBeHidden();
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog', { name: 'Keys' })).toBeHidden();
  await page.getByRole('link', { name: 'to be seen' }).click();
  await expect(page).toHaveURL(run);
  await expect(page.getByRole('heading', { name: 'to be seen' })).toBeVisible();
  await visit(page, run);
  for (const address of ['/login', '/sign-in?key=none', '/nowhere']) {
    await page.goto(address, { waitUntil: 'networkidle' });
  }
}

test.describe('on every page', () => {
  // Chromium itself logs the 404 of the page that does not exist.
  test.use({ expected: /status of 404 .*\/nowhere/ });

  test('no request leaves the house, and no page complains', async ({ page, context, lab, doing }) => {
    const run = await doing.run('to be seen', { planned: { call: 1 } });
    await run.fail(await run.job('call'));
    const asked: string[] = [];
    context.on('request', (request) => asked.push(request.url()));

    await tour(page, run.path);

    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter((url) => !url.startsWith(`${lab.url}/`) && !url.startsWith('data:'))).toEqual([]);
  });

  test('a policy allows our own scripts only, and the page is not to be framed', async ({ page, doing }) => {
    const run = await doing.run('guarded');
    for (const address of ['/runs', run.path, '/login', '/sign-in?key=none', '/nowhere']) {
      const answer = await page.goto(address);

      const headers = answer!.headers();
      const policy = headers['content-security-policy'];
      expect(policy, address).toMatch(/default-src 'self'/);
      expect(policy, address).toMatch(/script-src 'nonce-[\w+/=-]{16,}'/);
      expect(policy, address).not.toMatch(/script-src[^;]*'unsafe-(inline|eval)'/);
      expect(policy, address).toMatch(/frame-ancestors 'none'/);
      expect(headers['x-content-type-options'], address).toBe('nosniff');
      expect(headers['referrer-policy'], address).toBe('same-origin');
      expect(headers['cache-control'], address).toBe('no-store');
    }
  });
});

test('an address that leads nowhere is a page of its own', async ({ context, lab }) => {
  const answers = [await get(context, `${lab.url}/nowhere`), await get(context, `${lab.url}/runs/0193a4c2-0000-7000-8000-000000000001`), await get(context, `${lab.url}/runs/no-id`)];

  for (const answer of answers) {
    expect(answer.status()).toBe(404);
    expect(await answer.text()).toContain('Page not found');
  }
});

async function get(context: BrowserContext, address: string) {
  return context.request.get(address, { failOnStatusCode: false });
}

test('what a page loads comes compressed and may be kept for ever', async ({ page, lab, doing }) => {
  await doing.run('shown');
  const loaded: { url: string; headers: Promise<Record<string, string>> }[] = [];
  page.on('response', (response) => {
    if (/\/(pkg|fonts)/.test(new URL(response.url()).pathname)) loaded.push({ url: response.url(), headers: response.allHeaders() });
  });

  await visit(page, '/runs');
  await expect(rows(page)).toHaveCount(1);

  const kinds = loaded.map(({ url }) => url.replace(/.*\./, ''));
  expect(new Set(kinds)).toEqual(new Set(['css', 'js', 'wasm', 'woff2']));
  for (const { url, headers } of loaded) {
    const { 'cache-control': kept, 'content-encoding': packed, 'content-type': type } = await headers;
    expect(kept, url).toMatch(/max-age=31536000.*immutable/);
    if (!url.endsWith('.woff2')) expect(packed, url).toBe('br');
    if (url.endsWith('.wasm')) expect(type).toBe('application/wasm');
  }
  expect(loaded.every(({ url }) => url.startsWith(lab.url))).toBe(true);
});

test('the HTML of the list is compressed', async ({ context, lab, doing }) => {
  await signIn(context, lab);
  for (let n = 0; n < 3; n += 1) await doing.run(`run ${n}`);

  const answer = await context.request.get(`${lab.url}/runs`, { headers: { 'Accept-Encoding': 'br, gzip' } });

  expect(answer.headers()['content-encoding']).toBe('br');
});

test.describe('a command that asks for a token', () => {
  test('is let in with the least, and shows the code of its own', async ({ page, context, lab }) => {
    const start = await context.request.post(`${lab.url}/api/v1/tokens/cli/start`, { data: { ttl_days: 30 } });
    const { device_code, user_code } = await start.json();

    await page.goto(`/login?cli_device_code=${device_code}&cli_user_code=EVIL-CODE`);

    await expect(page.getByText(user_code)).toBeVisible();
    await expect(page.getByText('EVIL-CODE')).toHaveCount(0);
    await expect(page.getByRole('radio', { name: /Report runs/ })).toBeChecked();
    await expect(page.getByLabel('Valid for')).toHaveValue('30');
    await page.getByRole('radio', { name: /Read runs/ }).check();
    await page.getByRole('button', { name: 'Approve' }).click();
    await expect(page.getByRole('heading', { name: 'Approved' })).toBeVisible();
    const poll = await (await context.request.get(`${lab.url}/api/v1/tokens/cli/poll/${device_code}`)).json();
    expect(poll.status).toBe('approved');
    expect(await lab.sql(`SELECT scope FROM tokens WHERE name = 'flowo login'`)).toBe('read');
  });
});
