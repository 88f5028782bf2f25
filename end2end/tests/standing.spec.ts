import { expect, test } from "../fixtures/test.ts";

const SHOW = "The Lanterns";
const AREA = "Pitch standing";

test("places without numbers are bought by how many", async ({ fan }) => {
  await fan.do.openPerformance(SHOW);
  await fan.do.openList();
  const area = fan.find.area(AREA);
  for (let n = 0; n < 3; n += 1) await area.getByRole("button", { name: "One more" }).click();
  await area.getByRole("button", { name: "One fewer" }).click();
  await expect(area.getByRole("status")).toHaveText("2");
  await fan.do.hold();
  await fan.do.goToCheckout();
  await fan.do.fillBuyer();
  await fan.do.fillCard();
  await fan.do.pay();
  await fan.see.tickets(2);
  await fan.see.words(AREA);

  await test.step("and are gone from what is left", async () => {
    await fan.do.openPerformance(SHOW);
    await fan.do.openList();
    await fan.see.words("8,998 left");
  });
});

test("a click on an area of the map chooses a place in it", async ({ fan }) => {
  await fan.do.openPerformance(SHOW);
  const box = await fan.find.map().boundingBox();
  if (!box) throw new Error("the map has no place on the page");
  // The pitch is the middle of the house, which is seen as a whole.
  await fan.find.map().click({ position: { x: box.width * 0.52, y: box.height / 2 } });
  await expect(fan.find.panel().getByText(AREA)).toHaveCount(1);
  await expect(fan.find.hold()).toBeEnabled();
});
