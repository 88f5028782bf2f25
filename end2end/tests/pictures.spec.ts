// Pictures of every page and state, for people to look at: target/end2end/pictures.
import { expect, test } from "../fixtures/test.ts";

const SEATS = [
  { section: "Stalls", row: "F", seat: 5 },
  { section: "Stalls", row: "F", seat: 6 },
];

for (const [width, height] of [
  [390, 844],
  [1440, 900],
] as const) {
  for (const colorScheme of ["light", "dark"] as const) {
    test.describe(`${width} px, ${colorScheme}`, () => {
      test.use({ viewport: { width, height }, colorScheme });

      test(`pictures of every page (${width} px, ${colorScheme})`, async ({ fan }) => {
        const shot = (name: string) => fan.see.picture(`${name}-${width}-${colorScheme}`);

        await fan.page.goto("/tickets");
        await expect(fan.find.heading("You have no tickets yet")).toBeVisible();
        await shot("tickets-empty");
        await fan.page.goto("/nothing-here");
        await expect(fan.find.heading("There is nothing at this address")).toBeVisible();
        await shot("not-found");
        await fan.page.goto("/");
        await expect(fan.find.heading("What is on")).toBeVisible();
        await shot("season");
        await fan.do.openPerformance("Harbour City v Northgate");
        await shot("stadium");
        await fan.do.openPerformance("Late Shift");
        await shot("theatre");
        await fan.do.openList();
        await fan.do.openRow("Stalls", "F");
        await shot("list");
        await fan.do.pick(...SEATS);
        await shot("chosen");
        await fan.do.hold();
        await shot("held");
        await fan.do.goToCheckout();
        await shot("checkout");
        await fan.do.fillBuyer();
        await fan.do.fillCard("4000 0000 0000 0002");
        await fan.do.pay();
        await fan.see.words(/Nothing was charged/);
        await shot("declined");
        await fan.do.fillCard();
        await fan.do.pay();
        await fan.see.tickets(2);
        await shot("order");
        await fan.page.goto("/tickets");
        await expect(fan.find.heading("Late Shift")).toBeVisible();
        await shot("tickets");
        await fan.find.showCode().first().click();
        await expect(fan.find.code()).toBeVisible();
        await shot("ticket");
      });

      test(`pictures of faults (${width} px, ${colorScheme})`, async ({ fan }) => {
        const shot = (name: string) => fan.see.picture(`${name}-${width}-${colorScheme}`);
        await fan.page.route("**/api/v1/performances", (route) => route.abort());
        await fan.page.goto("/");
        await expect(fan.find.button("Try again")).toBeVisible();
        await shot("season-unreachable");
        await fan.page.unroute("**/api/v1/performances");
        await fan.find.button("Try again").click();
        await expect(fan.find.heading("What is on")).toBeVisible();
        await fan.page.context().setOffline(true);
        await fan.see.words(/You are offline/);
        await shot("season-offline");
      });
    });
  }
}
