// What is shown once is shown once.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Stage, path, sees } from "./support/stage.mjs";

let stage;
before(async () => { stage = await Stage.set(); });
after(() => stage?.strike());

/** Goes back, forward and anew, and finds the text nowhere. */
async function isGone(page, text) {
  for (const move of [() => page.reload(), () => page.goBack(), () => page.goForward()]) {
    await move();
    assert.equal((await page.content()).includes(text), false, `still shown at ${path(page)}`);
  }
}

test("the secret of a new webhook is shown once, and signs", async (t) => {
  const page = await stage.visit(t, "owner");
  await page.goto("/ui/webhooks");
  await page.getByRole("link", { name: "New webhook" }).click();
  await page.getByRole("textbox", { name: /^Name/ }).fill("Parcels");
  await page.getByRole("textbox", { name: /^URL/ }).fill(stage.receiver.url("/parcels"));
  await page.getByRole("textbox", { name: /^Events/ }).fill("parcel.*");
  await page.getByRole("button", { name: "Register" }).click();
  const secret = await page.locator("#secret").textContent();
  assert.match(secret, /^whsec_/);
  await page.getByRole("link", { name: "To the webhook" }).click();
  await page.getByRole("button", { name: "Send a test event" }).click();
  await page.locator("main").getByText(/delivered|200/).first().waitFor();
  assert.equal((await page.content()).includes(secret), false);
});

test("a rotated secret is shown once", async (t) => {
  const { id } = await stage.webhook("/rotated", { name: "Rotated" });
  const page = await stage.visit(t, "owner");
  await page.goto(`/ui/webhooks/${id}`);
  await page.getByText("Rotate the secret").click();
  await page.getByLabel("Older secrets go on signing for").selectOption("3600");
  await page.getByRole("button", { name: "Rotate", exact: true }).click();
  const secret = await page.locator("#secret").textContent();
  assert.match(secret, /^whsec_/);
  await sees(page, "it is not shown again");
  await page.goto(`/ui/webhooks/${id}`);
  await page.getByRole("region", { name: "Secrets" }).locator("tbody tr").nth(1).waitFor();
  await isGone(page, secret);
});
