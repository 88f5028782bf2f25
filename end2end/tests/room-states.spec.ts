// What a room may be in beside open, and what may happen to it: each is said, and nobody loses a place.
import { addHouse } from "../fixtures/house.ts";
import { scan } from "../fixtures/scan.ts";
import { expect, test } from "../fixtures/test.ts";
import { enter, entersTheShop, place, unfolds, waits } from "../fixtures/waiting.ts";

const SHOW = "Late Shift";

test.describe("sold out", () => {
  const TITLE = "Two by Two";

  test.beforeEach(async ({ office, rival }) => {
    await addHouse(office, TITLE, { rows: ["A"], seats: 4, price: 1500 });
    await rival.do.openPerformance(TITLE);
    await rival.do.holdBest(4);
    await expect(rival.find.checkout()).toBeVisible();
  });

  test("while everything is held nobody is let in, and what is given back lets the next in", async ({ fan, rival, operator }) => {
    const { id } = await operator.makeRoom(TITLE, { rate_per_minute: 600, cap: 5 });
    await operator.act(id, "open");
    await expect.poll(async () => (await operator.room(id)).public.places_left).toBe(0);
    await waits(fan, id);
    await fan.see.words(/Everything is sold or held at the moment/);
    await fan.see.words("We cannot say how long at the moment.");
    await fan.see.nothingInTheWay();
    await operator.openConsole(id);
    await expect(operator.page.getByText("nothing left to sell")).toBeVisible();

    await rival.find.button("Give the seats back").click();
    await enter(fan).click();
    await expect(fan.find.heading("You are in the shop")).toBeVisible();
  });

  test("who is called while the last seats go keeps the turn and comes in when they come back", async ({ fan, rival, operator }) => {
    await rival.find.button("Give the seats back").click();
    const { id } = await operator.makeRoom(TITLE, { rate_per_minute: 600, cap: 5 });
    await operator.act(id, "open");
    await fan.page.goto(`/rooms/${id}`);
    await expect(enter(fan)).toBeVisible();
    await entersTheShop(rival, id);
    await rival.find.link("Choose seats").click();
    await rival.do.holdBest(4);
    await expect(rival.find.checkout()).toBeVisible();
    await expect.poll(async () => (await operator.room(id)).public.places_left).toBe(0);
    await enter(fan).click();
    await fan.see.words(/Nothing is left to buy at this moment/);
    await rival.find.button("Give the seats back").click();
    await expect(fan.find.heading("You are in the shop")).toBeVisible();
  });
});

test("while the server is away the page says so, and goes on with the same place by itself", async ({ fan, rival, operator, office }) => {
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 600, cap: 1 });
  await operator.act(id, "open");
  await entersTheShop(rival, id);
  await waits(fan, id);
  await expect(place(fan)).toContainText("1");
  await office.halt();
  await fan.see.words(/We cannot reach the waiting room\. Your place is kept/);
  await expect(place(fan)).toContainText("1");
  await office.run();
  await expect(fan.page.getByText(/We cannot reach the waiting room/)).toHaveCount(0);
  await expect(place(fan)).toContainText("1");
  await rival.find.link("Choose seats").click();
  await rival.find.button("Leave the shop").click();
  await rival.find.button(/^Leave$/).click();
  await enter(fan).click();
  await expect(fan.find.heading("You are in the shop")).toBeVisible();
});

test("a room that is drained lets in who waits and nobody else", async ({ fan, rival, operator }) => {
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 0, cap: 5 });
  await operator.act(id, "open");
  await waits(fan, id);
  await operator.openConsole(id);
  await operator.control("Drain").click();
  await expect(operator.question()).toContainText("Nobody else can join.");
  await operator.question().getByRole("button", { name: "Drain" }).click();
  await expect.poll(async () => (await operator.room(id)).state).toBe("draining");
  await rival.page.goto(`/rooms/${id}`);
  await expect(rival.find.heading("Nobody else can join")).toBeVisible();
  await rival.see.nothingInTheWay();
  await operator.change(id, { rate_per_minute: 600 });
  await enter(fan).click();
  await expect(fan.find.heading("You are in the shop")).toBeVisible();
});

