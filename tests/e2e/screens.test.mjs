// Pictures of every screen, for people to look at: light, dark and narrow, in the folder that ANGARIUM_E2E_PICTURES
// names. Without it nothing is taken.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { fill, makePortalLink } from "./support/scenery.mjs";
import { everyScreen } from "./support/screens.mjs";
import { TENANT } from "./support/program.mjs";
import { NARROW, Stage, WIDE, chooseTenant } from "./support/stage.mjs";

const folder = process.env.ANGARIUM_E2E_PICTURES;
const LOOKS = [
  ["light", "light", WIDE], ["dark", "dark", WIDE], ["narrow", "light", NARROW], ["narrow-dark", "dark", NARROW],
];

let stage;
before(async () => {
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  stage = await Stage.set();
  await fill(stage);
});
after(() => stage?.strike());

async function take(page, name) {
  for (const [look, colorScheme, size] of LOOKS) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(size);
    await page.screenshot({ path: join(folder, `${name}-${look}.png`), fullPage: true });
  }
}

test("pictures of every screen", { skip: !folder }, async (t) => {
  const page = await stage.visit(t, "owner");
  const name = (shape) => shape.slice("/ui/".length).replaceAll(/[/:]+/g, "-");
  const taken = new Set();
  await everyScreen(page, (_, shape) => { taken.add(shape); return take(page, name(shape)); });
  await page.goto("/ui/deliveries");
  await page.keyboard.press("?");
  await take(page, "keys");
  const nobody = await stage.visit(t, null);
  await nobody.goto("/ui/sign-in");
  await take(nobody, "sign-in");
  const operator = await stage.visit(t, "operator");
  await chooseTenant(operator, TENANT);
  await everyScreen(operator, (_, shape) => taken.has(shape) ? undefined : take(operator, name(shape)));
  const visitor = await stage.visit(t, null);
  await visitor.goto(await makePortalLink(page, { acts: true }));
  await take(visitor, "portal-open");
  await visitor.getByRole("button", { name: "Open" }).click();
  await visitor.getByRole("link", { name: "Billing" }).waitFor();
  await everyScreen(visitor, (_, shape) => take(visitor, name(shape)), ["/ui/portal", "/ui/portal/verify"]);
});
