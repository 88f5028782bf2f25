import { expect, test } from "../fixtures/test.ts";

test("simulated fans come when they are switched on, and stop when they are switched off", async ({ fan, office }) => {
  await fan.do.openPerformance("Late Shift");
  const toggle = fan.page.getByRole("switch", { name: "Simulated fans" });
  await expect(toggle).not.toBeChecked();

  const left = fan.find.freeSeats();
  const before = await left.innerText();
  await toggle.click();
  await expect(toggle).toBeChecked();
  await expect(left, "seats go on the page by themselves").not.toHaveText(before, { timeout: 30_000 });
  await fan.see.nothingInTheWay();
  await fan.see.picture("demo-simulated-fans");

  await toggle.click();
  await expect(toggle).not.toBeChecked();
  // Whoever held seats gives them back, and then the ledger stands still: the same position in
  // readings that lie further apart than fans ever come.
  const position = async () => {
    const id = new URL(fan.page.url()).pathname.split("/")[2];
    const seats = await fetch(`${office.url}/api/v1/performances/${id}/seats`, {
      headers: { accept: "application/json" },
    });
    return (await seats.json()).seq as number;
  };
  let last = -1;
  await expect
    .poll(
      async () => {
        const now = await position();
        const stands = now === last;
        last = now;
        return stands;
      },
      { intervals: [4_000], timeout: 40_000 },
    )
    .toBe(true);

  await fan.page.reload();
  await expect(toggle).not.toBeChecked();
});

test("the switch is worked with the keyboard and says its state", async ({ fan }) => {
  await fan.do.openPerformance("Late Shift");
  const toggle = fan.page.getByRole("switch", { name: "Simulated fans" });
  await toggle.focus();
  await fan.page.keyboard.press("Space");
  await expect(toggle).toBeChecked();
  await fan.page.keyboard.press("Enter");
  await expect(toggle).not.toBeChecked();
});
