// Every screen: no violation that axe finds, in both themes, wide and narrow, and nothing sticks out.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import { fill, makePortalLink } from "./support/scenery.mjs";
import { everyScreen } from "./support/screens.mjs";
import { TENANT } from "./support/program.mjs";
import { NARROW, Stage, WIDE, chooseTenant, tooWide } from "./support/stage.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

let stage;
before(async () => {
  stage = await Stage.set();
  await fill(stage);
});
after(() => stage?.strike());

/** What axe finds wrong with the page as it stands, a line for each element. */
async function violations(page) {
  if (!await page.evaluate(() => "axe" in window)) await page.evaluate(axe);
  const results = await page.evaluate((values) => window.axe.run(document, {
    runOnly: { type: "tag", values }, resultTypes: ["violations"],
  }), RULES);
  return results.violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)}`));
}

/** The same in both themes, wide and narrow; the page follows by itself. */
async function look(page, where, problems) {
  // What is folded is part of the page.
  await page.locator("main details:not([open])").evaluateAll((all) => all.forEach((each) => { each.open = true; }));
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const size of [WIDE, NARROW]) {
      await page.setViewportSize(size);
      const found = [...await violations(page), ...await tooWide(page)];
      problems.push(...found.map((line) => `${where}, ${colorScheme}, ${size.width} px: ${line}`));
    }
  }
}

for (const who of ["owner", "operator"]) {
  test(`every screen of the ${who} is accessible`, async (t) => {
    const page = await stage.visit(t, who);
    if (who === "operator") await chooseTenant(page, TENANT);
    const problems = [];
    const screens = await everyScreen(page, (path) => look(page, path, problems));
    assert.ok(screens.length >= 10, screens.join(" "));
    assert.deepEqual(problems, []);
  });
}

test("so are the pages of a portal link", async (t) => {
  const link = await makePortalLink(await stage.visit(t, "owner"), { acts: true });
  const page = await stage.visit(t, null);
  const problems = [];
  await page.goto(link);
  await look(page, "link", problems);
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByRole("link", { name: "Billing" }).waitFor();
  await everyScreen(page, (path) => look(page, path, problems), ["/ui/portal", "/ui/portal/verify"]);
  assert.deepEqual(problems, []);
});

test("so are the pages before signing in, those that refuse, and an open menu", async (t) => {
  const nobody = await stage.visit(t, null);
  const problems = [];
  await nobody.goto("/ui/sign-in");
  await look(nobody, "sign-in", problems);
  const page = await stage.visit(t, "member");
  for (const path of ["/ui/nothing", "/ui/webhooks/new", "/ui/deliveries?status=dead&q=code:nonsense"]) {
    await page.goto(path);
    await look(page, path, problems);
  }
  await page.goto("/ui/webhooks");
  await page.locator("details.menu > summary").click();
  await look(page, "menu", problems);
  await page.keyboard.press("Escape");
  await page.goto("/ui/deliveries");
  await page.keyboard.press("?");
  await look(page, "keys", problems);
  assert.deepEqual(problems, []);
});
