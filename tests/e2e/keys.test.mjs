// A key is made in the browser and used by a program.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Stage, move, sees } from "./support/stage.mjs";

let stage;
before(async () => { stage = await Stage.set(); });
after(() => stage?.strike());

test("a key is shown once, does what it may, and stops when it is revoked", async (t) => {
  const { program } = stage;
  const page = await stage.visit(t, "owner");
  await page.goto("/ui/api-keys");
  await page.getByRole("link", { name: "New key" }).click();
  await page.getByLabel("Name").fill("Shop");
  await page.getByRole("checkbox", { name: /^write:events/ }).check();
  await page.getByRole("button", { name: "Make the key" }).click();
  const key = await page.locator("#secret").textContent();
  assert.match(key, /^sk_test_/);
  await program.call("POST", "/api/v1/events", { type: "order.created", data: {} }, { key });
  await assert.rejects(program.call("GET", "/api/v1/webhooks", undefined, { key }), /403/);

  await page.getByRole("link", { name: "To the key" }).click();
  await page.getByRole("heading", { name: "Shop" }).waitFor();
  assert.equal((await page.content()).includes(key), false);
  await move(page, "goBack");
  assert.equal((await page.content()).includes(key), false);
  await page.goto("/ui/api-keys");
  await page.getByRole("link", { name: "Shop" }).click();
  await page.getByRole("link", { name: "Revoke…" }).click();
  await page.getByRole("button", { name: "Revoke" }).click();
  await sees(page, "revoked");
  await assert.rejects(program.call("POST", "/api/v1/events", { type: "order.created", data: {} }, { key }), /401/);
});
