import { expect, test } from "../fixtures/test.ts";
import { CARDS } from "../fixtures/find.ts";

const SEATS = [
  { section: "Stalls", row: "N", seat: 7 },
  { section: "Stalls", row: "N", seat: 8 },
];

test("a network that goes while paying loses nothing, and the payment goes through once", async ({ fan }) => {
  await fan.do.openPerformance("Late Shift");
  await fan.do.openList();
  await fan.do.pick(...SEATS);
  await fan.do.hold();
  await fan.do.goToCheckout();
  await fan.do.fillBuyer();
  await fan.do.fillCard();
  await expect(fan.find.pay()).not.toHaveAttribute("aria-disabled", "true");
  await fan.page.context().setOffline(true);
  await fan.see.words(/You are offline/);
  await fan.do.pay();

  await test.step("it is tried again, and then said", async () => {
    await fan.see.words(/There is no connection.*nothing you have held is lost/);
    await expect(fan.find.field("Name")).toHaveValue("Ada Byron");
    await expect(fan.find.field("Email")).toHaveValue("ada@example.org");
    await expect(fan.find.field("Card number")).toHaveValue(CARDS.good);
  });

  await fan.page.context().setOffline(false);
  await fan.do.pay();
  await fan.see.tickets(2);
  await fan.page.goto("/tickets");
  await expect(fan.find.showCode()).toHaveCount(2);
});

test("a payment that is on its way when the network comes back needs no second press", async ({ fan }) => {
  await fan.do.openPerformance("Late Shift");
  await fan.do.openList();
  await fan.do.pick(...SEATS);
  await fan.do.hold();
  await fan.do.goToCheckout();
  await fan.do.fillBuyer();
  await fan.do.fillCard();
  await expect(fan.find.pay()).not.toHaveAttribute("aria-disabled", "true");
  await fan.page.context().setOffline(true);
  await fan.do.pay();
  await expect(fan.find.button(/again/i)).toBeVisible();
  await fan.page.context().setOffline(false);
  await fan.see.tickets(2);
});

test("an answer that is lost after the server has charged is asked for again, not paid again", async ({ fan }) => {
  await fan.page.route(
    "**/checkout",
    async (route) => {
      await route.fetch();
      await route.abort("connectionreset");
    },
    { times: 1 },
  );
  await fan.do.openPerformance("Late Shift");
  await fan.do.buy(SEATS);
  await fan.see.tickets(2);
  await fan.page.goto("/tickets");
  await expect(fan.find.showCode()).toHaveCount(2);
});

test("a feed that drops says so, and catches up by itself", async ({ fan, rival, office }) => {
  const [seat] = SEATS;
  await fan.do.openPerformance("Late Shift");
  await fan.do.openList();
  await fan.do.openRow(seat.section, seat.row);
  await fan.see.seatIs(seat, "Free");
  await office.halt();
  await fan.see.words(/Reconnecting/);

  // The fan's page hears nothing while the seat goes.
  await fan.page.route(/\/feed\b/, (route) => route.abort());
  await office.run();
  await rival.do.openPerformance("Late Shift");
  await rival.do.openList();
  await rival.do.pick(seat);
  await rival.do.hold();
  await fan.see.seatIs(seat, "Free");

  await fan.page.unroute(/\/feed\b/);
  await fan.see.seatIs(seat, "Being held by someone");
  await expect(fan.page.getByText(/Reconnecting/)).toHaveCount(0);
});
