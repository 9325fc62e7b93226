// The signature vectors that every implementation of the repository is held to.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { PROFILES, VerificationError, verify, verifySignature } from "../dist/verify/index.js";

const file = process.env.ANGARIUM_VECTORS ?? new URL("../../../tests/vectors/signatures.json", import.meta.url);
const { toleranceSeconds, vectors } = JSON.parse(readFileSync(file, "utf8"));

const bodyOf = ({ body, bodyBase64 }) => (body === undefined ? Buffer.from(bodyBase64, "base64") : body);

for (const vector of vectors) {
  const { name, profile, secrets, headers, signature, now, expected, reason } = vector;
  test(name, async () => {
    const options = { profile, signature, toleranceSeconds, now: new Date(now * 1000) };
    const verified = verifySignature(bodyOf(vector), headers, secrets, options);
    if (expected === "accept") return verified;
    await assert.rejects(verified, (error) => error instanceof VerificationError && error.reason === reason);
  });
}

test("every profile has vectors", () => {
  assert.deepEqual(new Set(vectors.map(({ profile }) => profile)), new Set(PROFILES));
});

test("X-Webhook-Signature alone is checked when that is asked for", async () => {
  const good = vectors.find(({ name }) => name === "default/good");
  const { "x-webhook-signature": signature } = good.headers;
  const headers = { "X-Webhook-Signature": signature };
  const event = await verify(good.body, headers, good.secrets, { bodyOnly: true });
  assert.equal(event.event, "order.created");
  await assert.rejects(verify(good.body, headers, good.secrets), { reason: "missing_header" });
  await assert.rejects(verify(`${good.body} `, headers, good.secrets, { bodyOnly: true }), { reason: "no_match" });
});
