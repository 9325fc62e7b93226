// Without a mouse.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { fill } from "./support/scenery.mjs";
import { menu } from "./support/screens.mjs";
import { Stage, path } from "./support/stage.mjs";

let stage;
before(async () => {
  stage = await Stage.set();
  await fill(stage);
});
after(() => stage?.strike());

/** What has the focus: its element's name, text, and whether somebody sees that it has it. */
function focused(page) {
  return page.evaluate(() => {
    const element = document.activeElement;
    const style = getComputedStyle(element);
    const { top, bottom, width } = element.getBoundingClientRect();
    const isOutlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    return {
      name: element.localName, id: element.id, text: element.textContent.trim().slice(0, 60),
      isSeen: width > 0 && bottom > 0 && top < window.innerHeight && (isOutlined || style.boxShadow !== "none"),
    };
  });
}

/** The place in the list of the row that has the focus; -1 for none. */
function currentRow(page) {
  return page.evaluate(() => {
    const rows = [...document.querySelectorAll("table[data-keys] tbody tr")];
    return rows.indexOf(document.activeElement.closest("tr"));
  });
}

test("the first stop leads past the menu", async (t) => {
  const page = await stage.visit(t, "owner");
  await page.goto("/ui/deliveries");
  await page.keyboard.press("Tab");
  const skip = await focused(page);
  assert.equal(skip.text, "Skip to content");
  assert.ok(skip.isSeen);
  await page.keyboard.press("Enter");
  assert.equal((await focused(page)).id, "main");
});

test("the focus is seen at every stop of every screen of the menu", async (t) => {
  const page = await stage.visit(t, "owner");
  for (const screen of await menu(page)) {
    await page.goto(screen);
    for (let stop = 0; stop < 30; stop += 1) {
      await page.keyboard.press("Tab");
      const at = await focused(page);
      if (at.name === "body") break;
      assert.ok(at.isSeen, `${screen}, stop ${stop}: ${JSON.stringify(at)}`);
    }
  }
});

test("rows are gone through, selected and opened by keys", async (t) => {
  const page = await stage.visit(t, "owner");
  await page.goto("/ui/deliveries");
  await page.keyboard.press("j");
  assert.equal(await currentRow(page), 0);
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  assert.equal(await currentRow(page), 2);
  assert.ok((await focused(page)).isSeen);
  await page.keyboard.press("k");
  assert.equal(await currentRow(page), 1);
  await page.keyboard.press("x");
  await page.getByText("1 selected:").waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("Shift+X");
  await page.getByText("2 selected:").waitFor();
  await page.keyboard.press("x");
  await page.getByText("1 selected:").waitFor();
  const href = await page.locator("tbody tr").nth(2).locator("th a").getAttribute("href");
  await page.keyboard.press("Enter");
  await page.waitForURL(`**${href}`);
});

test("letters lead to search, help and screens, and are letters in a field", async (t) => {
  const page = await stage.visit(t, "owner");
  await page.goto("/ui/deliveries");
  await page.keyboard.press("/");
  assert.equal((await focused(page)).id, "find");
  await page.keyboard.type("j/k?x");
  assert.equal(await page.locator("#find").inputValue(), "j/k?x");
  await page.locator("h1").click();
  await page.keyboard.press("Escape");

  await page.goto("/ui/deliveries");
  await page.keyboard.press("?");
  await page.locator("dialog#keys[open]").waitFor();
  await page.keyboard.press("j");
  assert.equal(await currentRow(page), -1, "keys of the page wait while the help is open");
  await page.keyboard.press("Escape");
  await page.locator("dialog#keys[open]").waitFor({ state: "detached" });

  await page.keyboard.press("g");
  await page.keyboard.press("e");
  await page.waitForURL("**/ui/webhooks");
  assert.equal(path(page), "/ui/webhooks");
});