test("a room that is closed says so to who waited, and its shop is open to all", async ({ fan, operator }) => {
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 60, cap: 0 });
  await operator.act(id, "open");
  await waits(fan, id);
  await operator.openConsole(id);
  await operator.control("Close").click();
  await expect(operator.question()).toContainText(/loses? their places?/);
  await operator.question().getByRole("button", { name: "Close" }).click();
  await expect(fan.find.heading("There is no line")).toBeVisible();
  await fan.see.nothingInTheWay();
  await fan.find.link("See the performance").click();
  await expect(fan.find.heading(SHOW)).toBeVisible();
});

test("before it opens a room says when, and goes on by itself", async ({ fan, operator }) => {
  const opens_ms = Date.now() + 3_600_000;
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 0, cap: 5, gathers_ms: opens_ms, opens_ms: opens_ms + 60_000 });
  await fan.page.goto(`/rooms/${id}`);
  await expect(fan.find.heading("The waiting room is not open yet")).toBeVisible();
  await fan.see.words(/It opens for everybody at/);
  await fan.see.nothingInTheWay();
  await operator.act(id, "gather");
  await expect(fan.find.heading("You are in the draw")).toBeVisible();
  await fan.see.nothingInTheWay();
});

test("a place is given up only when asked twice, in every tab of the browser, and can be had anew", async ({ fan, operator }) => {
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 60, cap: 0 });
  await operator.act(id, "open");
  await waits(fan, id);
  const tab = await fan.page.context().newPage();
  await tab.goto(`/rooms/${id}`);
  await expect(tab.getByRole("heading", { name: /^Your place in line/ })).toBeVisible();
  await fan.find.button("Give up my place").click();
  await fan.find.button("Keep it").click();
  await expect(place(fan)).toBeVisible();
  await fan.find.button("Give up my place").click();
  await fan.find.button("Give it up").click();
  await expect(fan.find.heading("You have given up your place")).toBeVisible();
  await expect(tab.getByRole("heading", { name: "You have given up your place" })).toBeVisible();
  await fan.find.button("Join again").click();
  await expect(place(fan)).toBeVisible();
  await expect(tab.getByRole("heading", { name: /^Your place in line/ })).toBeVisible();
});

test("two tabs that are opened at one instant take one place", async ({ fan, operator }) => {
  // Work for a place makes joining take long enough for both to be at it.
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 60, cap: 0, pow_bits: 14 });
  await operator.act(id, "open");
  const context = fan.page.context();
  const tabs = [fan.page, await context.newPage(), await context.newPage()];
  const joins: string[] = [];
  context.on("request", (request) => {
    if (request.url().endsWith("/join")) joins.push(request.url());
  });
  await Promise.all(tabs.map((tab) => tab.goto(`/rooms/${id}`)));
  for (const tab of tabs) {
    await expect(tab.getByRole("heading", { name: /^Your place in line/ })).toContainText("1");
  }
  expect(joins).toHaveLength(1);
  await expect.poll(async () => (await operator.room(id)).figures.waiting).toBe(1);
});

test("the code for another device leads to the same one place", async ({ fan, rival, operator }) => {
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 0, cap: 5 });
  await operator.act(id, "open");
  await waits(fan, id);
  await unfolds(fan, "Continue on another device");
  const code = fan.page.getByRole("img", { name: /^Your pass as a code/ });
  const link = await scan(code);
  expect(link).toBe(await fan.page.getByRole("textbox", { name: "Link with your pass" }).inputValue());
  await fan.see.nothingInTheWay();
  await rival.page.goto(link);
  await expect(place(rival)).toContainText("1");
  await expect.poll(async () => (await operator.room(id)).figures.waiting).toBe(1);
  await operator.change(id, { rate_per_minute: 600 });
  await enter(rival).click();
  await expect(rival.find.heading("You are in the shop")).toBeVisible();
  await enter(fan).click();
  await fan.see.words(/You are in the shop with this place on another device/);
  expect(await operator.inside(id)).toHaveLength(1);
});
