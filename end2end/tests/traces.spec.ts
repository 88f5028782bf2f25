// What a fan does is one trace, from their browser to the commit.
import { Collector } from "../fixtures/collector.ts";
import { expect, test as base } from "../fixtures/test.ts";

const test = base.extend<{ collector: Collector }>({
  collector: async ({}, use) => {
    const collector = await Collector.start();
    await use(collector);
    await collector.stop();
  },
  wishes: async ({ collector }, use) =>
    use({ demo: ["--quiet"], serve: ["--traces", collector.url, "--traces-sample", "1"] }),
});

test("a hold is a span in the browser, around the server's, down to the disk", async ({ fan, collector }) => {
  const holding = fan.page.waitForRequest((request) => request.method() === "POST" && request.url().endsWith("/holds"));
  await fan.do.openPerformance("Late Shift");
  await fan.do.openList();
  await fan.do.pick({ section: "Stalls", row: "M", seat: 6 });
  await fan.do.hold();
  const [, trace, id] = (await holding).headers()["traceparent"]!.split("-");

  const named = (name: string) => collector.spans.filter((span) => span.trace === trace && span.name === name);
  const route = "POST /api/v1/performances/{id}/holds";
  for (const name of [`browser ${route}`, route, "lane", "append"]) {
    await expect.poll(() => named(name).length, { message: name }).toBe(1);
  }
  const [[browser], [request], [lane], [append]] = [`browser ${route}`, route, "lane", "append"].map(named);
  expect([browser.id, browser.parent]).toEqual([id, ""]);
  expect([request.parent, lane.parent, append.parent]).toEqual([browser.id, request.id, lane.id]);
  expect(browser.ms).toBeGreaterThanOrEqual(request.ms);
  // Nothing is told of telling.
  expect(collector.spans.filter((span) => span.name.includes("slips"))).toEqual([]);
});
