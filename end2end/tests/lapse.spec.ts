import { expect, test } from "../fixtures/test.ts";

const SEAT = { section: "Stalls", row: "K", seat: 8 };

test.use({ wishes: { demo: ["--quiet", "--hold-seconds", "5"] } });

test("a hold that runs out says so and frees the seat for others", async ({ fan, rival }) => {
  await fan.do.openPerformance("Late Shift");
  await fan.do.openList();
  await fan.do.pick(SEAT);
  await fan.do.hold();
  await fan.see.words(/Your time has run out/);

  await rival.do.openPerformance("Late Shift");
  await rival.do.openList();
  await rival.do.openRow(SEAT.section, SEAT.row);
  await rival.see.seatIs(SEAT, "Free");
  await rival.find.seat(SEAT.section, SEAT.row, SEAT.seat).click();
  await rival.do.hold();
});

test("a hold that runs out at the checkout is told there", async ({ fan }) => {
  await fan.do.openPerformance("Late Shift");
  await fan.do.openList();
  await fan.do.pick(SEAT);
  await fan.do.hold();
  await fan.do.goToCheckout();
  await expect(fan.find.heading("Your time is up")).toBeVisible();
  await fan.see.words("Nothing was charged.");
  await expect(fan.find.pay()).toHaveCount(0);
});
