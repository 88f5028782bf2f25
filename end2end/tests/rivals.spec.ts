import { expect, test } from "../fixtures/test.ts";

const SEAT = { section: "Stalls", row: "H", seat: 9 };

test("two browsers want one seat: one gets it, the other is told kindly", async ({ fan, rival }) => {
  for (const one of [fan, rival]) {
    // Who comes second learns of it from the server's answer. Were the feed quicker than the second
    // press, there would be nothing left to press; that is the test below.
    await one.page.route(/\/feed\b/, () => {});
    await one.do.openPerformance("Late Shift");
    await one.do.openList();
    await one.do.pick(SEAT);
  }
  // Both have chosen it; the press is what counts.
  await Promise.all([fan.find.hold().click(), rival.find.hold().click()]);

  const won = (one: typeof fan) => one.find.checkout().isVisible();
  await expect
    .poll(async () => Number(await won(fan)) + Number(await won(rival)), {
      message: "exactly one of them has the seat",
    })
    .toBe(1);
  const loser = (await won(fan)) ? rival : fan;
  await loser.see.words(/row H, seat 9.*(gone a moment ago|quicker)|quicker.*row H, seat 9/i);
  await loser.see.words(/nearest like it/i);
});

test("a seat that somebody takes goes from the other's screen by itself", async ({ fan, rival }) => {
  await rival.do.openPerformance("Late Shift");
  await rival.do.openList();
  await rival.do.openRow(SEAT.section, SEAT.row);
  await rival.see.seatIs(SEAT, "Free");

  await fan.do.openPerformance("Late Shift");
  await fan.do.openList();
  await fan.do.pick(SEAT);
  await fan.do.hold();
  await rival.see.seatIs(SEAT, "Being held by someone");

  await fan.find.button("Give the seats back").click();
  await rival.see.seatIs(SEAT, "Free");
});
