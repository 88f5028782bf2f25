// The flight simulator, as an operator uses it before the day.
import { expect, test } from "../fixtures/test.ts";

test("a change in the middle of a simulated sale changes how it goes, and is marked on the graphs", async ({ operator }) => {
  const { page } = operator;
  await page.goto("/operator/simulator");
  const outcome = page.getByRole("region", { name: "How it goes" });
  const sold = outcome.getByText(/of 15,000 sold/);
  await expect(sold).toBeVisible();
  const before = await outcome.innerText();

  await page.getByRole("button", { name: "Add a change" }).click();
  const change = page.getByRole("group", { name: "Change at minute 10" });
  // It begins with what is so until then, so adding one changes nothing yet.
  await expect(change.getByRole("spinbutton", { name: "Rate" })).toHaveValue("600");
  await change.getByRole("spinbutton", { name: "From minute" }).fill("2");
  const early = page.getByRole("group", { name: "Change at minute 2" });
  await early.getByRole("spinbutton", { name: "Rate" }).fill("30");
  await expect(outcome).not.toHaveText(before);
  await expect(page.getByText("From minute 2: rate 30, cap 1500").first()).toBeAttached();
  await operator.see.nothingInTheWay();
  const slow = await outcome.innerText();

  await early.getByRole("checkbox", { name: "Paused" }).check();
  await expect(outcome).not.toHaveText(slow);
  await page.getByRole("button", { name: "Add a change" }).click();
  await expect(page.getByRole("group", { name: "Change at minute 12" })).toBeVisible();
  await operator.see.fitsTheWidth();

  for (const minute of [12, 2]) {
    const row = page.getByRole("group", { name: `Change at minute ${minute}` });
    await row.getByRole("button", { name: "Take this change away" }).click();
  }
  await expect(outcome).toHaveText(before, { useInnerText: true });
});
