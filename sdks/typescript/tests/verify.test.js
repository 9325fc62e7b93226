// What the vectors do not try: wrong uses of `verify`, and the forms that bodies and headers come in.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";

import { VerificationError, verify } from "../dist/index.js";

const SECRET = "whsec_2NExPSzRXU7EsjuPvZ7gNiWTkkkMIU4/zLeLOmSAEZQ=";
const BODY = '{"id":"evt_1","event":"order.created","timestamp":"2026-01-01T00:00:00.000Z","data":{"name":"Žofie"}}';
const NOW = new Date(1767225600000);

function signed(body = BODY) {
  const key = Buffer.from(SECRET.slice(6), "base64");
  const mac = createHmac("sha256", key).update("evt_1.1767225600.").update(body).digest("base64");
  return { "webhook-id": "evt_1", "webhook-timestamp": "1767225600", "webhook-signature": `v1,${mac}` };
}

test("the event is given, whatever form body and headers have", async () => {
  const bytes = Buffer.from(BODY);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  for (const body of [BODY, bytes, new Uint8Array(bytes), buffer]) {
    const event = await verify(body, signed(), SECRET, { now: NOW });
    assert.deepEqual(event, JSON.parse(BODY));
  }
  const lists = Object.fromEntries(Object.entries(signed()).map(([name, value]) => [name.toUpperCase(), [value]]));
  for (const headers of [new Headers(signed()), Object.entries(signed()), lists]) {
    assert.equal((await verify(BODY, headers, [SECRET], { now: NOW })).event, "order.created");
  }
});

test("two ids are none", async () => {
  const headers = { ...signed(), "webhook-id": ["evt_1", "evt_2"] };
  await assert.rejects(verify(BODY, headers, SECRET, { now: NOW }), { reason: "no_match" });
});

test("a signed body that is not JSON says so", async () => {
  const reason = (thrown) => thrown instanceof VerificationError && thrown.reason === "not_json";
  await assert.rejects(verify("hello", signed("hello"), SECRET, { now: NOW }), reason);
  const noText = Buffer.from([0x22, 0xff, 0x22]);
  await assert.rejects(verify(noText, signed(noText), SECRET, { now: NOW }), reason);
});

test("the tolerance can be set", async () => {
  const later = new Date(NOW.getTime() + 61_000);
  await assert.rejects(verify(BODY, signed(), SECRET, { now: later, toleranceSeconds: 60 }), { reason: "too_old" });
  await verify(BODY, signed(), SECRET, { now: later, toleranceSeconds: 61 });
});

test("a wrong use is not a bad request", async () => {
  const uses = {
    "a body that was parsed": () => verify(JSON.parse(BODY), signed(), SECRET, { now: NOW }),
    "no body": () => verify(undefined, signed(), SECRET, { now: NOW }),
    "no secret": () => verify(BODY, signed(), [], { now: NOW }),
    "an empty secret": () => verify(BODY, signed(), "", { now: NOW }),
    "a secret that is empty but for its prefix": () => verify(BODY, signed(), "whsec_", { now: NOW }),
    "a secret without its prefix": () => verify(BODY, signed(), SECRET.slice(6), { now: NOW }),
    "a secret that lost its padding": () => verify(BODY, signed(), SECRET.slice(0, -1), { now: NOW }),
    "a private key": () => verify(BODY, signed(), `whsk_${SECRET.slice(6)}`, { now: NOW }),
    "a public key that was cut": () => verify(BODY, signed(), "whpk_AAAA", { now: NOW }),
    "an unknown profile": () => verify(BODY, signed(), SECRET, { now: NOW, profile: "gitlab" }),
    "a tolerance that is no number": () => verify(BODY, signed(), SECRET, { now: NOW, toleranceSeconds: Number.NaN }),
    "a time that is none": () => verify(BODY, signed(), SECRET, { now: new Date("soon") }),
  };
  for (const [name, use] of Object.entries(uses)) await assert.rejects(use(), TypeError, name);
});

test("no secret is in an error", async () => {
  const thrown = await verify(BODY, signed(), `${SECRET}x`, { now: NOW }).catch((error) => error);
  assert.equal(String(thrown.stack).includes(SECRET.slice(6, 20)), false);
});
