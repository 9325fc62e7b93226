// Customers without an account see the webhooks of their link, and nothing else.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { fill, makePortalLink } from "./support/scenery.mjs";
import { everyScreen } from "./support/screens.mjs";
import { Stage, row, sees } from "./support/stage.mjs";

let stage;
let scenery;
before(async () => {
  stage = await Stage.set();
  scenery = await fill(stage);
});
after(() => stage?.strike());

test("a link opens once, and leads to the webhooks that it names", async (t) => {
  const link = await makePortalLink(await stage.visit(t, "owner"), { acts: true });
  const visitor = await stage.visit(t, null);
  await visitor.goto(link);
  await visitor.getByRole("button", { name: "Open" }).click();
  await visitor.getByRole("link", { name: "Billing" }).waitFor();
  assert.equal(await visitor.locator("tbody tr").count(), 1);
  assert.doesNotMatch(await visitor.locator("body").innerText(), /Warehouse|Search index/);

  // What the link does not name is not there.
  const { well, failing, deliveries } = scenery;
  for (const path of [`/ui/portal/webhooks/${well.id}`, `/ui/portal/deliveries/${deliveries.well.id}`]) {
    assert.equal((await visitor.request.get(path)).status(), 404, path);
  }
  await visitor.goto("/ui/deliveries");
  assert.match(visitor.url(), /\/ui\/sign-in/);

  // They read why it failed, and send it again themselves.
  await visitor.goto(`/ui/portal/webhooks/${failing.id}`);
  await row(visitor, deliveries.dead.id).getByRole("link").click();
  assert.match(await visitor.locator(".cause").textContent(), /500/);
  stage.receiver.behave("/billing", { status: 200 });
  await visitor.getByRole("button", { name: "Retry now" }).click();
  await stage.program.deliveryOf(deliveries.dead.eventId, "delivered");
  await visitor.goto(`/ui/portal/deliveries/${deliveries.dead.id}`);
  await visitor.locator(".title .badge", { hasText: "delivered" }).waitFor();

  // What is sent meanwhile comes by itself.
  await visitor.goto(`/ui/portal/webhooks/${failing.id}`);
  await visitor.locator(".live.on").waitFor();
  const later = await stage.program.delivered("invoice.sent", {}, "delivered");
  await row(visitor, later.id).locator(".badge", { hasText: "delivered" }).waitFor();

  // The link is used up, for others and for the same person.
  const other = await stage.visit(t, null);
  await other.goto(link);
  await other.getByRole("button", { name: "Open" }).click();
  await sees(other, "This link is over");
  await sees(other, "Ask whoever gave it to you for another.");
  await visitor.getByRole("button", { name: "Leave" }).click();
  await visitor.goto("/ui/portal");
  await sees(visitor, "This link is over");
});

test("a link to look lets one look, on every page", async (t) => {
  const link = await makePortalLink(await stage.visit(t, "owner"), { acts: false });
  const visitor = await stage.visit(t, null);
  await visitor.goto(link);
  await visitor.getByRole("button", { name: "Open" }).click();
  await visitor.getByRole("link", { name: "Billing" }).waitFor();
  const screens = await everyScreen(visitor, async (path) => {
    const offered = await visitor.locator("main button:not([type=button])").allTextContents();
    assert.deepEqual(offered.filter((name) => name !== "Verify"), [], path);
  }, ["/ui/portal", "/ui/portal/verify"]);
  assert.ok(screens.length >= 4, screens.join(" "));
  const status = await visitor.evaluate(async (path) => {
    const body = new URLSearchParams({ token: document.querySelector("input[name=token]").value });
    return (await fetch(path, { method: "POST", body })).status;
  }, `/ui/portal/webhooks/${scenery.failing.id}/pause`);
  assert.equal(status, 403);
});
