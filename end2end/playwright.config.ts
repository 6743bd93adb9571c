// How the browser tests run: one real Chromium, one test after the other, nothing tried twice.
//
// Which server and which workflows they use is in lab.ts. Environment: CHROMIUM, and what lab.ts names.

import { defineConfig, devices } from '@playwright/test';

/** Chromium must ask nothing of anybody but the server under test. */
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export default defineConfig({
  testDir: 'tests',
  outputDir: 'test-results',
  // Each file has a server of its own; two at once would only slow each other down.
  workers: 1,
  fullyParallel: false,
  retries: 0,
  forbidOnly: !!process.env.CI,
  timeout: 90_000,
  // What a page does by itself takes milliseconds; more is what a busy machine may need.
  expect: { timeout: 10_000 },
  // The JSON report goes to the file that PLAYWRIGHT_JSON_OUTPUT_FILE names.
  reporter: process.env.PLAYWRIGHT_JSON_OUTPUT_FILE ? [['list'], ['json']] : [['list']],
  use: {
    ...devices['Desktop Chrome'],
    viewport: { width: 1440, height: 900 },
    screenshot: 'only-on-failure',
    actionTimeout: 10_000,
    navigationTimeout: 20_000,
    launchOptions: { executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: QUIET },
  },
});
