// Every state of the waiting room and of the console, looked at: a picture of each is kept for people
// (target/end2end/pictures), it fits the width, and axe finds nothing in the way. A run takes each
// width in one colour and each colour in one width; ONSALE_LOOKS=all takes all four.
import { addHouse } from "../fixtures/house.ts";
import { expect, test } from "../fixtures/test.ts";
import { enter, place, unfolds, waits } from "../fixtures/waiting.ts";

const SHOW = "Late Shift";
const SMALL = "Two by Two";
const DEMO = "The Lanterns";

test.use({ wishes: { demo: ["--quiet"], serve: ["--room-joins", "0"] } });

for (const [width, height] of [
  [390, 844],
  [1440, 900],
] as const) {
  for (const colorScheme of ["light", "dark"] as const) {
    const look = `${width}-${colorScheme}`;
    if (process.env.ONSALE_LOOKS !== "all" && !["390-light", "1440-dark"].includes(look)) continue;

    test.describe(`${width} px, ${colorScheme}`, () => {
      test.use({ viewport: { width, height }, colorScheme, contextOptions: { viewport: { width, height }, colorScheme } });

      // Pictures and axe take their time, and a busy machine more of it.
      test.slow();

      test(`the room from its announcement through the draw (${look})`, async ({ fan, operator }) => {
        const state = (name: string) => fan.see.state(`room-${name}-${look}`);
        const in_an_hour = Date.now() + 3_600_000;
        const { id } = await operator.makeRoom(SHOW, {
          rate_per_minute: 0,
          cap: 5,
          gathers_ms: in_an_hour,
          opens_ms: in_an_hour + 600_000,
        });
        await fan.page.goto(`/rooms/${id}`);
        await expect(fan.find.heading("The waiting room is not open yet")).toBeVisible();
        await state("early");
        await operator.act(id, "gather");
        await operator.crowd(id, 240);
        await expect(fan.find.heading("You are in the draw")).toBeVisible();
        await fan.see.words(/24\d people are here/);
        await state("gathering");
        await operator.act(id, "draw");
        await expect(fan.find.heading("The order is being drawn")).toBeVisible();
        await state("drawing");
        await expect(async () => {
          await operator.act(id, "open");
        }).toPass();
        await expect(place(fan)).toBeVisible();
        await unfolds(fan, "Why this is fair");
        await fan.find.button("Check my place").click();
        await fan.see.words("Your place is the one that was drawn.");
        await state("draw-check");
      });

      test(`the room in line (${look})`, async ({ fan, operator, office }) => {
        const state = (name: string) => fan.see.state(`room-${name}-${look}`);
        const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 60, cap: 500 });
        await operator.act(id, "open");
        await operator.crowd(id, 1_400);
        await waits(fan, id);
        await fan.see.words(/^About \d+ to \d+ minutes$|^Up to \d+ minutes$/);
        await state("waiting-far");
        await operator.change(id, { message: "Doors open at 21:15. There is no interval tonight." });
        await fan.see.words("From the organiser");
        await operator.act(id, "pause");
        await fan.see.words(/The organiser has paused the line/);
        await state("paused");
        await operator.act(id, "resume");
        await operator.change(id, { message: "" });
        await expect(fan.page.getByText("From the organiser")).toHaveCount(0);
        await unfolds(fan, "What you are looking for");
        await fan.page.getByRole("combobox", { name: "How many places" }).selectOption("2");
        await expect(fan.page.getByRole("combobox", { name: "Price" })).toBeVisible();
        await fan.find.button("Save").click();
        await fan.see.words(/^Saved\./);
        await unfolds(fan, "Continue on another device");
        await expect(fan.page.getByRole("img", { name: /^Your pass as a code/ })).toBeVisible();
        await unfolds(fan, "I have a code");
        await fan.find.button("Give up my place").click();
        await state("unfolded");
        await fan.find.button("Keep it").click();
        await office.halt();
        await fan.see.words(/We cannot reach the waiting room/);
        await state("server-away");
        await office.run();
        await expect(fan.page.getByText(/We cannot reach the waiting room/)).toHaveCount(0);
        await fan.find.button("Give up my place").click();
        await fan.find.button("Give it up").click();
        await expect(fan.find.heading("You have given up your place")).toBeVisible();
        await state("given-up");
        await operator.act(id, "close");
        await expect(fan.find.heading("There is no line")).toBeVisible();
        await state("closed");
      });

      test(`the room from the front of the line into the shop (${look})`, async ({ fan, rival, operator }) => {
        const state = (name: string) => fan.see.state(`room-${name}-${look}`);
        const next = await operator.makeRoom(SHOW, { rate_per_minute: 0, cap: 1 });
        await operator.act(next.id, "open");
        await waits(fan, next.id);
        await expect(place(fan)).toContainText("1");
        await state("next-still");
        await unfolds(fan, "What you are looking for");
        await fan.page.getByRole("combobox", { name: "How many places" }).selectOption("2");
        await fan.find.button("Save").click();
        await fan.see.words(/^Saved\./);
        await operator.change(next.id, { rate_per_minute: 600 });
        await expect(enter(fan)).toBeVisible();
        await state("turn");
        await enter(fan).click();
        await expect(fan.find.heading("This fits your wishes")).toBeVisible();
        await fan.see.words(/^Stalls, row/);
        await state("offer");
        await waits(rival, next.id);
        await expect(rival.page.getByText(/The shop is full/)).toBeVisible();
        await rival.see.state(`room-next-full-${look}`);
        await fan.find.link("Choose seats").click();
        await expect(fan.find.heading(SHOW)).toBeVisible();
        await fan.see.picture(`room-in-the-shop-${look}`);
        await fan.find.button("Leave the shop").click();
        await fan.see.picture(`room-leaving-${look}`);
        await fan.find.button(/^Leave$/).click();
        await operator.act(next.id, "drain");
        await expect(enter(rival)).toBeVisible();
        await fan.page.goto(`/rooms/${next.id}`);
        await expect(fan.find.heading("Nobody else can join")).toBeVisible();
        await state("draining");
      });

      test(`the room when a turn is over or nothing is left (${look})`, async ({ fan, rival, operator, office }) => {
        const state = (name: string) => fan.see.state(`room-${name}-${look}`);
        await test.step("a turn that was not taken", async () => {
          const short = { rate_per_minute: 600, cap: 5, claim_ms: 1_000, late_ms: 0 };
          const { id } = await operator.makeRoom(SHOW, short);
          await operator.act(id, "open");
          await fan.page.goto(`/rooms/${id}`);
          await expect(fan.find.heading("Your turn is over")).toBeVisible();
          await state("turn-over");
        });

        await test.step("nothing left to sell", async () => {
          await addHouse(office, SMALL, { rows: ["A"], seats: 4, price: 1500 });
          await rival.do.openPerformance(SMALL);
          await rival.do.showBasket();
          await rival.do.holdBest(4);
          await expect(rival.find.checkout()).toBeVisible();
          const { id } = await operator.makeRoom(SMALL, { rate_per_minute: 600, cap: 5 });
          await operator.act(id, "open");
          await expect.poll(async () => (await operator.room(id)).public.places_left).toBe(0);
          await waits(fan, id);
          await fan.see.words(/Everything is sold or held at the moment/);
          await state("sold-out");
        });
      });

      test(`the console in each of its states (${look})`, async ({ operator }) => {
        const state = (name: string) => operator.see.state(`console-${name}-${look}`);
        const rushed = await operator.demoRoom(DEMO);
        await operator.rush(rushed, 300, 20);

        const { id } = await operator.makeRoom(SHOW, { rate_per_minute: 600, cap: 5 });
        await operator.act(id, "gather");
        await operator.crowd(id, 120);
        await operator.openConsole(id);
        await expect(operator.page.getByRole("heading", { name: "The draw" })).toBeVisible();
        await state("gathering");
        await operator.control("Draw and reveal").click();
        await expect(operator.question()).toContainText("is fixed, the key is revealed");
        await operator.see.picture(`console-draw-question-${look}`);
        await operator.question().getByRole("button", { name: "Draw and reveal" }).click();
        await expect(operator.page.getByText("Drawing", { exact: true }).first()).toBeVisible();
        await expect(async () => {
          await operator.act(id, "open");
        }).toPass();
        await expect(operator.page.getByText("Open", { exact: true }).first()).toBeVisible();
        await state("drawn");
        await operator.control("Cap").click();
        await operator.question().getByRole("textbox").fill("50");
        await operator.see.picture(`console-cap-question-${look}`);
        await operator.question().getByRole("button", { name: "Cancel" }).click();

        await test.step("a rush, live", async () => {
          await expect.poll(() => operator.points(rushed), { timeout: 90_000 }).toBeGreaterThan(4);
          await operator.openConsole(rushed);
          await operator.setRate(240);
          await expect(operator.page.getByRole("listitem").filter({ hasText: "→ 240" }).first()).toBeVisible();
          await state("live");
          for (const title of ["Settings and schedule", "Bypass codes"]) {
            await operator.page.getByText(title, { exact: true }).click();
          }
          await operator.page.getByRole("textbox", { name: "What for" }).fill("Press");
          await operator.page.getByRole("button", { name: "Issue" }).click();
          await expect(operator.page.getByText("This code is shown this once:")).toBeVisible();
          await state("settings");
        });

        await operator.page.goto("/operator/rooms");
        await expect(operator.page.getByRole("heading", { name: "Waiting rooms", level: 1 })).toBeVisible();
        await expect(operator.page.getByText(SHOW).first()).toBeVisible();
        await state("rooms");
        await operator.page.goto("/operator/simulator");
        await expect(operator.page.getByText(/of 15,000 sold/)).toBeVisible();
        await state("simulator");
      });
    });
  }
}
