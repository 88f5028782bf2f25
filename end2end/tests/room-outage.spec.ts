// The room's memory, a real Redis, is away: what the operator chose for that is done, and said.
import { Redis } from "../fixtures/redis.ts";
import { expect, test as base } from "../fixtures/test.ts";
import { enter, entersTheShop, place, waits } from "../fixtures/waiting.ts";

const SHOW = "Late Shift";

const test = base.extend<{ redis: Redis }>({
  redis: async ({}, use) => {
    const redis = await Redis.start();
    await use(redis);
    await redis.stop();
  },
  wishes: async ({ redis }, use) => use({ demo: ["--quiet"], serve: ["--room-store", redis.url] }),
});

test("while the room's memory is away nobody is let in, the page says so, and goes on with the same place", async ({
  fan,
  rival,
  operator,
  redis,
}) => {
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 600, cap: 1, outage: { policy: "hold" } });
  await operator.act(id, "open");
  await entersTheShop(rival, id);
  await waits(fan, id);
  await expect(place(fan)).toContainText("1");
  await operator.openConsole(id);

  await redis.halt();
  await fan.see.words(/Part of our system is away, so nobody is let in until it is back/);
  await fan.see.words("We cannot say how long at the moment.");
  await expect(place(fan)).toContainText("1");
  await fan.see.state("room-outage-hold");
  await operator.see.picture("console-outage");

  await redis.run();
  await expect(fan.page.getByText(/Part of our system is away/)).toHaveCount(0);
  await expect(place(fan)).toContainText("1");
  // Once among the marks of the graphs, once in the audit log.
  await expect(operator.page.getByRole("listitem").filter({ hasText: "memory was away for" })).toHaveCount(2);
  await rival.find.link("Choose seats").click();
  await rival.find.button("Leave the shop").click();
  await rival.find.button(/^Leave$/).click();
  await enter(fan).click();
  await expect(fan.find.heading("You are in the shop")).toBeVisible();
});

test("where the operator chose so, people are let in more slowly while the memory is away", async ({ fan, operator, redis }) => {
  const outage = { policy: "reduced", rate_per_minute: 30 };
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 0, cap: 50, outage });
  await operator.act(id, "open");
  await operator.crowd(id, 6);
  await waits(fan, id);
  await redis.halt();
  await fan.see.words(/let in more slowly than planned: 30 a minute/);
  await fan.see.state("room-outage-reduced");
  await redis.run();
  await expect(fan.page.getByText(/Part of our system is away/)).toHaveCount(0);
  await operator.change(id, { rate_per_minute: 600 });
  await enter(fan).click();
  await expect(fan.find.heading("You are in the shop")).toBeVisible();
});
