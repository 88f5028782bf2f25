import { expect, test } from "../fixtures/test.ts";
import { CARDS } from "../fixtures/find.ts";

const SEATS = [
  { section: "Stalls", row: "J", seat: 5 },
  { section: "Stalls", row: "J", seat: 6 },
];

test("a declined card is told in words, keeps the seats, and a good one then pays", async ({ fan }) => {
  await fan.do.openPerformance("Late Shift");
  await fan.do.buy(SEATS, CARDS.withoutFunds);
  await fan.see.words(/not enough funds.*Nothing was charged.*still held/);
  await fan.do.fillCard(CARDS.good);
  await fan.do.pay();
  await fan.see.tickets(2);
});

test("a card that needs a step is approved on the bank's page", async ({ fan }) => {
  await fan.do.openPerformance("Late Shift");
  await fan.do.buy(SEATS, CARDS.needsStep);
  await expect(fan.page).toHaveURL(/\/pay\/step\//);
  await fan.find.button("Confirm").click();
  await fan.see.tickets(2);
});

test("a card whose answer is lost is charged once", async ({ fan }) => {
  await fan.do.openPerformance("Late Shift");
  await fan.do.buy(SEATS, CARDS.timesOut);
  await fan.see.tickets(2);
});

test("a mistyped card is said beside its field before anything is sent", async ({ fan }) => {
  await fan.do.openPerformance("Late Shift");
  await fan.do.openList();
  await fan.do.pick(...SEATS);
  await fan.do.hold();
  await fan.do.goToCheckout();
  await fan.do.fillBuyer();
  await fan.do.fillCard("4242 4242 4242 4241");
  await fan.do.pay();
  await expect(fan.find.field("Card number")).toHaveAttribute("aria-invalid", "true");
  await expect(fan.find.field("Card number")).toBeFocused();
});
