// The waiting room, from a fan's and from an operator's side, against the real server.
import { expect, test } from "../fixtures/test.ts";
import { comes, enter, fillsTheShop, place } from "../fixtures/waiting.ts";

const SHOW = "Late Shift";
const SEAT = { section: "Stalls", row: "M", seat: 6 };

test("a fan waits, comes in and buys", async ({ fan, operator }) => {
  const performance = await operator.performance(SHOW);
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 0, cap: 1 });
  await operator.act(id, "open");
  await comes(fan, id, performance);
  await expect(place(fan)).toContainText("1");
  await expect(fan.page).toHaveTitle(/^1 · Late Shift/);
  await fan.see.nothingInTheWay();
  await operator.change(id, { rate_per_minute: 600 });
  await enter(fan).click();
  await fan.find.link("Choose seats").click();
  await expect(fan.find.heading(SHOW)).toBeVisible();
  await fan.do.buy([SEAT]);
  await fan.see.tickets(1);
  await expect.poll(async () => (await operator.room(id)).figures.active).toBe(0);
});

test("a reload and a closed tab keep the place", async ({ fan, rival, operator }) => {
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 0, cap: 5 });
  await operator.act(id, "open");
  await fan.page.goto(`/rooms/${id}`);
  await expect(place(fan)).toContainText("1");
  await rival.page.goto(`/rooms/${id}`);
  await expect(place(rival)).toContainText("2");
  await fan.page.reload();
  await expect(place(fan)).toContainText("1");
  const again = await fan.page.context().newPage();
  await fan.page.close();
  await again.goto(`/rooms/${id}`);
  await expect(again.getByRole("heading", { name: /^Your place in line/ })).toContainText("1");
  // Numbers that a server has at hand for newcomers count until it gives them back, a second later.
  await expect.poll(async () => (await operator.room(id)).figures.waiting).toBe(2);
});

test("a second device has the same one place, and only one of them gets in", async ({ fan, rival, operator }) => {
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 0, cap: 5 });
  await operator.act(id, "open");
  await fan.page.goto(`/rooms/${id}`);
  await expect(place(fan)).toBeVisible();
  await fan.page.getByText("Continue on another device").click();
  const link = await fan.page.getByRole("textbox", { name: "Link with your pass" }).inputValue();
  await rival.page.goto(link);
  await expect(place(rival)).toContainText("1");
  // The pass does not stay in the address.
  await expect(rival.page).toHaveURL(new RegExp(`/rooms/${id}$`));
  await expect.poll(async () => (await operator.room(id)).figures.waiting).toBe(1);
  await operator.change(id, { rate_per_minute: 600 });
  await enter(rival).click();
  await expect(rival.find.heading("You are in the shop")).toBeVisible();
  await enter(fan).click();
  await fan.see.words(/You are in the shop with this place on another device/);
  expect(await operator.inside(id)).toHaveLength(1);
});

test("a new rate is on the console at once and on the fan's page with its next look", async ({ fan, rival, operator }) => {
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 60, cap: 1 });
  await operator.act(id, "open");
  await fillsTheShop(rival, id);
  await fan.page.goto(`/rooms/${id}`);
  await expect(place(fan)).toContainText("1");
  await operator.openConsole(id);
  await operator.control("Rate").click();
  await expect(operator.question()).toContainText("1 person waits");
  await operator.question().getByRole("textbox").fill("240");
  const looking = operator.looksUntilChanged(id);
  await operator.question().getByRole("button", { name: "Set" }).click();
  await expect(operator.control("Rate")).toContainText("240");
  // By the server's own clock nobody was told the old rate a second after the change, however slowly
  // this browser and its questions went.
  const looks = await looking;
  const changed_ms = await operator.lastChangeMs(id);
  expect(looks.at(-1)?.rate_per_minute).toBe(240);
  expect(looks.filter((look) => look.rate_per_minute === 60 && look.now_ms > changed_ms + 1000)).toEqual([]);
  // What everybody polls says it from the moment on that the console does.
  expect((await operator.room(id)).public.rate_per_minute).toBe(240);
  await expect(fan.page.getByText(/now lets in 240 a minute instead of 60/)).toBeVisible();
  // Once among the marks of the graphs, once in the audit log.
  await expect(operator.page.getByRole("listitem").filter({ hasText: "rate 60 → 240" })).toHaveCount(2);
});

