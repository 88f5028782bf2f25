// An account, from making one to leaving it everywhere; and the demo's operator.
import { expect, Fan, test } from "../fixtures/test.ts";

const SEAT = { section: "Stalls", row: "M", seat: 6 };
const EMAIL = "ada@example.org";
const FIRST = "correct horse battery";
const SECOND = "a staple for the horse";

async function type(fan: Fan, label: string, text: string): Promise<void> {
  await fan.page.getByLabel(label, { exact: true }).fill(text);
}

/** Fills in and sends the form for signing in. */
async function signIn(fan: Fan, password: string, email = EMAIL): Promise<void> {
  await type(fan, "Email", email);
  await type(fan, "Password", password);
  await fan.find.button("Sign in").click();
}

test("tickets bought as a guest are in the account, in every browser and after every sign-in", async ({
  fan,
  rival,
}) => {
  await fan.do.openPerformance("Late Shift");
  await fan.do.buy([SEAT]);
  await fan.see.tickets(1);

  await test.step("register", async () => {
    await fan.find.link("Account").click();
    await expect(fan.find.heading("Sign in")).toBeVisible();
    await fan.see.nothingInTheWay();
    await fan.find.link("Make an account").click();
    await expect(fan.find.heading("Make an account")).toBeVisible();
    await fan.see.nothingInTheWay();
    await type(fan, "Email", EMAIL);
    await type(fan, "Password", "short");
    await fan.find.button("Make the account").click();
    await expect(fan.page.getByLabel("Password", { exact: true })).toBeFocused();
    await fan.see.words("A password has at least 10 characters.");
    await type(fan, "Password", "password123");
    await fan.find.button("Make the account").click();
    await fan.see.words(/among the first that others would try/);
    await type(fan, "Password", FIRST);
    await fan.find.button("Make the account").click();
    await expect(fan.find.heading("Your account")).toBeVisible();
    await fan.see.words("One order from this browser is in your account now.");
    await fan.see.words(`Signed in as ${EMAIL}`);
    await fan.see.nothingInTheWay();
  });

  await test.step("sign out: the browser is nobody's", async () => {
    await fan.find.button(/^Sign out$/).click();
    await fan.see.words("You are signed out.");
    await fan.page.goto("/tickets");
    await expect(fan.find.heading("Late Shift")).toHaveCount(0);
    await fan.see.words(/Tickets you buy in this browser/);
  });

  await test.step("sign in: the order is still there", async () => {
    await fan.page.goto("/account");
    await signIn(fan, "not the password");
    await fan.see.words("Email and password do not belong together.");
    await signIn(fan, FIRST);
    await expect(fan.find.heading("Your account")).toBeVisible();
    await fan.page.goto("/tickets");
    await expect(fan.find.heading("Late Shift")).toBeVisible();
  });

  await test.step("and in another browser", async () => {
    await rival.page.goto("/sign-in?next=/tickets");
    await signIn(rival, FIRST);
    await expect(rival.find.heading("Late Shift")).toBeVisible();
  });

  await test.step("another password signs the other browser out", async () => {
    await fan.page.goto("/account");
    await fan.see.words("Signed in in 2 browsers.");
    await type(fan, "Current password", "not the password");
    await type(fan, "New password", SECOND);
    await fan.find.button("Change password").click();
    await fan.see.words("This is not your current password.");
    await type(fan, "Current password", FIRST);
    await fan.find.button("Change password").click();
    await fan.see.words("Your password is changed.");
    await fan.see.words("Signed in in this browser only.");
    await rival.page.goto("/account");
    await expect(rival.find.heading("Sign in")).toBeVisible();
    await signIn(rival, FIRST);
    await rival.see.words("Email and password do not belong together.");
    await signIn(rival, SECOND);
    await expect(rival.find.heading("Your account")).toBeVisible();
  });

  await test.step("sign out everywhere", async () => {
    await rival.find.button("Sign out everywhere").click();
    await rival.see.words("You are signed out in every browser.");
    await fan.page.goto("/account");
    await expect(fan.find.heading("Sign in")).toBeVisible();
  });
});

test("a password manager is told what each field is, and a reader may look at what they typed", async ({ fan }) => {
  const field = (label: string) => fan.page.getByLabel(label, { exact: true });
  await fan.page.goto("/sign-in");
  await expect(field("Email")).toHaveAttribute("autocomplete", "username");
  await expect(field("Password")).toHaveAttribute("autocomplete", "current-password");
  await expect(field("Password")).toHaveAttribute("type", "password");
  await fan.find.button("Show password").click();
  await expect(field("Password")).toHaveAttribute("type", "text");
  await fan.page.goto("/register");
  await expect(field("Password")).toHaveAttribute("autocomplete", "new-password");
  await test.step("with the keyboard alone", async () => {
    await fan.do.tabTo(field("Email"));
    await fan.page.keyboard.type("keys@example.org");
    await fan.page.keyboard.press("Tab");
    await fan.page.keyboard.type(FIRST);
    await fan.page.keyboard.press("Enter");
    await expect(fan.find.heading("Your account")).toBeVisible();
  });
});

test("the demo's operator signs in with what the demo printed", async ({ fan, office }) => {
  const { email, password } = office.operator;
  await fan.page.goto("/account");
  await signIn(fan, password, email);
  await expect(fan.find.heading("Your account")).toBeVisible();
  await fan.see.words(`Signed in as ${email}`);
  await fan.see.words(/^Operator$/);
});

test("the account's pages look as they should", async ({ browser, office }) => {
  const session = await fetch(`${office.url}/api/v1/accounts`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email: EMAIL, password: FIRST }),
  });
  expect(session.status).toBe(201);
  const cookies = session.headers.getSetCookie().map((line) => {
    const [name, value] = line.split(";")[0].split("=");
    return { name, value, url: office.url };
  });
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [390, 1440]) {
      const context = await browser.newContext({
        baseURL: office.url,
        colorScheme,
        viewport: { width, height: 900 },
      });
      const fan = new Fan(await context.newPage());
      const see = async (path: string, heading: string) => {
        await fan.page.goto(path);
        await expect(fan.find.heading(heading)).toBeVisible();
        await fan.see.fitsTheWidth();
        await fan.see.nothingInTheWay();
        await fan.see.picture(`account-${heading.replace(/ /g, "-").toLowerCase()}-${width}-${colorScheme}`);
      };
      await see("/sign-in", "Sign in");
      await see("/register", "Make an account");
      await context.addCookies(cookies);
      await see("/account", "Your account");
      await context.close();
    }
  }
});
