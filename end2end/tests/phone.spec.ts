import { expect, test } from "../fixtures/test.ts";

test("a phone's pages never scroll sideways and keep the total in sight", async ({ fan }) => {
  await fan.page.goto("/");
  await expect(fan.find.heading("What is on")).toBeVisible();
  await fan.see.fitsTheWidth();
  await fan.do.openPerformance("Late Shift");
  await fan.see.fitsTheWidth();
  await expect(fan.find.panel().getByText("Total")).toBeInViewport();
  await fan.do.openList();
  await fan.do.pick({ section: "Stalls", row: "E", seat: 6 });
  await expect(fan.find.hold()).toBeInViewport();
  await fan.do.hold();
  await fan.do.goToCheckout();
  await fan.see.fitsTheWidth();
});

test("a tap far out brings the seats closer, a tap near picks one", async ({ fan }) => {
  await fan.do.openPerformance("Late Shift");
  const map = fan.find.map();
  const box = await map.boundingBox();
  if (!box) throw new Error("the map has no place on the page");
  const middle = { x: box.width / 2, y: box.height / 2 };
  await expect(async () => {
    await map.tap({ position: middle });
    await expect(fan.find.hold()).toBeEnabled({ timeout: 1_000 });
  }).toPass({ timeout: 20_000 });
});

test("two fingers bring the seats closer until a tap picks one, and away again", async ({ fan }) => {
  await fan.do.openPerformance("Late Shift");
  const map = fan.find.map();
  const box = await map.boundingBox();
  if (!box) throw new Error("the map has no place on the page");
  const middle = { x: box.width / 2, y: box.height / 2 };
  await fan.do.pinch(map, 60, 225);
  await map.tap({ position: middle });
  await expect(fan.find.hold()).toBeEnabled();
  await expect(fan.find.hold()).toHaveText("Hold this seat");

  // Far out again, a tap comes nearer and leaves the choice alone.
  await fan.do.pinch(map, 225, 60);
  await map.tap({ position: middle });
  await expect(fan.find.hold()).toHaveText("Hold this seat");
});
