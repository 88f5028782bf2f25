import { expect, test } from "../fixtures/test.ts";

const SEATS = [
  { section: "Stalls", row: "F", seat: 5 },
  { section: "Stalls", row: "F", seat: 6 },
];

test("a fan buys two seats and has two tickets with a code", async ({ fan }) => {
  await fan.do.openPerformance("Late Shift");
  await fan.do.buy(SEATS);
  await fan.see.tickets(2);
  await expect(fan.find.heading("You are in")).toBeVisible();

  await test.step("each ticket has its code", async () => {
    await fan.page.goto("/tickets");
    await expect(fan.find.showCode()).toHaveCount(2);
    await fan.find.showCode().first().click();
    await expect(fan.find.code()).toHaveAccessibleName(/Stalls.*\bF\b.*\b5$/);
    await expect
      .poll(() => fan.find.code().evaluate((image: HTMLImageElement) => image.naturalWidth))
      .toBeGreaterThan(0);
  });

  await test.step("the seats are sold for everybody", async () => {
    await fan.do.openPerformance("Late Shift");
    await fan.do.openList();
    await fan.do.openRow("Stalls", "F");
    for (const seat of SEATS) await fan.see.seatIs(seat, "Sold");
  });
});

test("the amount on the button is the amount that was quoted", async ({ fan }) => {
  await fan.do.openPerformance("Late Shift");
  await fan.do.openList();
  await fan.do.pick(...SEATS);
  const shown = await fan.find.total().innerText();
  await fan.do.hold();
  await fan.do.goToCheckout();
  await expect(fan.find.pay()).toHaveText(`Pay ${shown}`);
});

test("a fan lets us find the best seats and gives them back", async ({ fan }) => {
  await fan.do.openPerformance("Late Shift");
  await fan.do.showBasket();
  await fan.find.button("Find and hold").click();
  await expect(fan.find.checkout()).toBeVisible();
  await fan.find.button("Give the seats back").click();
  await expect(fan.find.hold()).toBeVisible();
  await fan.see.words("No seats yet.");
});
