// A delivery has failed: somebody signs in, finds it, reads why, repairs the webhook, and watches it arrive.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Stage, path, row, sees, signIn } from "./support/stage.mjs";

let stage;
before(async () => { stage = await Stage.set(); });
after(() => stage?.strike());

test("a wrong password is refused, and the right one leads to where one wanted to go", async (t) => {
  const page = await stage.visit(t, null);
  await page.goto("/ui/webhooks");
  assert.match(path(page), /^\/ui\/sign-in/);
  const { email, password } = stage.program.people.owner;
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(`${password}x`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  assert.equal(await page.getByLabel("E-mail address").inputValue(), email);
  assert.equal(await page.getByLabel("Password").inputValue(), "");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Webhooks", level: 1 }).waitFor();
  await page.locator("details.menu > summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await page.goto("/ui/deliveries");
  assert.match(path(page), /^\/ui\/sign-in/);
});

test("a failed delivery is found, its cause read, its webhook repaired, and it arrives", async (t) => {
  const { program, receiver } = stage;
  const never = { maxRetries: 0, backoffStrategy: "linear" };
  await stage.webhook("/old-address", { name: "Orders", events: ["order.*"], retryPolicy: never });
  receiver.behave("/old-address", { status: 404, body: "we have moved" });
  receiver.behave("/new-address", { status: 200 });
  const failed = await program.delivered("order.created", { order: 4711 }, "dead");

  const page = await stage.visit(t, null);
  await signIn(page, program.people.owner);
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  await page.locator("tr", { hasText: failed.id }).waitFor();

  // By its id, as somebody has sent it.
  await page.getByLabel("Search, or paste an id").fill(failed.id);
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/ui/deliveries/${failed.id}`);
  const cause = await page.locator(".cause").textContent();
  assert.match(cause, /404/);
  await sees(page, "we have moved");

  // By what it looks like.
  await page.goto("/ui/deliveries");
  await page.getByLabel("Status").selectOption("dead");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.waitForURL(/status=dead/);
  await row(page, failed.id).waitFor();
  await page.locator(".chip", { hasText: "dead" }).click();
  await page.waitForURL((url) => !url.search.includes("status"));
  await page.goto("/ui/deliveries?q=code:2xx");
  await sees(page, "No delivery matches these filters.");
  await page.getByRole("link", { name: "Clear all filters" }).click();

  // Its webhook has moved.
  await row(page, failed.id).getByRole("link", { name: "Orders" }).click();
  await page.getByRole("heading", { name: "Orders", level: 1 }).waitFor();
  await page.getByRole("link", { name: "Change", exact: true }).click();
  await page.getByLabel("URL").fill("not an address");
  assert.equal(await page.getByLabel("URL").evaluate((field) => field.validity.valid), false);
  await page.getByLabel("URL").fill(receiver.url("/new-address"));
  await page.getByRole("button", { name: "Save" }).click();
  await sees(page, receiver.url("/new-address"));

  // It is sent again, and the row turns while somebody looks at it.
  const letGo = receiver.hold("/new-address");
  await page.goto("/ui/deliveries?status=");
  await row(page, failed.id).getByRole("button", { name: "Retry" }).click();
  await page.locator(".live.on").waitFor();
  await row(page, failed.id).locator(".badge", { hasNotText: "dead" }).waitFor();
  let loaded = 0;
  page.on("framenavigated", () => { loaded += 1; });
  letGo();
  await row(page, failed.id).locator(".badge", { hasText: "delivered" }).waitFor();
  assert.equal(loaded, 0, "the page was not loaded again");
  assert.equal(receiver.came("/new-address").length, 1);

  // New ones come on top by themselves.
  await program.delivered("order.paid", { order: 4711 }, "delivered");
  await row(page, "order.paid").locator(".badge", { hasText: "delivered" }).waitFor();
  assert.equal(loaded, 0, "the page was not loaded again");
});

test("all dead letters of a filter are counted first, and then sent again", async (t) => {
  const { program, receiver } = stage;
  const never = { maxRetries: 0, backoffStrategy: "linear" };
  await stage.webhook("/bills", { name: "Bills", events: ["invoice.*", "credit.*"], retryPolicy: never });
  receiver.behave("/bills", { status: 500 });
  const dead = [];
  for (let number = 1; number <= 3; number += 1) {
    dead.push(await program.delivered("invoice.created", { number }, "dead"));
  }
  const other = await program.delivered("credit.created", {}, "dead");
  receiver.behave("/bills", { status: 200 });

  const page = await stage.visit(t, "owner");
  await page.goto("/ui/dead-letters");
  await page.getByLabel("Event type").fill("invoice.created");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByRole("link", { name: "Send all again…" }).click();
  await page.getByRole("heading", { name: "Send 3 dead letters again?" }).waitFor();
  assert.equal(receiver.came("/bills").length, 4, "nothing is sent by looking");
  await page.getByRole("button", { name: "Send them again" }).click();
  await page.locator(".notice").waitFor();
  for (const { eventId } of dead) await program.deliveryOf(eventId, "delivered");
  await page.goto("/ui/deliveries?type=invoice.created&status=delivered");
  assert.equal(await page.locator("tbody tr").count(), 3);
  // What the filter left out was left alone.
  await page.goto("/ui/dead-letters");
  await row(page, other.id).waitFor();
  assert.equal(await page.locator("tbody tr").count(), 1);
});

test("all that matches a filter is counted, and sent again while somebody watches", async (t) => {
  const { program, receiver } = stage;
  const never = { maxRetries: 0, backoffStrategy: "linear" };
  await stage.webhook("/stock", { name: "Stock", events: ["stock.*"], retryPolicy: never });
  receiver.behave("/stock", { status: 502 });
  for (let number = 1; number <= 4; number += 1) await program.delivered("stock.changed", { number }, "dead");
  receiver.behave("/stock", { status: 200 });

  const page = await stage.visit(t, "owner");
  await page.goto("/ui/deliveries?type=stock.changed&status=dead");
  await page.getByRole("link", { name: "Send all matching again…" }).click();
  await page.getByRole("heading", { name: "Send 4 deliveries again?" }).waitFor();
  assert.equal(receiver.came("/stock").length, 4, "nothing is sent by counting");
  await page.getByRole("button", { name: "Send 4 again" }).click();
  await page.getByRole("heading", { level: 1 }).waitFor();
  // The page brings itself up to date until all is done.
  await page.locator("main .badge", { hasText: "done" }).first().waitFor();
  await sees(page, "100 %");
  await page.goto("/ui/deliveries?type=stock.changed&status=delivered");
  await page.locator("tbody tr").nth(3).waitFor();
  assert.equal(receiver.came("/stock").length, 8);
});