test("a pause is asked for, done, and said to who waits", async ({ fan, operator }) => {
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 60, cap: 0 });
  await operator.act(id, "open");
  await fan.page.goto(`/rooms/${id}`);
  await expect(place(fan)).toBeVisible();
  await operator.openConsole(id);
  await operator.control("Pause").click();
  await expect(operator.question()).toContainText(/keeps? their places?/);
  await operator.question().getByRole("button", { name: "Pause" }).click();
  await expect(operator.page.getByText("Paused", { exact: true }).first()).toBeVisible();
  await fan.see.words(/The organiser has paused the line/);
  await operator.control("Go on").click();
  await operator.question().getByRole("button", { name: "Go on" }).click();
  await expect(fan.page.getByText(/The organiser has paused the line/)).toHaveCount(0);
});

test("an operator who comes second is told that somebody was first", async ({ operator }) => {
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 60, cap: 5 });
  await operator.openConsole(id);
  await operator.control("Rate").click();
  await operator.question().getByRole("textbox").fill("90");
  await operator.change(id, { cap: 7 });
  await operator.question().getByRole("button", { name: "Set" }).click();
  await expect(operator.page.getByText(/Somebody else changed this room/)).toBeVisible();
  await expect(operator.control("Rate")).toContainText("60");
  await expect(operator.control("Cap")).toContainText("7");
});

test("the draw is checked by the page of who took part", async ({ fan, rival, operator }) => {
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 0, cap: 5 });
  await operator.act(id, "gather");
  for (const visitor of [fan, rival]) {
    await visitor.page.goto(`/rooms/${id}`);
    await expect(visitor.find.heading("You are in the draw")).toBeVisible();
  }
  await operator.act(id, "draw");
  await expect(async () => {
    await operator.act(id, "open");
  }).toPass();
  const places: string[] = [];
  for (const visitor of [fan, rival]) {
    await expect(place(visitor)).toBeVisible();
    places.push(((await place(visitor).textContent()) ?? "").replace(/\D/g, ""));
    await visitor.page.getByText("Why this is fair").click();
    await visitor.find.button("Check my place").click();
    await visitor.see.words("Your place is the one that was drawn.");
    await visitor.see.words("You saw this fingerprint before the draw.");
  }
  expect(places.sort()).toEqual(["1", "2"]);
});

test("who leaves the shop frees the place for the next", async ({ fan, rival, operator }) => {
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 600, cap: 1 });
  await operator.act(id, "open");
  await fillsTheShop(rival, id);
  await fan.page.goto(`/rooms/${id}`);
  await expect(place(fan)).toBeVisible();
  await rival.find.link("Choose seats").click();
  await rival.find.button("Leave the shop").click();
  await rival.find.button(/^Leave$/).click();
  await enter(fan).click();
  await expect(fan.find.heading("You are in the shop")).toBeVisible();
});

test("a keyboard alone gets through the room", async ({ fan, operator }) => {
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 600, cap: 5 });
  await operator.act(id, "open");
  await fan.page.goto(`/rooms/${id}`);
  await expect(enter(fan)).toBeVisible();
  await fan.do.tabTo(enter(fan));
  await fan.page.keyboard.press("Enter");
  await expect(fan.find.heading("You are in the shop")).toBeVisible();
  await fan.do.tabTo(fan.find.link("Choose seats"));
  await fan.page.keyboard.press("Enter");
  await expect(fan.find.heading(SHOW)).toBeVisible();
});

test("the console and the simulator have nothing in the way", async ({ operator }) => {
  const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 60, cap: 5 });
  const see = async (path: string, heading: string): Promise<void> => {
    await operator.page.goto(path);
    await expect(operator.page.getByRole("heading", { name: heading, level: 1 })).toBeVisible();
    await operator.see.nothingInTheWay();
  };
  await see("/operator/rooms", "Waiting rooms");
  await see(`/operator/rooms/${id}`, SHOW);
  await see("/operator/simulator", "Flight simulator");
  await expect(operator.page.getByText(/of 15,000 sold/)).toBeVisible();
});

test("who is no operator is told so and led to sign in", async ({ fan }) => {
  await fan.page.goto("/operator/rooms");
  await expect(fan.find.heading("Sign in as an operator")).toBeVisible();
  await expect(fan.page.getByRole("main").getByRole("link", { name: "Sign in" })).toHaveAttribute("href", /^\/sign-in/);
});
