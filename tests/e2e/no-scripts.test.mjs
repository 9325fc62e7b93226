// Without scripts every screen is there, and every action is a form.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { fill } from "./support/scenery.mjs";
import { everyScreen } from "./support/screens.mjs";
import { Stage, row, sees, signIn } from "./support/stage.mjs";

let stage;
let scenery;
before(async () => {
  stage = await Stage.set();
  scenery = await fill(stage);
});
after(() => stage?.strike());

test("every screen renders without scripts, and offers nothing that needs them", async (t) => {
  const page = await stage.visit(t, "owner", { scripts: false });
  await everyScreen(page, async (path) => {
    await page.locator("main h1").first().waitFor();
    const dead = page.locator("button[type=button], .js-only").filter({ visible: true });
    assert.deepEqual(await dead.allTextContents(), [], path);
  });
});

test("signing in, filtering, retrying, pausing and choosing work by plain forms", async (t) => {
  const { program, receiver } = stage;
  const page = await stage.visit(t, null, { scripts: false });
  await signIn(page, program.people.owner);

  await page.goto("/ui/deliveries");
  await page.getByLabel("Status").selectOption("dead");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.waitForURL(/status=dead/);
  assert.equal(await page.locator("tbody tr").count(), 3);

  receiver.behave("/billing", { status: 200 });
  const { id } = scenery.deliveries.dead;
  await row(page, id).getByRole("button", { name: "Retry" }).click();
  await page.locator(".notice").waitFor();
  await program.deliveryOf(scenery.deliveries.dead.eventId, "delivered");
  await page.goto(`/ui/deliveries/${id}`);
  await page.locator(".title .badge", { hasText: "delivered" }).waitFor();

  // Several at once.
  await page.goto("/ui/deliveries?status=dead");
  for (const box of await page.locator("tbody input[name=id]").all()) await box.check();
  await page.getByRole("button", { name: "Retry selected" }).click();
  await sees(page, /2/);
  await page.goto("/ui/dead-letters");
  await sees(page, /There is no dead letter/);

  await page.goto(`/ui/webhooks/${scenery.well.id}`);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("button", { name: "Pause" }).waitFor();

  await page.locator("details.menu > summary").click();
  await page.getByLabel("Theme").selectOption("dark");
  await page.getByRole("button", { name: "Apply" }).click();
  await page.locator("html[data-theme=dark]").waitFor();
});
