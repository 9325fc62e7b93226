// The README's examples, as they stand there, against a running Angarium.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { promisify } from "node:util";

const skip = process.env.ANGARIUM_BASE_URL === undefined && "there is no Angarium to talk to: use ./test";
const here = new URL("..", import.meta.url);
const readme = readFileSync(new URL("README.md", here), "utf8");
const [publish, receive, lists, follow, errors] = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code);
const asModule = (code) => ["--input-type=module", "--eval", code];

async function run(code) {
  const { stdout } = await promisify(execFile)(process.execPath, asModule(code), { cwd: here, timeout: 30_000 });
  return stdout;
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return String(port);
}

test("publish and receive", { skip }, async (t) => {
  const PORT = await freePort();
  const published = await run(publish.replace("8000", PORT));
  const [, ANGARIUM_SECRET] = /^keep this, it is shown once: (whsec_\S+)$/m.exec(published);
  const [, eventId] = /^(evt_\S+) goes to \d+ webhooks$/m.exec(published);
  const env = { ...process.env, PORT, ANGARIUM_SECRET };
  const receiver = spawn(process.execPath, asModule(receive), { cwd: here, env, stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => receiver.kill());
  // The first attempt was too early; the second is 5 s later.
  for await (const chunk of receiver.stdout) {
    if (String(chunk).includes(`${eventId} order.created { id: 42 }`)) return;
  }
  assert.fail("the receiver ended before it printed the event");
});

test("lists", { skip }, async () => {
  const printed = await run(lists);
  assert.match(printed, /^dlv_\S+ (pending|delivered)$/m);
  assert.match(printed, /^\d+ of \d+$/m);
});

test("follow", { skip }, async (t) => {
  const follower = spawn(process.execPath, asModule(follow), { cwd: here, stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => follower.kill());
  // It tells the attempts of what was published above.
  for await (const chunk of follower.stdout) {
    if (/^order\.created Attempt \d+ /m.test(String(chunk))) return;
  }
  assert.fail("the stream ended before it told an attempt");
});

test("errors", { skip }, async () => {
  assert.match(await run(errors), /path: \[ 'name' \]/);
});
