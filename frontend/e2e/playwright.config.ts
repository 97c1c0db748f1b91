import { defineConfig } from "@playwright/test";

const url = process.env.SMARTSHOP_URL;
if (url === undefined) throw new Error("SMARTSHOP_URL is not set; start the shop and give its address, such as http://127.0.0.1:8000.");

export default defineConfig({
  testDir: ".",
  outputDir: "test-results",
  timeout: 45_000,
  expect: { timeout: 10_000 },
  forbidOnly: true,
  // A browser on a busy machine may miss a moment; what needs its second try is reported as flaky.
  retries: process.env.CI === undefined ? 0 : 1,
  workers: 1,
  reporter: "list",
  use: {
    baseURL: url,
    viewport: { width: 1440, height: 900 },
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync",
      ],
    },
  },
});
