import { expect, test } from "../fixtures/test.ts";
import { CARDS } from "../fixtures/find.ts";

const SEAT = { section: "Stalls", row: "M", seat: 6 };

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(() => {
    test.use({ colorScheme });

    test(`axe finds nothing on any page of a purchase (${colorScheme})`, async ({ fan }) => {
      await fan.page.goto("/");
      await expect(fan.find.heading("What is on")).toBeVisible();
      await test.step("the season", () => fan.see.nothingInTheWay());
      await fan.do.openPerformance("Late Shift");
      await test.step("the map", () => fan.see.nothingInTheWay());
      await fan.do.openList();
      await fan.do.pick(SEAT);
      await test.step("the list", () => fan.see.nothingInTheWay());
      await fan.do.hold();
      await test.step("held seats", () => fan.see.nothingInTheWay());
      await fan.do.goToCheckout();
      await test.step("the checkout", () => fan.see.nothingInTheWay());
      await expect(fan.find.pay()).not.toHaveAttribute("aria-disabled", "true");
      await fan.find.pay().click();
      await test.step("a form with faults", () => fan.see.nothingInTheWay());
      await fan.do.fillBuyer();
      await fan.do.fillCard(CARDS.declined);
      await fan.do.pay();
      await fan.see.words(/Nothing was charged/);
      await test.step("a declined card", () => fan.see.nothingInTheWay());
      await fan.do.fillCard(CARDS.needsStep);
      await fan.do.pay();
      await expect(fan.find.button("Confirm")).toBeVisible();
      await test.step("the bank's page", () => fan.see.nothingInTheWay());
      await fan.find.button("Confirm").click();
      await fan.see.tickets(1);
      await test.step("the order", () => fan.see.nothingInTheWay());
      await fan.page.goto("/tickets");
      await expect(fan.find.heading("Late Shift")).toBeVisible();
      await test.step("my tickets", () => fan.see.nothingInTheWay());
      await fan.find.showCode().click();
      await expect(fan.find.code()).toBeVisible();
      await test.step("a ticket", () => fan.see.nothingInTheWay());
      await fan.page.goto("/nothing-here");
      await expect(fan.find.heading("There is nothing at this address")).toBeVisible();
      await test.step("an address that leads nowhere", () => fan.see.nothingInTheWay());
    });
  });
}

test("axe finds nothing where there is nothing, or no way to it", async ({ fan }) => {
  await fan.page.goto("/tickets");
  await expect(fan.find.heading("You have no tickets yet")).toBeVisible();
  await test.step("no tickets", () => fan.see.nothingInTheWay());
  await fan.page.route("**/api/v1/performances", (route) => route.abort());
  await fan.page.goto("/");
  await expect(fan.find.button("Try again")).toBeVisible();
  await test.step("unreachable", () => fan.see.nothingInTheWay());
});
