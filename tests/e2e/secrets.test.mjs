// What is shown once is shown once.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";

import { Stage, move, path, sees } from "./support/stage.mjs";
import { until } from "./support/wait.mjs";

let stage;
before(async () => { stage = await Stage.set(); });
after(() => stage?.strike());

/** Goes back, forward and anew, and finds the text nowhere. */
async function isGone(page, text) {
  for (const way of ["reload", "goBack", "goForward"]) {
    await move(page, way);
    assert.equal((await page.content()).includes(text), false, `still shown at ${path(page)}`);
  }
}

/** As Standard Webhooks have it. */
function isSigned({ headers, body }, secret) {
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  const expected = `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
  return headers["webhook-signature"].split(" ").includes(expected);
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
  const request = await until("the test event has come", () => stage.receiver.came("/parcels")[0]);
  assert.ok(isSigned(request, secret));
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
