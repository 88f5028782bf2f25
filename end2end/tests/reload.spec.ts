import { expect, test } from "../fixtures/test.ts";

const SEATS = [
  { section: "Stalls", row: "G", seat: 7 },
  { section: "Stalls", row: "G", seat: 8 },
];

test("a reload after holding finds the seats and the clock again", async ({ fan }) => {
  await fan.do.openPerformance("Late Shift");
  await fan.do.openList();
  await fan.do.pick(...SEATS);
  await fan.do.hold();
  await fan.page.reload();
  await expect(fan.find.checkout()).toBeVisible();
  for (const { seat } of SEATS) {
    await expect(fan.find.panel().getByText(new RegExp(`seat ${seat}\\b`)).first()).toBeVisible();
  }
});

test("a reload at the checkout keeps what was typed, but never the card", async ({ fan }) => {
  await fan.do.openPerformance("Late Shift");
  await fan.do.openList();
  await fan.do.pick(...SEATS);
  await fan.do.hold();
  await fan.do.goToCheckout();
  await fan.do.fillBuyer("Ada Byron", "ada@example.org");
  await fan.do.fillCard();
  await fan.page.reload();
  await expect(fan.find.field("Name")).toHaveValue("Ada Byron");
  await expect(fan.find.field("Card number")).toHaveValue("");
  await fan.do.fillCard();
  await fan.do.pay();
  await fan.see.tickets(2);
});

test("a reload right after paying shows the order and charges nothing again", async ({ fan }) => {
  await fan.do.openPerformance("Late Shift");
  await fan.do.buy(SEATS);
  await fan.page.reload();
  await fan.see.tickets(2);
  await fan.page.goto("/tickets");
  await expect(fan.find.heading("Late Shift")).toHaveCount(1);
});

test("once it is paid the checkout's address leads to the tickets, in whatever tab", async ({ fan }) => {
  await fan.do.openPerformance("Late Shift");
  await fan.do.openList();
  await fan.do.pick(...SEATS);
  await fan.do.hold();
  await fan.do.goToCheckout();
  const checkout = fan.page.url();
  await fan.do.fillBuyer();
  await fan.do.fillCard();
  await fan.do.pay();
  await fan.see.tickets(2);
  // As after a reload that was under way when the answer came.
  await fan.page.goto(checkout);
  await fan.see.tickets(2);
  const tab = await fan.page.context().newPage();
  await tab.goto(checkout);
  await expect(tab.getByRole("heading", { name: "2 tickets" })).toBeVisible();
});
