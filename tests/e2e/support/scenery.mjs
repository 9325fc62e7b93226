// A tenant with something of everything, for tests that look at all screens.

import assert from "node:assert/strict";

import { row } from "./stage.mjs";
import { until } from "./wait.mjs";

/** Webhooks that are well, fail, come back, and are paused, with what was delivered to them. */
export async function fill(stage, { replays = true } = {}) {
  const { program, receiver } = stage;
  receiver.behave("/warehouse", { status: 200, body: "taken" });
  const html = { "content-type": "text/html" };
  receiver.behave("/billing", { status: 500, headers: html, body: "<h1>Internal error</h1>" });
  receiver.behave("/search", { status: 503, headers: { "retry-after": "600" }, body: "busy" });
  const never = { maxRetries: 0, backoffStrategy: "linear" };
  const hourly = { schedule: [3600, 3600] };
  const description = "Stock and parcels";
  const well = await stage.webhook("/warehouse", { name: "Warehouse", events: ["order.*"], description });
  const failing = await stage.webhook("/billing", { name: "Billing", events: ["invoice.*"], retryPolicy: never });
  const late = await stage.webhook("/search", { name: "Search index", events: ["product.*"], retryPolicy: hourly });
  const paused = await stage.webhook("/mail", { name: "Newsletter", events: ["customer.*"] });
  await program.call("POST", `/api/v1/webhooks/${paused.id}/pause`);
  const customer = { name: "Ada Lovelace", email: "ada@example.com" };
  const deliveries = {};
  for (let number = 1; number <= 6; number += 1) {
    const type = ["order.created", "order.paid", "order.shipped"][number % 3];
    deliveries.well = await program.delivered(type, { number, total: 42.5, currency: "EUR", customer }, "delivered");
  }
  for (let number = 1; number <= 3; number += 1) {
    deliveries.dead = await program.delivered("invoice.created", { number, due: "2030-01-31", customer }, "dead");
  }
  const changed = { type: "product.changed", data: { sku: "A-1", price: 10 } };
  const { id } = await program.call("POST", "/api/v1/events", changed);
  deliveries.late = await program.deliveryOf(id, "pending", { attempts: 1 });
  if (replays) await replayAll(program);
  await program.call("POST", "/api/v1/event-types", {
    name: "parcel.sent", description: "A parcel has left the warehouse.", example: { parcel: "P-1" },
    schema: { type: "object" },
  });
  return { well, failing, late, paused, deliveries };
}

/** Sends all that is dead once more; it is dead afterwards as well. */
async function replayAll(program) {
  const replay = await program.call("POST", "/api/v1/replays", {});
  await until("the replay has ended", async () => {
    const { state } = await program.call("GET", `/api/v1/replays/${replay.id}`);
    return !["running", "paused"].includes(state);
  });
}

/** Has somebody make a link to the webhook "Billing"; the address to give away. */
export async function makePortalLink(page, { acts }) {
  await page.goto("/ui/portal-links");
  await page.getByRole("link", { name: "New link" }).click();
  await page.getByRole("textbox", { name: /^For whom/ }).fill("Lovelace & Sons");
  await page.getByRole("checkbox", { name: /^Billing/ }).check();
  await page.getByRole("checkbox", { name: /^Its visitor may/ }).setChecked(acts);
  await page.getByRole("button", { name: "Make the link" }).click();
  const url = new URL(await page.locator("#secret").textContent());
  await page.getByRole("link", { name: "To the links" }).click();
  await row(page, "Lovelace & Sons").waitFor();
  assert.equal((await page.content()).includes(url.search), false, "it is shown once");
  return url.pathname + url.search;
}
