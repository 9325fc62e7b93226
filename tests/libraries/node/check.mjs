// What the libraries that receivers use say of requests that Angarium sent: `node check.mjs CAPTURES`, a file that
// ../capture.py wrote, not longer ago than the libraries tolerate.

import assert from "node:assert/strict";
import { createPublicKey, verify as verifyEd25519 } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, mock, test } from "node:test";

import { verify as verifyGitHub } from "@octokit/webhooks-methods";
import { Webhook } from "standardwebhooks";
import Stripe from "stripe";

const OTHER_SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const TOLERANCE_MS = 300_000;

const captures = JSON.parse(readFileSync(process.argv[2], "utf8"));

/** Each throws, or gives false, when it does not accept the request. */
const libraries = {
  standardwebhooks: {
    profiles: ["default", "cloudevents"],
    hasTime: true,
    accepts: (body, headers, secret) => new Webhook(secret).verify(body, headers) !== undefined,
  },
  "@octokit/webhooks-methods": {
    profiles: ["github"],
    hasTime: false,
    accepts: (body, headers, secret) => verifyGitHub(secret, body.toString(), headers["x-hub-signature-256"]),
  },
  stripe: {
    profiles: ["stripe"],
    hasTime: true,
    accepts: (body, headers, secret) =>
      Stripe.webhooks.constructEvent(body, headers["stripe-signature"], secret) !== undefined,
  },
};

async function isAccepted(library, { headers, secret, body }) {
  const named = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  try {
    return await library.accepts(body, named, secret);
  } catch {
    return false;
  }
}

function requestsOf(profile) {
  const found = captures.filter((capture) => capture.profile === profile);
  assert.notEqual(found.length, 0, `there is no request of the profile ${profile} in the captures`);
  return found.map((capture) => ({ ...capture, body: Buffer.from(capture.bodyBase64, "base64") }));
}

async function isAcceptedAt(nowMs, library, request) {
  mock.timers.enable({ apis: ["Date"], now: nowMs });
  try {
    return await isAccepted(library, request);
  } finally {
    mock.timers.reset();
  }
}

for (const [name, library] of Object.entries(libraries)) {
  for (const profile of library.profiles) {
    describe(`${name}, profile ${profile}`, () => {
      test("accepts what was sent", async () => {
        for (const request of requestsOf(profile)) assert.equal(await isAccepted(library, request), true);
      });

      test("rejects another body", async () => {
        for (const request of requestsOf(profile)) {
          const tampered = Buffer.concat([request.body, Buffer.from(" ")]);
          assert.equal(await isAccepted(library, { ...request, body: tampered }), false);
        }
      });

      test("rejects another secret", async () => {
        for (const request of requestsOf(profile)) {
          assert.equal(await isAccepted(library, { ...request, secret: OTHER_SECRET }), false);
        }
      });

      test("rejects it when it is old", { skip: library.hasTime ? false : "this scheme signs no time" }, async () => {
        for (const request of requestsOf(profile)) {
          assert.equal(await isAcceptedAt(Date.now(), library, request), true);
          assert.equal(await isAcceptedAt(Date.now() + TOLERANCE_MS + 2_000, library, request), false);
        }
      });
    });
  }
}

test("node:crypto verifies Ed25519 by the public key", async () => {
  const signed = captures.filter(({ publicKey }) => publicKey);
  assert.notEqual(signed.length, 0, "there is no request with a public key in the captures");
  for (const { publicKey, headers, bodyBase64 } of signed) {
    const header = (name) => Object.entries(headers).find(([other]) => other.toLowerCase() === name)?.[1];
    const x = Buffer.from(publicKey.replace(/^whpk_/, ""), "base64").toString("base64url");
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    const before = `${header("webhook-id")}.${header("webhook-timestamp")}.`;
    const message = Buffer.concat([Buffer.from(before), Buffer.from(bodyBase64, "base64")]);
    const entries = header("webhook-signature").split(" ").filter((entry) => entry.startsWith("v1a,"));
    const check = (bytes) => entries.some((e) => verifyEd25519(null, bytes, key, Buffer.from(e.slice(4), "base64")));
    assert.equal(check(message), true);
    assert.equal(check(Buffer.concat([message, Buffer.from(" ")])), false);
  }
});
