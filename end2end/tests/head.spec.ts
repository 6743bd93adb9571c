// Strangers' names in a page's head: the page works, shows the name unchanged, and is live.

import { chip, expect, test, visit } from '../fixtures';

const BREAKERS = [
  '</title><meta http-equiv="refresh" content="0;url=/pwned">',
  '</title><style>body{display:none}</style>',
  '</script><script>top.__pwned=1</script>',
  '--><base href="//127.0.0.1:9/">',
  'R&amp;D &lt;b&gt; & co',
];

test('a run keeps its name, its page and its live stream, whatever the name closes', async ({ page, doing }) => {
  for (const breaker of BREAKERS) {
    const run = await doing.run(breaker, { planned: { map: 2 } });
    await run.job('map');

    await visit(page, run.path);

    await expect(page).toHaveTitle(`${breaker} · Flowo`);
    await expect(page.getByRole('heading', { level: 1 })).toContainText(breaker);
    await expect(chip(page)).toHaveText('live');
    expect(new URL(page.url()).pathname).toBe(run.path);
    await run.close();
  }
});
