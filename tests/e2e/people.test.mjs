// Users are made, shut out, and keep their own passwords.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Stage, row, sees, signIn } from "./support/stage.mjs";

let stage;
before(async () => { stage = await Stage.set(); });
after(() => stage?.strike());

test("an owner makes a user, who signs in, and is shut out", async (t) => {
  const page = await stage.visit(t, "owner");
  await page.goto("/ui/users");
  await page.getByRole("link", { name: "New user" }).click();
  const email = "grace@example.com";
  await page.getByRole("textbox", { name: /^E-mail address/ }).fill(email);
  await page.getByLabel("Role").selectOption("member");
  await page.getByRole("button", { name: "Make the user" }).click();
  const password = await page.locator("#secret").textContent();
  await page.goto("/ui/users");
  assert.equal((await page.content()).includes(password), false);

  const other = await stage.visit(t, null);
  await signIn(other, { email, password });
  await other.goto("/ui/account");
  await other.getByLabel("Your password now").fill(password);
  const chosen = "correct horse battery staple";
  await other.getByLabel(/^The new one At/).fill(chosen);
  await other.getByLabel("The new one again").fill(chosen);
  await other.getByRole("button", { name: "Change it" }).click();
  await other.locator(".notice").waitFor();
  // A member has no say in who else signs in.
  assert.equal(await other.getByRole("link", { name: "Users" }).count(), 0);
  assert.equal((await other.request.get("/ui/users")).status(), 403);

  await row(page, email).getByRole("link").click();
  await page.getByRole("checkbox", { name: /^May sign in/ }).uncheck();
  await page.getByRole("button", { name: "Save" }).click();
  await row(page, email).waitFor();
  await other.goto("/ui/deliveries");
  assert.match(other.url(), /\/ui\/sign-in/);
  await sees(other, "Your session has ended");
  await page.goto("/ui/audit");
  await sees(page, email);
});
