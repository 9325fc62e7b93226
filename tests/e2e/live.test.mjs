// Lists that were empty when they were loaded fill by themselves, and what changes in them is seen at once.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Stage, row, sees } from "./support/stage.mjs";

let stage;
before(async () => {
  stage = await Stage.set();
});
after(() => stage?.strike());

/** Counts how often the page is loaded from now on. */
function loads(page) {
  const count = { loaded: 0 };
  page.on("framenavigated", () => { count.loaded += 1; });
  return count;
}

test("a filtered list that is empty fills by itself", async (t) => {
  const { program } = stage;
  await stage.webhook("/parcels", { name: "Parcels", events: ["parcel.*", "letter.*"] });
  const page = await stage.visit(t, "owner");
  await page.goto("/ui/deliveries?type=parcel.sent");
  await sees(page, "No delivery matches these filters.");
  await page.locator(".live.on").waitFor();
  assert.equal(await page.locator("table.list").isVisible(), false);
  assert.equal(await page.getByRole("button", { name: "Retry selected" }).isVisible(), false);
  const count = loads(page);
  await program.delivered("letter.sent", {}, "delivered");
  const { id } = await program.delivered("parcel.sent", { parcel: 1 }, "delivered");
  await row(page, id).locator(".badge", { hasText: "delivered" }).waitFor();
  assert.equal(await page.locator("tbody tr").count(), 1, "what the filter leaves out does not come");
  assert.equal(await page.locator(".empty").count(), 0);
  assert.ok(await page.getByRole("button", { name: "Retry selected" }).isVisible());
  assert.equal(count.loaded, 0, "the page was not loaded again");
});

test("deliveries come to the page of their webhook by themselves", async (t) => {
  const { program, receiver } = stage;
  const webhook = await stage.webhook("/stock", { name: "Stock", events: ["stock.*"] });
  const page = await stage.visit(t, "owner");
  await page.goto(`/ui/webhooks/${webhook.id}`);
  await sees(page, "Nothing was sent to it yet.");
  await page.locator(".live.on").waitFor();
  const count = loads(page);
  const letGo = receiver.hold("/stock");
  const { id } = await program.call("POST", "/api/v1/events", { type: "stock.changed", data: {} });
  const newest = row(page, "stock.changed");
  await newest.locator(".badge", { hasText: "waiting" }).waitFor();
  letGo();
  await newest.locator(".badge", { hasText: "delivered" }).waitFor();
  await program.deliveryOf(id, "delivered");
  await program.delivered("parcel.sent", { parcel: 2 }, "delivered");
  await program.delivered("stock.counted", {}, "delivered");
  await row(page, "stock.counted").waitFor();
  assert.equal(await page.locator("#rows tr").count(), 2, "those of other webhooks do not come");
  assert.equal(await page.getByText("Nothing was sent to it yet.").count(), 0);
  assert.equal(count.loaded, 0, "the page was not loaded again");
});
