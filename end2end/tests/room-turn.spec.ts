// The moment that all the waiting is for: being called, coming in, what was wished for, and its end.
import { called, isHeard, listen, overhear, timesSaid } from "../fixtures/senses.ts";
import { expect, test } from "../fixtures/test.ts";
import { enter, entersTheShop, place, unfolds, waits } from "../fixtures/waiting.ts";

const SHOW = "Late Shift";

/** So many looks at the room later: whatever a page does again and again, it has done by then. */
async function looks(page: import("@playwright/test").Page, room: string, times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    await page.waitForResponse((answer) => answer.url().endsWith(`/rooms/${room}`));
  }
}

test("a sound and a notification call once, in whichever tab, and only who asked for them", async ({ fan, rival, operator }) => {
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 0, cap: 5 });
  await operator.act(id, "open");
  for (const visitor of [fan, rival]) {
    await listen(visitor.page.context());
    await waits(visitor, id);
  }
  const tab = await fan.page.context().newPage();
  await tab.goto(`/rooms/${id}`);
  await expect(tab.getByRole("heading", { name: /^Your place in line/ })).toBeVisible();

  await fan.page.bringToFront();
  await fan.page.getByRole("checkbox", { name: "Show a notification" }).check();
  await expect.poll(async () => (await called(fan.page)).asked).toBe(1);
  await fan.page.getByRole("checkbox", { name: "Play a sound" }).check();
  // Switching it on plays it once: three notes.
  await expect.poll(async () => (await called(fan.page)).notes).toBe(3);
  await expect.poll(() => isHeard(fan.page)).toBe(true);
  expect((await called(fan.page)).notices).toEqual([]);

  await operator.change(id, { rate_per_minute: 600 });
  for (const page of [fan.page, tab]) await expect(page.getByRole("button", { name: "Enter the shop" })).toBeVisible();
  await expect(enter(rival)).toBeVisible();
  await expect(fan.page).toHaveTitle(/^It is your turn/);
  // Either tab may be the one: what counts is that it was heard, and once.
  await expect.poll(async () => (await called(fan.page)).notes + (await called(tab)).notes).toBe(6);
  await Promise.all([looks(fan.page, id, 3), looks(tab, id, 3)]);
  const [here, there] = [await called(fan.page), await called(tab)];
  expect([...here.notices, ...there.notices]).toEqual(["It is your turn"]);
  expect(here.notes + there.notes).toBe(6);
  expect(await called(rival.page)).toEqual({ notices: [], asked: 0, notes: 0 });

  await fan.page.reload();
  await expect(enter(fan)).toBeVisible();
  await looks(fan.page, id, 2);
  expect(await called(fan.page)).toEqual({ notices: [], asked: 0, notes: 0 });
});

test("who does not allow notifications is told what remains", async ({ fan, operator }) => {
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 60, cap: 0 });
  await operator.act(id, "open");
  await listen(fan.page.context(), "denied");
  await waits(fan, id);
  const box = fan.page.getByRole("checkbox", { name: "Show a notification" });
  await box.click();
  await fan.see.words(/Your browser does not allow notifications here/);
  await expect(box).not.toBeChecked();
});

test("when the turn comes, and when it is taken, the keyboard is there and it is said once", async ({ fan, operator }) => {
  const { page, find } = fan;
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 0, cap: 5 });
  await operator.act(id, "open");
  await overhear(page.context());
  await waits(fan, id);
  await fan.do.tabTo(page.getByRole("checkbox", { name: "Play a sound" }));
  await operator.change(id, { rate_per_minute: 600 });
  // What the keyboard stood on is not on this page any more.
  await expect(find.heading("It is your turn")).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(enter(fan)).toBeFocused();
  await test.step("and stays there, also when nobody's slot is kept free any more", async () => {
    await operator.change(id, { claim_ms: 1_000, late_ms: 600_000 });
    await fan.see.words(/^Your kept place has lapsed/);
    await expect(enter(fan)).toBeFocused();
  });
  await looks(page, id, 2);
  expect(await timesSaid(page, "It is your turn")).toBe(1);

  await page.keyboard.press("Enter");
  await expect(find.heading("You are in the shop")).toBeFocused();
  await looks(page, id, 2);
  expect(await timesSaid(page, "You are in the shop")).toBe(1);
  await page.keyboard.press("Tab");
  await expect(find.link("Choose seats")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(find.heading(SHOW)).toBeVisible();

  await test.step("and it finds the way out", async () => {
    await fan.do.tabTo(find.button("Leave the shop"));
    await page.keyboard.press("Enter");
    await expect(find.button("Stay")).toBeFocused();
    await page.keyboard.press("Enter");
    await expect(find.button("Leave the shop")).toBeFocused();
  });
});

test("a turn that comes to an end takes the keyboard with it and not away", async ({ fan, operator }) => {
  const { page, find } = fan;
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 600, cap: 5 });
  await operator.act(id, "open");
  await overhear(page.context());
  await page.goto(`/rooms/${id}`);
  await fan.do.tabTo(enter(fan));
  await operator.change(id, { claim_ms: 1_000, late_ms: 0 });
  await expect(find.heading("Your turn is over")).toBeFocused();
  await looks(page, id, 1);
  expect(await timesSaid(page, "Your turn is over")).toBe(1);
  await operator.change(id, { claim_ms: 120_000 });
  await page.keyboard.press("Tab");
  await expect(find.button("Join again")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(find.heading("It is your turn")).toBeFocused();
});

