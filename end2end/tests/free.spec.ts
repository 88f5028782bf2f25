import { addHouse } from "../fixtures/house.ts";
import { expect, test } from "../fixtures/test.ts";

test("where there is nothing to pay, no card is asked for", async ({ fan, office }) => {
  await addHouse(office, "Open Rehearsal", { rows: ["A", "B"], seats: 8, price: 0 });

  await fan.do.openPerformance("Open Rehearsal");
  await fan.do.openList();
  await fan.do.pick({ section: "Room", row: "A", seat: 3 }, { section: "Room", row: "A", seat: 4 });
  await fan.do.hold();
  await fan.do.goToCheckout();
  await fan.see.words("There is nothing to pay, so no card is needed.");
  await expect(fan.find.field("Card number")).toHaveCount(0);
  await fan.do.fillBuyer();
  await fan.see.nothingInTheWay();
  await fan.see.picture("checkout-free");
  await fan.find.button("Get the tickets").click();
  await fan.see.tickets(2);
  await fan.see.words("Free of charge");
});
