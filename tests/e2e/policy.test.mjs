// What the pages may do, and what is kept of them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { TENANT } from "./support/program.mjs";
import { fill } from "./support/scenery.mjs";
import { everyScreen } from "./support/screens.mjs";
import { Stage, chooseTenant } from "./support/stage.mjs";

let stage;
before(async () => {
  stage = await Stage.set();
  await fill(stage);
});
after(() => stage?.strike());

// That no screen breaks its policy, writes an error or asks anybody else, `Stage.visit` looks at in every test.
test("every screen carries a policy that lets nothing in, and keeps to it", async (t) => {
  const page = await stage.visit(t, "operator");
  await page.addInitScript(() => {
    const tell = (event) => console.error(`policy: ${event.violatedDirective}`);
    document.addEventListener("securitypolicyviolation", tell);
  });
  await chooseTenant(page, TENANT);
  const answers = new Map();
  page.on("response", (answer) => answers.set(answer.url(), answer));
  await everyScreen(page, async (path) => {
    const headers = await answers.get(page.url()).allHeaders();
    const policy = headers["content-security-policy"];
    assert.match(policy, /default-src 'none'/, path);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/, path);
    assert.match(policy, /frame-ancestors 'none'/, path);
    assert.equal(headers["x-content-type-options"], "nosniff", path);
    assert.match(headers["cache-control"], /no-store/, path);
    assert.equal(await page.locator("script:not([src]), style, [style], [onclick]").count(), 0, path);
    await page.locator("main h1").first().waitFor();
  });
});

test("the session's cookie is out of reach of scripts and of other sites", async (t) => {
  const page = await stage.visit(t, "owner");
  await page.goto("/ui");
  const cookies = await page.context().cookies();
  const session = cookies.find((cookie) => cookie.name.includes("session"));
  assert.ok(session.httpOnly && session.sameSite !== "None", JSON.stringify({ ...session, value: "" }));
  assert.equal(await page.evaluate(() => document.cookie), "");
});

test("a script that got into a page would not run", async (t) => {
  const page = await stage.visit(t, null);
  const said = [];
  page.removeAllListeners("console");
  page.on("console", (message) => said.push(message.text()));
  await page.goto("/ui/sign-in");
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
  });
  assert.equal(await page.evaluate(() => window.ran), undefined);
  assert.ok(said.some((text) => text.includes("Content Security Policy")), said.join("\n"));
});
