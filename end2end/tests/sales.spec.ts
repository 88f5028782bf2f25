// What is sold, as whoever runs a sale sees it: minute by minute and band by band, as it is sold.
import { expect, test } from "../fixtures/test.ts";

const SHOW = "Late Shift";

test("a sale is on the graph within a moment, in its minute and its price band", async ({ fan, operator }) => {
  const { page } = operator;
  await page.goto("/operator/sales");
  await page.getByRole("link", { name: SHOW }).click();
  await expect(page.getByRole("heading", { name: SHOW, level: 1 })).toBeVisible();
  await expect(page.getByText("Nothing has been sold yet").first()).toBeVisible();
  await expect(page.locator(".bar")).toHaveCount(0);

  await fan.do.openPerformance(SHOW);
  await fan.do.buy([{ section: "Stalls", row: "M", seat: 6 }]);
  await fan.see.tickets(1);

  // Nobody loads this page again.
  await expect(page.getByRole("img", { name: "Tickets, each minute: 1 in the last of them, 1 at most" })).toBeVisible();
  await expect(page.getByRole("img", { name: /^Revenue, each minute: €\d/ })).toBeVisible();
  await expect(page.locator(".bar")).toHaveCount(2);
  const bands = page.getByRole("table").first();
  await expect(bands.getByRole("row", { name: /^Together 1 €\d/ })).toBeVisible();
  await expect(page.getByRole("table").last().getByRole("row")).toHaveCount(2);

  await page.getByRole("button", { name: "Whole sale" }).click();
  await expect(page.getByRole("button", { name: "Whole sale" })).toHaveAttribute("aria-pressed", "true");
  await expect(page.locator(".bar")).toHaveCount(2);
  await operator.see.nothingInTheWay();
});

test("sums are not shown to fans", async ({ fan }) => {
  await fan.page.goto("/operator/sales");
  await expect(fan.find.heading("Sign in as an organiser")).toBeVisible();
  await fan.see.nothingInTheWay();
});

test.describe("pictures", () => {
  test.use({ wishes: { demo: [] } });

  for (const [name, width, colorScheme] of [
    ["390-dark", 390, "dark"],
    ["1440-light", 1440, "light"],
  ] as const) {
    test(`a sale that goes (${name})`, async ({ operator }) => {
      const { page } = operator;
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      const { performances } = await (await page.request.get("/api/v1/performances")).json();
      const busy = performances.find((one: { simulated_fans: boolean }) => one.simulated_fans);
      await page.goto("/operator/sales");
      await operator.see.state(`sales-${name}`);
      await page.getByRole("link", { name: busy.title, exact: true }).first().click();
      await expect.poll(() => page.locator(".bar").count(), { timeout: 60_000 }).toBeGreaterThan(4);
      await operator.see.state(`sale-${name}`);
    });
  }
});
