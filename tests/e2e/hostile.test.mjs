// What others wrote stands in pages as text, whatever it is.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { OTHER_TENANT } from "./support/program.mjs";
import { everyScreen } from "./support/screens.mjs";
import { NARROW, Stage, tooWide } from "./support/stage.mjs";

const IMAGE = `<img src=x onerror="window.hit=1;alert(2)">`;
const SCRIPT = `</pre></textarea></title><script>window.hit=1;alert(1)</script>${IMAGE}`;
const BIDI = "\u202etxt.exe\u2066\u200f\u2069";
const CONTROL = "\u0000\u0007\u001b[31mred\u0085\u2028";
const LINE = "w".repeat(16 * 1024);
const DATA = {
  [SCRIPT]: SCRIPT, bidi: BIDI, control: CONTROL, line: LINE, "'\"><svg onload=alert(3)>": "javascript:alert(4)",
};

let stage;
let delivery;
before(async () => {
  stage = await Stage.set();
  // The tenant whose name is markup; its webhook's name, URL, header and everything else too.
  const key = stage.program.keys[OTHER_TENANT];
  const fields = {
    name: `<script>alert(5)</script>"'><img src=x onerror=alert(6)>${BIDI}`,
    description: `${SCRIPT}{{ 7 * 7 }}`,
    url: `${stage.receiver.url("/hostile")}?q="><script>alert(7)</script>&${"u".repeat(1500)}`,
    events: ["order.*"],
    retryPolicy: { maxRetries: 0, backoffStrategy: "linear" },
    headers: { "X-Note": `"><script>alert(8)</script>` },
    metadata: { note: SCRIPT },
  };
  await stage.webhook("/hostile", fields, { key });
  const example = { [SCRIPT]: SCRIPT };
  const own = { name: "hostile.type", description: SCRIPT + BIDI, example, schema: { title: SCRIPT } };
  await stage.program.call("POST", "/api/v1/event-types", own, { key });
  const headers = { "content-type": "text/html", "x-echo": `"><script>alert(9)</script>`, "x-long": "h".repeat(4000) };
  const body = Buffer.concat([Buffer.from(SCRIPT + BIDI + CONTROL), Buffer.of(0xff, 0xfe, 0x80), Buffer.from(LINE)]);
  stage.receiver.behave("/hostile", { status: 500, headers, body });
  delivery = await stage.program.delivered("order.created", DATA, "dead", { key });
});
after(() => stage?.strike());

/** Fails if anything of it became more than text. */
async function isText(page, where) {
  const stray = page.locator("main img, main iframe, script:not([src]), [onerror], [onload], a[href^='javascript:']");
  assert.equal(await stray.count(), 0, where);
  assert.equal(await page.evaluate(() => window.hit), undefined, where);
  assert.deepEqual(await page.evaluate(turning), [], `${where}: turns the text around it`);
  assert.deepEqual(await tooWide(page), [], where);
}

/** Elements with a character that turns the direction of writing, which is not kept to themselves. */
function turning() {
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    if (!/[\u202a-\u202e\u2066-\u2069]/.test(walker.currentNode.data)) continue;
    const { display, unicodeBidi } = getComputedStyle(walker.currentNode.parentElement);
    if (display.startsWith("inline") && unicodeBidi === "normal") found.push(walker.currentNode.parentElement.outerHTML);
  }
  return found;
}

test("every screen shows it as text, and stays whole in a narrow window", async (t) => {
  const page = await stage.visit(t, "stranger", { size: NARROW });
  await everyScreen(page, async (path) => {
    await page.locator("main details:not([open])").evaluateAll((all) => all.forEach((each) => { each.open = true; }));
    await isText(page, path);
  });
});

test("the answer and the data of a delivery can be read as they came", async (t) => {
  const page = await stage.visit(t, "stranger");
  await page.goto(`/ui/deliveries/${delivery.id}`);
  const text = await page.locator("main").textContent();
  for (const piece of [SCRIPT, LINE.slice(0, 8000)]) assert.ok(text.includes(piece));
});

test("what visitors type, and forged cookies, are text too", async (t) => {
  const page = await stage.visit(t, "stranger", { size: NARROW });
  const notice = Buffer.from(SCRIPT).toString("base64url");
  const cookie = (name, value) => ({ name, value, url: stage.program.url });
  await page.context().addCookies([cookie("angarium_notice", notice), cookie("angarium_theme", "\"><script>")]);
  await page.goto(`/ui/deliveries?q=${encodeURIComponent(SCRIPT)}`);
  await isText(page, "notice and search");
  await page.goto(`/ui/search?q=${encodeURIComponent(SCRIPT)}`);
  await isText(page, "search");
  const type = encodeURIComponent(SCRIPT + "q".repeat(300));
  await page.goto(`/ui/deliveries?type=${type}&webhook=${encodeURIComponent(SCRIPT)}`);
  await isText(page, "filters");
  await page.goto(`/ui/deliveries/${encodeURIComponent(SCRIPT)}`);
  await isText(page, "not found");
  const nobody = await stage.visit(t, null, { size: NARROW });
  await nobody.goto(`/ui/sign-in?next=${encodeURIComponent("//evil.example/" + SCRIPT)}`);
  await nobody.getByLabel("E-mail address").fill(`"><img/src=x/onerror=alert(9)>@example.com`);
  await nobody.locator("form").evaluate((form) => { form.noValidate = true; });
  await nobody.getByLabel("Password").fill(SCRIPT);
  await nobody.getByRole("button", { name: "Sign in" }).click();
  await nobody.getByRole("alert").waitFor();
  await isText(nobody, "sign in");
});
