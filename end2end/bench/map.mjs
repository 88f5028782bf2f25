// Measures the seat map in a real browser: `node end2end/bench/map.mjs URL [OUTPUT.json]`, where URL is a
// running server. Opens `/bench/map`, a house of 50,000 seats, and drives it through the handles the page
// puts on `window.onsaleBench`.
//
// map_first_pixels  from data in memory to the first drawn frame, ms (median of fresh pages)
// map_fps           frames a second: the lowest of three motions, at two sizes of screen
// map_frame_p95     95th percentile of the time between frames, ms, worst of the same
// map_change_100    100 seats change until painted, ms (median)

import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.resolve(process.env.ONSALE_NODE_MODULES ?? path.resolve(import.meta.dirname, ".."), "package.json"));
const { chromium } = require(process.env.ONSALE_PLAYWRIGHT ?? "@playwright/test");

const [url, output] = process.argv.slice(2);
if (!url) {
  console.error("usage: node end2end/bench/map.mjs URL [OUTPUT.json]");
  process.exit(2);
}

const SCREENS = [
  { name: "desktop", viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1 },
  { name: "phone", viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 },
];
const FRESH_PAGES = 5;
const MOTION_MS = 3_000;
const CHANGES = 40;

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function open(browser, screen) {
  const context = await browser.newContext({ viewport: screen.viewport, deviceScaleFactor: screen.deviceScaleFactor });
  const page = await context.newPage();
  await page.goto(new URL("/bench/map", url).href);
  await page.waitForFunction(() => window.onsaleBench !== undefined);
  return { context, page };
}

// Data is in memory before the clock starts; it stops when the browser has taken the frame.
const firstPixels = (page) =>
  page.evaluate(async () => {
    const since = performance.now();
    const work = window.onsaleBench.start();
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    return { drawn: performance.now() - since, work };
  });

const motion = (page, name, ms) =>
  page.evaluate(
    async ([name, ms]) => {
      const bench = window.onsaleBench;
      const frames = [];
      const painted = bench.frames();
      await new Promise((done) => {
        let begun;
        const step = (at) => {
          begun ??= at;
          frames.push(at);
          const t = (at - begun) / ms;
          if (t >= 1) return done();
          const swing = Math.sin(t * Math.PI * 4);
          const across = Math.cos(t * Math.PI * 4) - 1;
          if (name === "pan_whole") bench.look(1, swing * 0.2, across * 0.1);
          else if (name === "pan_4x") bench.look(4, swing * 0.8, across * 0.6);
          else bench.look(4 ** (1 - Math.abs(1 - 2 * t)), 0.1, 0);
          requestAnimationFrame(step);
        };
        requestAnimationFrame(step);
      });
      const gaps = frames.slice(1).map((at, i) => at - frames[i]).sort((a, b) => a - b);
      const seconds = (frames.at(-1) - frames[0]) / 1000;
      return {
        fps: (frames.length - 1) / seconds,
        painted_fps: (bench.frames() - painted) / seconds,
        p95: gaps[Math.floor(gaps.length * 0.95)],
      };
    },
    [name, ms],
  );

const change = (page, seats) =>
  page.evaluate(async (seats) => {
    // At a moment that has nothing to do with the browser's frames.
    await new Promise((done) => setTimeout(done, 350 + Math.random() * 16));
    const since = performance.now();
    window.onsaleBench.change(seats);
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    return performance.now() - since;
  }, seats);

const browser = await chromium.launch({
  executablePath: process.env.ONSALE_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const result = { screens: {} };
for (const screen of SCREENS) {
  const first = [];
  for (let i = 0; i < FRESH_PAGES; i++) {
    const { context, page } = await open(browser, screen);
    first.push(await firstPixels(page));
    await context.close();
  }
  const { context, page } = await open(browser, screen);
  await firstPixels(page);
  const seats = await page.evaluate(() => window.onsaleBench.seats);
  const motions = {};
  for (const name of ["pan_whole", "pan_4x", "zoom"]) {
    await motion(page, name, 600); // words of every zoom are rasterised once
    motions[name] = await motion(page, name, MOTION_MS);
  }
  await page.evaluate(() => window.onsaleBench.look(1, 0, 0));
  const changes = [];
  for (let i = 0; i < CHANGES; i++) changes.push(await change(page, 100));
  const repaint_ms = await page.evaluate(() => window.onsaleBench.repaint(30));
  result.screens[screen.name] = {
    seats,
    first_pixels_ms: first.map((f) => f.drawn),
    first_work_ms: first.map((f) => f.work),
    motions,
    change_100_ms: changes,
    repaint_ms,
  };
  await context.close();
}
await browser.close();

const screens = Object.values(result.screens);
const motions = screens.flatMap((screen) => Object.values(screen.motions));
result.map_first_pixels = Math.max(...screens.map((screen) => median(screen.first_pixels_ms)));
result.map_fps = Math.min(...motions.map((m) => Math.min(m.fps, m.painted_fps)));
result.map_frame_p95 = Math.max(...motions.map((m) => m.p95));
result.map_change_100 = Math.max(...screens.map((screen) => median(screen.change_100_ms)));

const text = JSON.stringify(result, null, 1);
if (output) await writeFile(output, text);
console.log(text);
