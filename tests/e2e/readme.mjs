// Takes the pictures of the README anew: the list of deliveries, light and dark, into docs/images.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { smaller } from "./support/png.mjs";
import { fill } from "./support/scenery.mjs";
import { Stage } from "./support/stage.mjs";

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "../../docs/images");
const BYTES_MAX = 150_000;

const stage = await Stage.set();
try {
  mkdirSync(FOLDER, { recursive: true });
  await fill(stage, { replays: false });
  const clean = [];
  const test = { after: (last) => clean.push(last) };
  const page = await stage.visit(test, "owner", { size: { width: 1440, height: 840 }, scale: 1.5 });
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.goto("/ui/deliveries");
    await page.locator(".live.on").waitFor();
    const picture = smaller(await page.screenshot());
    if (picture.length > BYTES_MAX) throw new Error(`the ${colorScheme} picture has ${picture.length} bytes`);
    const path = join(FOLDER, `deliveries-${colorScheme}.png`);
    writeFileSync(path, picture);
    console.log(`${path}: ${picture.length} bytes`);
  }
  for (const last of clean) await last();
} finally {
  await stage.strike();
}
