import { expect, test } from "../fixtures/test.ts";

const SEATS = [
  { section: "Stalls", row: "F", seat: 5 },
  { section: "Stalls", row: "F", seat: 6 },
];

test("a cancelled order looks cancelled, and so do its tickets", async ({ fan, office }) => {
  await fan.do.openPerformance("Late Shift");
  await fan.do.buy(SEATS);
  await fan.see.tickets(2);
  const order = fan.page.url();
  const id = order.split("/").at(-1) ?? "";
  await fan.page.goto("/tickets");
  const ticket = await fan.find.showCode().first().getAttribute("href");

  await office.tool("order", "cancel", id);
  await fan.page.goto(order);
  await expect(fan.find.heading("This order was cancelled")).toBeVisible();
  await fan.see.words(/No money has been paid back so far/);
  await expect(fan.page.getByText("Cancelled, not valid")).toHaveCount(2);
  await expect(fan.find.showCode()).toHaveCount(0);
  await fan.see.nothingInTheWay();
  await fan.see.picture("order-cancelled");

  await fan.page.goto(ticket ?? "");
  await fan.see.words("Cancelled, not valid");
  await expect(fan.find.code()).toHaveCount(0);
  await fan.see.nothingInTheWay();
  await fan.see.picture("ticket-cancelled");

  await office.tool("order", "refund", id);
  await fan.page.goto(order);
  await expect(fan.find.heading("This order was refunded")).toBeVisible();
  await fan.see.words(/paid back · /);
  await fan.page.goto("/tickets");
  await fan.see.words("This order was refunded");
  await fan.see.picture("tickets-refunded");

  await test.step("its seats are for sale again", async () => {
    await fan.do.openPerformance("Late Shift");
    await fan.do.openList();
    await fan.do.openRow("Stalls", "F");
    for (const seat of SEATS) await fan.see.seatIs(seat, "Free");
  });
});
