import type { Page, Route } from "@playwright/test";
import { expect, test } from "../fixtures/test.ts";
import { CARDS } from "../fixtures/find.ts";

const SEATS = [
  { section: "Stalls", row: "L", seat: 7 },
  { section: "Stalls", row: "L", seat: 8 },
];

interface Signed {
  quote: { total_minor: number };
  valid_until_ms: number;
  token: string;
}

/** The first answer about the price arrives changed; those that follow are the server's own. */
async function changeFirstQuote(page: Page, change: (signed: Signed) => void): Promise<void> {
  const once = async (route: Route) => {
    const answer = await route.fetch();
    const signed = (await answer.json()) as Signed;
    change(signed);
    await route.fulfill({ response: answer, json: signed });
  };
  await page.route("**/quote", once, { times: 1 });
}

test("a valid voucher takes its share off, and its discount is what is charged", async ({ fan }) => {
  await fan.do.openPerformance("Late Shift");
  await fan.do.openList();
  await fan.do.pick(...SEATS);
  await fan.do.hold();
  await fan.do.goToCheckout();
  await expect(fan.find.pay()).toHaveText(/^Pay €/);
  const before = await fan.find.pay().innerText();

  await fan.do.useVoucher("NO-SUCH-CODE");
  await fan.see.words(/do not know this voucher code/);
  await expect(fan.find.pay()).toHaveText(before);

  await fan.do.useVoucher("welcome10");
  await fan.see.words(/Voucher welcome10 is used/i);
  await expect(fan.find.pay()).not.toHaveText(before);
  await expect(fan.find.pay()).not.toHaveAttribute("aria-disabled", "true");
  const amount = (await fan.find.pay().innerText()).replace("Pay ", "");
  await fan.do.fillBuyer();
  await fan.do.fillCard();
  await fan.do.pay();
  await fan.see.tickets(2);
  await fan.see.words(amount);
});

test("a price that changed while the fan was typing is said, and nothing is charged", async ({ fan }) => {
  // Shown cheaper than it is, and too old to be charged a moment later: the price is asked for again.
  await changeFirstQuote(fan.page, (signed) => {
    signed.quote.total_minor -= 500;
    signed.valid_until_ms = Date.now() + 1_000;
  });
  await fan.do.openPerformance("Late Shift");
  await fan.do.openList();
  await fan.do.pick(...SEATS);
  const real = await fan.find.total().innerText();
  await fan.do.hold();
  await fan.do.goToCheckout();
  await expect(fan.find.pay()).toHaveText(/^Pay €/);
  await expect(fan.find.pay()).not.toHaveText(`Pay ${real}`);
  await fan.do.fillBuyer();
  await fan.do.fillCard();
  await fan.do.pay();
  await fan.see.words(/price has changed.*Nothing was charged/);
  await expect(fan.find.pay()).toHaveText(`Pay ${real}`);
  await expect(fan.find.field("Card number")).toHaveValue(CARDS.good);
  await fan.do.pay();
  await fan.see.tickets(2);
});

test("a price the server did not sign is refused by it, and asked for again", async ({ fan }) => {
  await changeFirstQuote(fan.page, (signed) => {
    const last = signed.token.at(-10) === "A" ? "B" : "A";
    signed.token = signed.token.slice(0, -10) + last + signed.token.slice(-9);
  });
  await fan.do.openPerformance("Late Shift");
  await fan.do.buy(SEATS);
  await fan.see.words(/too old to charge/);
  await fan.do.pay();
  await fan.see.tickets(2);
});

test("money that can never be taken undoes the order, says so, and offers the seats again", async ({ fan }) => {
  await fan.do.openPerformance("Late Shift");
  await fan.do.buy(SEATS, CARDS.neverPaid);
  await expect(fan.find.heading("This order did not go through")).toBeVisible();
  await fan.see.words(/promised the money and then would not pay it/);
  await expect(fan.find.pay()).toHaveCount(0);

  await fan.find.button("Hold them again").click();
  await expect(fan.find.heading("Checkout")).toBeVisible();
  await fan.do.fillBuyer();
  await fan.do.fillCard();
  await fan.do.pay();
  await fan.see.tickets(2);
  await fan.page.goto("/tickets");
  await expect(fan.find.showCode()).toHaveCount(2);
});
