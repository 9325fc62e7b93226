// In a window of 360 px the rows of a list are stacked: there is no head above them, so each value says what it is.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { TENANT } from "./support/program.mjs";
import { fill, makePortalLink } from "./support/scenery.mjs";
import { everyScreen } from "./support/screens.mjs";
import { NARROW, Stage, chooseTenant } from "./support/stage.mjs";

let stage;
before(async () => {
  stage = await Stage.set();
  await fill(stage);
});
after(() => stage?.strike());

/** The values of lists that nobody could name: how many values there are, and a line for each without a label. */
function nameless(page) {
  return page.evaluate(() => {
    // What names itself: the row's own name, its box, its buttons, and a state with its picture.
    const names = (cell) => cell.matches(".pick, .acts") || cell.querySelector(":scope > .badge:only-child");
    const cells = [...document.querySelectorAll("table.list tbody td")];
    const values = cells.filter((cell) => cell.closest("table").matches(".list") && cell.checkVisibility());
    const said = values.filter((cell) => cell.innerText.trim() !== "" && !names(cell));
    const label = (cell) => getComputedStyle(cell, "::before").content.replace(/^(none|normal|"")$/, "");
    const without = said.filter((cell) => label(cell) === "");
    return { count: said.length, lines: without.map((cell) => cell.outerHTML.slice(0, 160)) };
  });
}

async function look(page, path, problems) {
  await page.locator("main details:not([open])").evaluateAll((all) => all.forEach((each) => { each.open = true; }));
  const { count, lines } = await nameless(page);
  problems.push(...lines.map((line) => `${path}: ${line}`));
  return count;
}

for (const who of ["owner", "operator"]) {
  test(`every value of the ${who}'s lists has its label`, async (t) => {
    const page = await stage.visit(t, who, { size: NARROW });
    if (who === "operator") await chooseTenant(page, TENANT);
    const problems = [];
    let values = 0;
    await everyScreen(page, async (path) => { values += await look(page, path, problems); });
    assert.deepEqual(problems, []);
    assert.ok(values > 100, `there are values to look at: ${values}`);
  });
}

test("so has every value of a portal link's lists", async (t) => {
  const link = await makePortalLink(await stage.visit(t, "owner"), { acts: true });
  const page = await stage.visit(t, null, { size: NARROW });
  await page.goto(link);
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByRole("link", { name: "Billing" }).waitFor();
  const problems = [];
  await everyScreen(page, (path) => look(page, path, problems), ["/ui/portal"]);
  assert.deepEqual(problems, []);
});
