import { expect, test } from "../fixtures/test.ts";
import { entersTheShop } from "../fixtures/waiting.ts";

test("on a phone the room fits, and an operator's controls are under the thumb", async ({ fan, operator }) => {
  const { id } = await operator.makeRoom("Late Shift", { rate_per_minute: 60, cap: 0 });
  await operator.act(id, "open");
  await fan.page.goto(`/rooms/${id}`);
  await expect(fan.find.heading(/^Your place in line/)).toBeInViewport();
  await fan.see.fitsTheWidth();
  await operator.openConsole(id);
  for (const name of ["Rate", "Cap", "Pause"]) await expect(operator.control(name)).toBeInViewport();
  await operator.see.fitsTheWidth();
});

test("below the visit's clock the shop still ends with the screen", async ({ fan, operator }) => {
  const { id } = await operator.makeRoom("Late Shift", { rate_per_minute: 600, cap: 1 });
  await operator.act(id, "open");
  await entersTheShop(fan, id);
  await fan.find.link("Choose seats").click();
  await expect(fan.find.button("Leave the shop")).toBeVisible();
  await expect(fan.find.hold()).toBeInViewport({ ratio: 1 });
  await fan.see.fitsTheHeight();
});
