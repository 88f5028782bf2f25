import { expect, test } from "../fixtures/test.ts";

// A person may hold and own twelve seats of a performance, eight of them at once.
test("who wants more seats than one person may have is told how many that is", async ({ fan }) => {
  await fan.do.openPerformance("Late Shift");
  await fan.do.holdBest(8);
  await fan.do.goToCheckout();
  await fan.do.fillBuyer();
  await fan.do.fillCard();
  await fan.do.pay();
  await fan.see.tickets(8);

  await fan.do.openPerformance("Late Shift");
  await fan.do.holdBest(5);
  await fan.see.words(/at most 12 seats.*you have 8/);
  await expect(fan.find.checkout()).toHaveCount(0);
  await test.step("four more are fine", async () => {
    await fan.find.best().getByRole("button", { name: "One fewer" }).click();
    await fan.do.holdBest(4);
    await expect(fan.find.checkout()).toBeVisible();
  });
});
