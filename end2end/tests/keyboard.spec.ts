import { expect, test } from "../fixtures/test.ts";
import { CARDS } from "../fixtures/find.ts";

test("the keyboard alone is enough to buy", async ({ fan }) => {
  const { page, find } = fan;
  const press = async (target: ReturnType<typeof find.button>) => {
    await fan.do.tabTo(target);
    await page.keyboard.press("Enter");
  };

  await page.goto("/");
  await press(find.performance("Late Shift").first());
  await expect(find.heading("Late Shift")).toBeVisible();
  await press(find.button("List"));
  await press(find.line("Stalls"));
  await press(find.line("Row L"));
  await press(find.seat("Stalls", "L", 4));
  await fan.see.seatIs({ section: "Stalls", row: "L", seat: 4 }, "Yours");
  await press(find.hold());
  await expect(find.checkout()).toBeVisible();
  await press(find.checkout());
  await expect(find.heading("Checkout")).toBeVisible();

  const fields = [
    ["Name", "Ada Byron"],
    ["Email", "ada@example.org"],
    ["Card number", CARDS.good],
    ["Valid until", "12/30"],
    ["Security code", "123"],
  ] as const;
  for (const [label, text] of fields) {
    await fan.do.tabTo(find.field(label));
    await page.keyboard.type(text);
  }
  await press(find.pay());
  await fan.see.tickets(1);
});

test("arrow keys walk the map and Enter picks the seat they stand on", async ({ fan }) => {
  await fan.do.openPerformance("Late Shift");
  await fan.do.tabTo(fan.find.map());
  await fan.page.keyboard.press("ArrowDown");
  await fan.page.keyboard.press("ArrowRight");
  await fan.page.keyboard.press("Enter");
  await expect(fan.find.hold()).toBeEnabled();
  await expect(fan.find.hold()).toHaveText("Hold this seat");
});
