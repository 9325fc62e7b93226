// Receives Angarium's webhooks and verifies them, on nothing but Node 20:
//   ANGARIUM_SECRET=whsec_… node receiver.mjs [--profile default] [--port 8000]
//   node receiver.mjs --vectors ../../../tests/vectors/signatures.json
// During a rotation ANGARIUM_SECRET may hold the old and the new secret, with a space between.

import { createHmac, createPublicKey, timingSafeEqual, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { parseArgs } from "node:util";

const [TOLERANCE_S, SIGNATURES_MAX, BODY_BYTES_MAX, REMEMBERED_MAX] = [300, 16, 1 << 20, 10_000];

/** What the headers claim: the time, what is signed before the body, and how each entry must look. */
function claimOf(profile, headers, { header = "x-webhook-signature", prefix = "", encoding = "hex" } = {}) {
  const need = (name) => headers[name] || fail("missing_header");
  const overBody = (name, prefix, encoding) => ({ before: "", entries: [need(name)], prefix, encoding });
  if (profile === "g-tateth") return overBody(header, prefix, encoding);
  if (profile === "contextgpt") return overBody("x-signature", "sha256=", "hex");
  if (profile === "github") return overBody("x-hub-signature-256", "sha256=", "hex");
  if (profile === "shopify") return overBody("x-shopify-hmac-sha256", "", "base64");
  if (profile === "slack") {
    const time = need("x-slack-request-timestamp");
    return { ...overBody("x-slack-signature", "v0=", "hex"), time, before: `v0:${time}:` };
  }
  if (profile === "stripe") {
    const all = need("stripe-signature").split(",");
    const time = all.find((entry) => entry.startsWith("t="))?.slice(2) ?? "";
    const entries = all.filter((entry) => !entry.startsWith("t="));
    return { time, before: `${time}.`, entries, prefix: "v1=", encoding: "hex" };
  }
  const [id, time, list] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map(need);
  const before = `${id}.${time}.`;
  return { time, before, entries: list.split(" "), prefix: "v1,", encoding: "base64", isStandard: true };
}

/** Throws the reason not to trust a request. The body is the bytes that arrived; names of headers are in lower case. */
export function check(profile, headers, body, secrets, nowS = Math.floor(Date.now() / 1000), signature = {}) {
  const claim = claimOf(profile, headers, signature);
  if (claim.time !== undefined) {
    if (!/^(0|[1-9]\d*)$/.test(claim.time)) fail("timestamp_malformed");
    if (nowS - claim.time > TOLERANCE_S) fail("too_old");
    if (claim.time - nowS > TOLERANCE_S) fail("in_future");
  }
  if (claim.entries.length > SIGNATURES_MAX) fail("too_many_signatures");
  const signed = Buffer.concat([Buffer.from(claim.before), body]);
  if (!secrets.some((secret) => claim.entries.some((entry) => matches(claim, entry, secret, signed)))) fail("no_match");
}

function matches({ isStandard, prefix, encoding }, entry, secret, signed) {
  const encoded = secret.replace(/^wh(sec|pk)_/, "");
  if (isStandard && secret.startsWith("whpk_")) {
    const key = { kty: "OKP", crv: "Ed25519", x: Buffer.from(encoded, "base64").toString("base64url") };
    const signature = Buffer.from(entry.startsWith("v1a,") ? entry.slice(4) : "", "base64");
    return verify(null, signed, createPublicKey({ key, format: "jwk" }), signature);
  }
  // Only these profiles decode the secret; for the others its whole text is the key.
  const hmac = createHmac("sha256", isStandard ? Buffer.from(encoded, "base64") : secret).update(signed);
  const [expected, given] = [prefix + hmac.digest(encoding), entry].map((text) => Buffer.from(text));
  return expected.length === given.length && timingSafeEqual(expected, given);
}

function fail(reason) {
  throw Object.assign(new Error(reason), { reason });
}

async function bodyOf(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) if ((bytes += chunk.length) <= BODY_BYTES_MAX) chunks.push(chunk);
  return bytes <= BODY_BYTES_MAX ? Buffer.concat(chunks) : undefined;
}

function serve(port, profile, secrets) {
  const seen = new Set(); // In real life a table, kept for longer than the sender may try again.
  async function receive(request, response) {
    const body = await bodyOf(request);
    if (body === undefined) return response.writeHead(413).end();
    try {
      check(profile, request.headers, body, secrets);
    } catch (error) {
      return response.writeHead(error.reason ? 401 : 500).end(`${error.message}\n`);
    }
    response.writeHead(204).end(); // First the answer, then the work: the sender waits for it.
    const id = request.headers["webhook-id"];
    if (seen.has(id)) return; // The same event may come twice.
    if (seen.add(id).size > REMEMBERED_MAX) seen.delete(seen.values().next().value);
    console.log(id, body.toString());
  }
  const server = createServer((request, response) => receive(request, response).catch((error) => console.error(error)));
  server.listen(port, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
}

function checkVectors(file) {
  const { vectors } = JSON.parse(readFileSync(file, "utf8"));
  const wrong = vectors.filter(({ profile, headers, body, bodyBase64, secrets, now, signature, expected, reason }) => {
    const named = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    const bytes = bodyBase64 === undefined ? Buffer.from(body) : Buffer.from(bodyBase64, "base64");
    try {
      check(profile, named, bytes, secrets, now, signature);
      return expected !== "accept";
    } catch (error) {
      return expected !== "reject" || error.reason !== reason;
    }
  });
  for (const { name, expected } of wrong) console.error(`${name}: should ${expected}`);
  console.log(`${vectors.length} vectors: ${wrong.length === 0 ? "ok" : `${wrong.length} wrong`}`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}

const string = (value) => ({ type: "string", default: value });
const { values } = parseArgs({ options: { profile: string("default"), port: string("8000"), vectors: string("") } });
if (values.vectors) checkVectors(values.vectors);
else serve(Number(values.port), values.profile, (process.env.ANGARIUM_SECRET ?? "").split(" ").filter(Boolean));
