import { expect, test } from "../fixtures/test.ts";

// Row U of the stalls: wheelchair spaces 1, 3, 5 and companion seats 2, 4, 6, kept until two days before.
const SHOW = "The Glass Orchard";
const SPACE = { section: "Stalls", row: "U", seat: 1 };
const COMPANION = { section: "Stalls", row: "U", seat: 2 };

test("a wheelchair space is kept for who needs it, and sold to who says so", async ({ fan }) => {
  await fan.do.openPerformance(SHOW);
  await fan.do.openList();
  await fan.do.pick(SPACE);
  await fan.see.words(/row U, seat 1 is kept for wheelchair users and their companions/);
  await fan.see.seatIs(SPACE, "Free");

  await fan.find.needsAccessible().check();
  await fan.do.pick(SPACE, COMPANION);
  await fan.see.seatIs(SPACE, "Yours");
  await fan.do.hold();
  await fan.do.goToCheckout();
  await fan.do.fillBuyer();
  await fan.do.fillCard();
  await fan.do.pay();
  await fan.see.tickets(2);
});

test("asked for accessible seats, we find a wheelchair space and the seat beside it", async ({ fan }) => {
  await fan.do.openPerformance(SHOW);
  await fan.find.needsAccessible().check();
  await fan.do.holdBest(2);
  await expect(fan.find.checkout()).toBeVisible();
  await expect(fan.find.panel().getByText(/row U, seat/)).toHaveCount(2);
});