test("a turn takes the keyboard from nobody who is busy elsewhere", async ({ fan, operator }) => {
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 0, cap: 5 });
  await operator.act(id, "open");
  await waits(fan, id);
  const language = fan.page.getByRole("combobox", { name: "Language" });
  await fan.do.tabTo(language);
  await operator.change(id, { rate_per_minute: 600 });
  await expect(enter(fan)).toBeVisible();
  await looks(fan.page, id, 2);
  await expect(language).toBeFocused();
});

test("what was wished for while waiting is held with one tap, and paid", async ({ fan, operator }) => {
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 0, cap: 5 });
  await operator.act(id, "open");
  await waits(fan, id);
  await unfolds(fan, "What you are looking for");
  await fan.page.getByRole("combobox", { name: "How many places" }).selectOption("3");
  const bands = fan.page.getByRole("combobox", { name: "Price" });
  const band = await bands.getByRole("option").nth(2).innerText();
  await bands.selectOption(band);
  await expect(fan.page.getByRole("checkbox", { name: "Next to each other" })).toBeChecked();
  await fan.find.button("Save").click();
  await fan.see.words(/^Saved\./);
  await fan.see.nothingInTheWay();

  await test.step("the pass carries them over a reload", async () => {
    await fan.page.reload();
    await expect(place(fan)).toContainText("1");
    await unfolds(fan, "What you are looking for");
    await expect(fan.page.getByRole("combobox", { name: "How many places" })).toHaveValue("3");
    await expect(fan.page.getByRole("combobox", { name: "Price" }).getByRole("option", { selected: true })).toHaveText(band);
  });

  await operator.change(id, { rate_per_minute: 600 });
  await enter(fan).click();
  await expect(fan.find.heading("This fits your wishes")).toBeVisible();
  await fan.see.nothingInTheWay();
  await fan.find.button("Hold these").click();
  await expect(fan.find.heading("Checkout")).toBeVisible();
  const tickets = fan.page.getByRole("region", { name: "Your tickets" });
  await expect(tickets.getByText(band)).toHaveCount(3);
  await fan.do.fillBuyer();
  await fan.do.fillCard();
  await fan.do.pay();
  await fan.see.tickets(3);
  await expect.poll(async () => (await operator.room(id)).figures.active).toBe(0);
});

test("who wishes for a wheelchair place is offered one", async ({ fan, operator }) => {
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 0, cap: 5 });
  await operator.act(id, "open");
  await waits(fan, id);
  await unfolds(fan, "What you are looking for");
  await fan.page.getByRole("combobox", { name: "How many places" }).selectOption("2");
  await fan.page.getByRole("checkbox", { name: "With a wheelchair place" }).check();
  await fan.find.button("Save").click();
  await fan.see.words(/^Saved\./);
  await operator.change(id, { rate_per_minute: 600 });
  await enter(fan).click();
  // Row U of the stalls has the wheelchair spaces, each beside its companion's seat.
  await expect(fan.find.heading("This fits your wishes").locator("..")).toContainText(/row U/);
  await fan.find.button("Hold these").click();
  await expect(fan.find.heading("Checkout")).toBeVisible();
  await expect(fan.page.getByRole("region", { name: "Your tickets" }).getByText(/row U, seat/).first()).toBeVisible();
});

test("a turn that is not taken is over, and the end of the line is one tap away", async ({ fan, operator }) => {
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 600, cap: 5, claim_ms: 1_000, late_ms: 0 });
  await operator.act(id, "open");
  await fan.page.goto(`/rooms/${id}`);
  await expect(fan.find.heading("Your turn is over")).toBeVisible();
  await fan.see.nothingInTheWay();
  await operator.change(id, { claim_ms: 120_000 });
  await fan.find.button("Join again").click();
  await enter(fan).click();
  await expect(fan.find.heading("You are in the shop")).toBeVisible();
});

test("who stays in the shop for too long is told so, and led back to the line", async ({ fan, operator }) => {
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 600, cap: 1, shop_ms: 4_000 });
  await operator.act(id, "open");
  await entersTheShop(fan, id);
  await fan.find.link("Choose seats").click();
  await fan.see.words("Your time in the shop is over. You can join the line again.");
  await expect.poll(async () => (await operator.room(id)).figures.active).toBe(0);
  await operator.change(id, { shop_ms: 900_000 });
  await fan.find.link("To the waiting room").click();
  await enter(fan).click();
  await expect(fan.find.heading("You are in the shop")).toBeVisible();
});

test("who leaves the shop and closes the page in one breath has left it", async ({ fan, operator }) => {
  const performance = await operator.performance(SHOW);
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 600, cap: 1, idle_ms: 3_600_000 });
  await operator.act(id, "open");
  // Kept: the browser goes on sending what the page that asked for it does not live to see.
  const kept: string[] = [];
  await fan.page.exposeFunction("keptAlive", (url: string) => kept.push(url));
  await fan.page.addInitScript(() => {
    const send = window.fetch;
    window.fetch = (ask, init) => {
      if (ask instanceof Request && ask.keepalive) {
        (window as unknown as { keptAlive: (url: string) => void }).keptAlive(ask.url);
      }
      return send(ask, init);
    };
  });
  await entersTheShop(fan, id);
  await fan.page.goto(`/performances/${performance}`);
  await fan.find.button("Leave the shop").click();
  const leaves = fan.page.waitForRequest(/\/leave$/);
  await fan.find.button(/^Leave$/).click();
  await leaves;
  await fan.page.close();
  await expect.poll(async () => (await operator.room(id)).figures.active).toBe(0);
  expect(kept.map((url) => new URL(url).pathname)).toEqual([`/api/v1/rooms/${id}/leave`]);
});
