// The app is several programs. Going from one to another is an ordinary change of page.
import { expect, test } from "../fixtures/test.ts";
import type { Page } from "@playwright/test";

const SEAT = { section: "Stalls", row: "P", seat: 6 };

/** Names of the programs that the page's browser asks for, as they are asked for. */
function programsOf(page: Page): Set<string> {
  const asked = new Set<string>();
  page.on("request", (request) => {
    const name = /\/onsale-([a-z]+)-[^/]*\.wasm$/.exec(request.url())?.[1];
    if (name) asked.add(name);
  });
  return asked;
}

/** How many bytes came over the network for what the page runs, once all of it is there. */
async function fetchedForProgram(page: Page): Promise<{ files: number; bytes: number }> {
  return page.evaluate(() => {
    const all = performance.getEntriesByType("resource") as PerformanceResourceTiming[];
    const own = all.filter(({ name }) => /\/onsale-[a-z]+-[^/]*\.(js|wasm)$/.test(name));
    return { files: own.length, bytes: own.reduce((sum, { transferSize }) => sum + transferSize, 0) };
  });
}

test("who only looks at seats fetches the shop and no other program", async ({ fan }) => {
  const programs = programsOf(fan.page);
  await fan.do.openPerformance("Late Shift");
  await fan.do.openList();
  await fan.do.openRow(SEAT.section, SEAT.row);
  await fan.see.seatIs(SEAT, "Free");
  expect([...programs]).toEqual(["web"]);
});

test("each request to the API begins a trace, under which the server knows it", async ({ fan }) => {
  const asked: string[] = [];
  fan.page.on("request", (request) => {
    const isApi = new URL(request.url()).pathname.startsWith("/api/v1/");
    if (isApi && request.resourceType() === "fetch") asked.push(request.headers()["traceparent"] ?? "none");
  });
  await fan.do.openPerformance("Late Shift");
  await fan.do.openList();
  await fan.do.pick(SEAT);
  await fan.do.hold();
  expect(asked.length).toBeGreaterThan(1);
  for (const trace of asked) expect(trace).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  expect(new Set(asked).size, "a trace of its own for each").toBe(asked.length);
});

test("the checkout's program is there before it is wanted", async ({ fan }) => {
  const ahead = fan.page.waitForResponse(/\/onsale-orders-[^/]*\.wasm$/);
  await fan.do.openPerformance("Late Shift");
  await fan.do.openList();
  await fan.do.pick(SEAT);
  expect(await (await ahead).finished()).toBeNull();
  await fan.do.hold();
  await fan.do.goToCheckout();
  const { files, bytes } = await fetchedForProgram(fan.page);
  expect(files).toBeGreaterThanOrEqual(2);
  expect(bytes, "everything was in the browser already").toBe(0);
});

test("back, forward and a reload lead through the programs", async ({ fan }) => {
  await fan.do.openPerformance("Late Shift");
  await fan.do.openList();
  await fan.do.pick(SEAT);
  await fan.do.hold();
  await fan.do.goToCheckout();
  await fan.do.fillBuyer("Ada Byron", "ada@example.org");

  await test.step("back to the seats, which are still held", async () => {
    await fan.page.goBack();
    await expect(fan.find.heading("Late Shift")).toBeVisible();
    await expect(fan.find.checkout()).toBeVisible();
  });
  await test.step("further back, to the season", async () => {
    await fan.page.goBack();
    await expect(fan.find.heading("What is on")).toBeVisible();
  });
  await test.step("forward again, to where the buyer has been filled in", async () => {
    await fan.page.goForward();
    await expect(fan.find.checkout()).toBeVisible();
    await fan.page.goForward();
    await expect(fan.find.heading("Checkout")).toBeVisible();
    await expect(fan.find.field("Name")).toHaveValue("Ada Byron");
  });
  await test.step("and a reload stays there", async () => {
    await fan.page.reload();
    await expect(fan.find.heading("Checkout")).toBeVisible();
    await expect(fan.find.field("Email")).toHaveValue("ada@example.org");
  });
  await test.step("links lead on from any of them", async () => {
    await fan.find.link("My tickets").click();
    await fan.see.words(/Tickets you buy in this browser/);
    await fan.find.link("Account").click();
    await expect(fan.find.heading("Sign in")).toBeVisible();
    await fan.page.getByRole("link", { name: "Performances", exact: true }).click();
    await expect(fan.find.heading("What is on")).toBeVisible();
  });
});

test("looks and language that were chosen in one program are there in the next, from its first paint", async ({
  fan,
}) => {
  await fan.page.goto("/");
  await fan.find.button("Use dark colours").click();
  await fan.page.getByRole("combobox", { name: "Language" }).selectOption("de");
  await fan.page.goto("/sign-in");
  await expect(fan.find.heading("Anmelden")).toBeVisible();
  await test.step("before the program has arrived", async () => {
    await fan.page.route(/\.wasm$/, () => undefined);
    await fan.page.goto("/account", { waitUntil: "commit" });
    await expect(fan.page.locator("#boot")).toBeVisible();
    await expect(fan.page.locator("html")).toHaveAttribute("data-theme", "dark");
  });
});

test("an address that no program has says so, and leads back", async ({ fan }) => {
  for (const path of ["/nothing/here", "/rooms", "/performances", "/orders/1/2"]) {
    await fan.page.goto(path);
    await expect(fan.find.heading("There is nothing at this address")).toBeVisible();
  }
  await fan.page.getByRole("main").getByRole("link").click();
  await expect(fan.find.heading("What is on")).toBeVisible();
});

test("signing in leads to no other site, however its address is written", async ({ fan, office }) => {
  const { email, password } = office.operator;
  for (const next of ["//elsewhere.example/", "/\\elsewhere.example/", "/%09/elsewhere.example/"]) {
    await fan.page.goto(`/sign-in?next=${next}`);
    await fan.page.getByLabel("Email", { exact: true }).fill(email);
    await fan.page.getByLabel("Password", { exact: true }).fill(password);
    const answer = fan.page.waitForResponse((one) => one.url().endsWith("/api/v1/sessions"));
    await fan.find.button("Sign in").click();
    expect((await answer).ok()).toBe(true);
    await expect(fan.page).toHaveURL(new RegExp(`^${office.url}/account$`));
  }
});
