// Who sees what, and who may do what.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { fill } from "./support/scenery.mjs";
import { everyScreen } from "./support/screens.mjs";
import { Stage, chooseTenant, row, sees } from "./support/stage.mjs";
import { OTHER_TENANT, TENANT } from "./support/program.mjs";

let stage;
let scenery;
before(async () => {
  stage = await Stage.set();
  scenery = await fill(stage);
});
after(() => stage?.strike());

/** What buttons are called that change nothing of the tenant's: they look, or change one's own password. */
const LOOKS = ["Filter", "Search", "Apply", "Verify", "Change it"];

/** Sends a form by hand, as the page's own origin, with a token that the page has. */
async function post(page, path, fields) {
  return page.evaluate(async ([to, more]) => {
    const token = document.querySelector("input[name=token]").value;
    const body = new URLSearchParams({ token, next: "/ui", ...more });
    const response = await fetch(to, { method: "POST", body, redirect: "manual" });
    return { status: response.status, text: await response.text(), moved: response.type === "opaqueredirect" };
  }, [path, fields ?? {}]);
}

test("a member looks at everything, is offered nothing that changes it, and is refused", async (t) => {
  const page = await stage.visit(t, "member");
  await everyScreen(page, async (path) => {
    const buttons = page.locator("main button:not([type=button])").filter({ visible: true });
    const offered = (await buttons.allTextContents()).filter((name) => !LOOKS.includes(name.trim()));
    assert.deepEqual(offered, [], path);
    const links = await page.locator("main a.button").allTextContents();
    assert.deepEqual(links.filter((name) => /^(New|Change|Delete|Revoke|Make|Register)\b/.test(name)), [], path);
  });
  await page.goto("/ui/deliveries");
  const { well, deliveries } = scenery;
  const refused = [
    `/ui/deliveries/${deliveries.dead.id}/retry`, `/ui/webhooks/${well.id}/pause`, `/ui/webhooks/${well.id}/delete`,
    `/ui/webhooks/${well.id}/rotate`, "/ui/dead-letters/all", "/ui/webhooks/new",
  ];
  for (const path of refused) {
    const answer = await post(page, path, { name: "Warehouse" });
    assert.equal(answer.status, 403, path);
    assert.match(answer.text, /Your role does not permit this/, path);
  }
  assert.equal((await stage.program.call("GET", `/api/v1/webhooks/${well.id}`)).status, "active");
});

test("an owner acts, but not without the token of the session", async (t) => {
  const page = await stage.visit(t, "owner");
  await page.goto("/ui/webhooks");
  const { late } = scenery;
  const foreign = await post(page, `/ui/webhooks/${late.id}/pause`, { token: "x" });
  assert.equal(foreign.status, 403);
  await row(page, "Search index").getByRole("button", { name: "Pause" }).click();
  await row(page, "Search index").getByRole("button", { name: "Resume" }).click();
  await row(page, "Search index").getByRole("button", { name: "Pause" }).waitFor();
});

test("what is another tenant's is not there", async (t) => {
  const page = await stage.visit(t, "stranger");
  const { well, deliveries } = scenery;
  const hidden = [
    `/ui/webhooks/${well.id}`, `/ui/webhooks/${well.id}/edit`, `/ui/webhooks/${well.id}/delete`,
    `/ui/deliveries/${deliveries.dead.id}`, `/ui/deliveries/${deliveries.dead.id}/payload`,
  ];
  for (const path of hidden) {
    const answer = await page.request.get(path);
    assert.equal(answer.status(), 404, path);
    assert.doesNotMatch(await answer.text(), /Warehouse|Lovelace/, path);
  }
  await page.goto("/ui/deliveries?range=all");
  await sees(page, /Nothing was delivered|No delivery matches/);
  await page.goto(`/ui/deliveries?webhook=${well.id}&range=all`);
  await sees(page, "No delivery matches these filters.");
  await page.getByLabel("Search, or paste an id").fill(deliveries.dead.id);
  await page.keyboard.press("Enter");
  await sees(page, "No delivery matches these filters.");
  for (const path of [`/ui/deliveries/${deliveries.dead.id}/retry`, `/ui/webhooks/${well.id}/pause`]) {
    assert.equal((await post(page, path)).status, 404, path);
  }
});

test("an operator chooses whose pages to see", async (t) => {
  const page = await stage.visit(t, "operator");
  await chooseTenant(page, TENANT);
  await page.goto("/ui/webhooks");
  await row(page, "Warehouse").waitFor();
  await chooseTenant(page, OTHER_TENANT);
  await page.goto("/ui/webhooks");
  await sees(page, "No webhook is registered in this environment.");
  await chooseTenant(page, TENANT);
  await page.goto("/ui/webhooks");
  await row(page, "Warehouse").waitFor();
});
