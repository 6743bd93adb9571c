// The configuration of the browser tests: one real Chromium, one test after another, no retries.
//
// lab.ts says which server and workflows they use. Environment: CHROMIUM, and what lab.ts names.

import { defineConfig, devices } from '@playwright/test';

/** Chromium must not contact anybody but the server under test. */
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
  // Each file has its own server; two at a time would only slow each other down.
  workers: 1,
  fullyParallel: false,
  retries: 0,
  forbidOnly: !!process.env.CI,
  timeout: 180_000,
  // Pages react within milliseconds; the rest is for a busy machine.
  expect: { timeout: 30_000 },
  // The JSON report goes to the file named by PLAYWRIGHT_JSON_OUTPUT_FILE.
  reporter: process.env.PLAYWRIGHT_JSON_OUTPUT_FILE ? [['list'], ['json']] : [['list']],
  use: {
    ...devices['Desktop Chrome'],
    viewport: { width: 1440, height: 900 },
    screenshot: 'only-on-failure',
    actionTimeout: 30_000,
    navigationTimeout: 40_000,
    launchOptions: { executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: QUIET },
  },
});
