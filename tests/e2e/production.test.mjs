// On PostgreSQL and RabbitMQ: it fails, is sent again, and arrives while somebody looks.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Stage, row, signIn } from "./support/stage.mjs";

let stage;
before(async () => { stage = await Stage.set("production"); });
after(() => stage?.strike());

test("a failed delivery is sent again and arrives", async (t) => {
  const { program, receiver } = stage;
  const never = { maxRetries: 0, backoffStrategy: "linear" };
  await stage.webhook("/orders", { name: "Orders", events: ["order.*"], retryPolicy: never });
  receiver.behave("/orders", { status: 500 });
  const failed = await program.delivered("order.created", {}, "dead");
  receiver.behave("/orders", { status: 200 });
  const letGo = receiver.hold("/orders");

  const page = await stage.visit(t, null);
  await signIn(page, program.people.owner);
  await page.goto("/ui/deliveries");
  await row(page, failed.id).getByRole("button", { name: "Retry" }).click();
  await page.locator(".live.on").waitFor();
  let loaded = 0;
  page.on("framenavigated", () => { loaded += 1; });
  letGo();
  await row(page, failed.id).locator(".badge", { hasText: "delivered" }).waitFor();
  assert.equal(loaded, 0, "the page was not loaded again");
  await page.goto("/ui/webhooks");
  await row(page, "Orders").getByRole("button", { name: "Pause" }).click();
  await row(page, "Orders").getByRole("button", { name: "Resume" }).waitFor();
});
