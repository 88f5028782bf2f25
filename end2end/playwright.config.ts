import { defineConfig } from "@playwright/test";
import path from "node:path";

const output = process.env.ONSALE_OUTPUT ?? path.resolve(import.meta.dirname, "../target/end2end");

/** Debian's Chromium, without a sandbox it cannot have as root and without calls home. */
const launchOptions = {
  executablePath: process.env.ONSALE_CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

export default defineConfig({
  testDir: "tests",
  outputDir: path.join(output, "results"),
  fullyParallel: false,
  workers: 1,
  // A test that passes the second time has found something: it fails.
  retries: 0,
  forbidOnly: true,
  // Generous: a busy machine is no fault of the product, and a passing test waits for none of this.
  timeout: 240_000,
  expect: { timeout: 30_000 },
  reporter: [["list"]],
  use: {
    launchOptions,
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
    actionTimeout: 45_000,
  },
  projects: [
    {
      name: "desktop",
      use: { viewport: { width: 1440, height: 900 } },
      testIgnore: ["phone.spec.ts", "room-phone.spec.ts"],
    },
    {
      name: "phone",
      use: {
        viewport: { width: 390, height: 844 },
        deviceScaleFactor: 2,
        hasTouch: true,
        isMobile: true,
      },
      testMatch: ["phone.spec.ts", "room-phone.spec.ts", "buy.spec.ts"],
    },
  ],
});
