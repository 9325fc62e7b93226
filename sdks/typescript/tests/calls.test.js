// Calls against an API that misbehaves by script.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  Angarium,
  AngariumError,
  AuthenticationError,
  ConnectionError,
  InvalidRequestError,
  RateLimitError,
  TimeoutError,
  UnexpectedAnswerError,
} from "../dist/index.js";
import { error, scripted } from "./support/script.js";

const created = { status: 201, body: { success: true, data: { id: "wh_1" } } };
const unavailable = { status: 503, headers: { "retry-after": "0" }, body: error("UNAVAILABLE") };
const webhook = { name: "n", url: "https://example.com/", events: ["*"] };

test("a call sends its key, its body and what it is", async (t) => {
  const { client, requests } = await scripted(t, [created], { apiKey: "sk_test_2" });
  assert.deepEqual(await client.webhooks.create(webhook), { id: "wh_1" });
  const [{ method, url, headers, body }] = requests;
  assert.deepEqual([method, url, JSON.parse(body)], ["POST", "/api/v1/webhooks", webhook]);
  assert.equal(headers.authorization, "Bearer sk_test_2");
  assert.equal(headers["content-type"], "application/json");
  assert.match(headers["user-agent"], /^angarium-typescript\//);
});

test("the environment says what the options do not", async (t) => {
  process.env.ANGARIUM_API_KEY = "sk_test_env";
  process.env.ANGARIUM_BASE_URL = "http://127.0.0.1:1/base/";
  t.after(() => {
    delete process.env.ANGARIUM_API_KEY;
    delete process.env.ANGARIUM_BASE_URL;
  });
  const seen = [];
  const fetch = async (url, { headers }) => {
    seen.push([url, headers.get("authorization")]);
    return Response.json({ success: true, data: {} });
  };
  await new Angarium({ fetch }).webhooks.get("wh_1");
  await new Angarium({ fetch, apiKey: "sk_test_own", baseUrl: "http://h" }).webhooks.get("wh_1");
  assert.deepEqual(seen, [
    ["http://127.0.0.1:1/base/api/v1/webhooks/wh_1", "Bearer sk_test_env"],
    ["http://h/api/v1/webhooks/wh_1", "Bearer sk_test_own"],
  ]);
});

test("every attempt of a POST has the same idempotency key, and every call its own", async (t) => {
  const { client, requests } = await scripted(t, [unavailable, "hang up", created, created, created]);
  await client.webhooks.create(webhook);
  await client.webhooks.create(webhook);
  await client.webhooks.create(webhook, { idempotencyKey: "mine" });
  const keys = requests.map(({ headers }) => headers["idempotency-key"]);
  assert.equal(keys.length, 5);
  assert.equal(new Set(keys.slice(0, 3)).size, 1);
  assert.match(keys[0], /^[0-9a-f-]{36}$/);
  assert.notEqual(keys[3], keys[0]);
  assert.equal(keys[4], "mine");
});

test("other methods have no idempotency key", async (t) => {
  const { client, requests } = await scripted(t, [created]);
  await client.webhooks.get("wh_1");
  assert.equal(requests[0].headers["idempotency-key"], undefined);
});

test("an event that has a key or an id of its own gets no other", async (t) => {
  const { client, requests } = await scripted(t, Array(6).fill(created));
  const event = { type: "order.created", data: {} };
  const [keyed, named] = [{ ...event, idempotencyKey: "k" }, { ...event, id: "evt_1" }];
  for (const one of [event, keyed, named]) await client.events.publish(one);
  for (const events of [[event, keyed], [keyed, named]]) await client.events.publishBatch({ events });
  await client.events.publish(named, { idempotencyKey: "mine" });
  const hasKey = requests.map(({ headers }) => headers["idempotency-key"] !== undefined);
  assert.deepEqual(hasKey, [true, false, false, true, false, true]);
});

test("a session is used where no key may be, and instead of one", async () => {
  const seen = [];
  const fetch = async (_, { headers }) => {
    const tells = ["authorization", "x-environment", "x-tenant"].map((name) => headers.get(name));
    seen.push(tells.filter((value) => value !== null).join(", "));
    return Response.json({ success: true, data: {} });
  };
  const person = { fetch, sessionToken: "jwt", environment: "staging", tenant: "acme" };
  process.env.ANGARIUM_API_KEY = "sk_test_env";
  await new Angarium(person).webhooks.get("wh_1");
  await new Angarium({ ...person, apiKey: "sk_test_own" }).webhooks.get("wh_1");
  delete process.env.ANGARIUM_API_KEY;
  await new Angarium({ fetch }).webhooks.get("wh_1");
  assert.deepEqual(seen, ["Bearer jwt, staging, acme", "Bearer sk_test_own", ""]);
});

test("retries end, and the last error is thrown", async (t) => {
  const { client, requests } = await scripted(t, Array(9).fill(unavailable), { retries: 2 });
  await assert.rejects(client.webhooks.get("wh_1"), { name: "ServerError", code: "UNAVAILABLE", status: 503 });
  assert.equal(requests.length, 3);
  await assert.rejects(client.webhooks.get("wh_1", { retries: 0 }));
  assert.equal(requests.length, 4);
});

test("a wait that is too long is not waited", async (t) => {
  const limited = { status: 429, body: error("RATE_LIMIT_EXCEEDED", { retryAfter: 3600 }) };
  const { client, requests } = await scripted(t, [limited]);
  await assert.rejects(client.webhooks.get("wh_1"), (thrown) => {
    assert.ok(thrown instanceof RateLimitError);
    assert.deepEqual([thrown.code, thrown.retryAfter], ["RATE_LIMIT_EXCEEDED", 3600]);
    return true;
  });
  assert.equal(requests.length, 1);
});

test("a wait that the server asks for is waited", async (t) => {
  const limited = { status: 429, headers: { "retry-after": "1" }, body: error("MESSAGES_LIMIT_REACHED") };
  const { client } = await scripted(t, [limited, created]);
  const began = performance.now();
  await client.webhooks.get("wh_1");
  assert.ok(performance.now() - began >= 1000);
});

test("what stays wrong is not tried again, and says everything that is wrong", async (t) => {
  const errors = [{ path: ["url"], message: "is required", code: "REQUIRED" }];
  const body = error("VALIDATION_ERROR");
  body.error.details = { errors };
  const { client, requests } = await scripted(t, [{ status: 422, body }]);
  await assert.rejects(client.webhooks.create(webhook), (thrown) => {
    assert.ok(thrown instanceof InvalidRequestError && thrown instanceof AngariumError);
    assert.deepEqual([thrown.name, thrown.message], ["InvalidRequestError", "it is VALIDATION_ERROR"]);
    assert.deepEqual([thrown.code, thrown.status, thrown.requestId], ["VALIDATION_ERROR", 422, "req_1"]);
    assert.deepEqual(thrown.errors, errors);
    return true;
  });
  assert.equal(requests.length, 1);
});

test("a hint is passed on", async (t) => {
  const body = error("AUTH_REQUIRED");
  body.error.details = { hint: "Send a key." };
  const { client } = await scripted(t, [{ status: 401, body }]);
  await assert.rejects(client.webhooks.get("wh_1"), (thrown) => {
    return thrown instanceof AuthenticationError && thrown.hint === "Send a key.";
  });
});

test("a code that is newer than this package is still an error", async (t) => {
  const { client } = await scripted(t, [{ status: 418, body: error("TEAPOT") }]);
  await assert.rejects(client.webhooks.get("wh_1"), { name: "AngariumError", code: "TEAPOT", status: 418 });
});

test("a proxy's page is no answer", async (t) => {
  const page = { status: 404, headers: { "x-request-id": "req_proxy" }, body: "<h1>nope</h1>" };
  const { client } = await scripted(t, [page, { status: 200, body: "<h1>hi</h1>" }, { status: 302 }]);
  const expected = { name: "UnexpectedAnswerError", code: "UNEXPECTED_ANSWER" };
  const notFound = { ...expected, status: 404, requestId: "req_proxy", body: "<h1>nope</h1>" };
  await assert.rejects(client.webhooks.get("wh_1"), notFound);
  await assert.rejects(client.webhooks.get("wh_1"), { ...expected, status: 200 });
  await assert.rejects(client.webhooks.get("wh_1"), { ...expected, status: 302 });
});

test("a broken proxy is tried again", async (t) => {
  const { client, requests } = await scripted(t, [{ status: 502, body: "<h1>bad gateway</h1>" }, created]);
  await client.webhooks.get("wh_1");
  assert.equal(requests.length, 2);
});

test("a server that is not there", async () => {
  const client = new Angarium({ apiKey: "k", baseUrl: "http://127.0.0.1:1", retries: 0 });
  await assert.rejects(client.webhooks.get("wh_1"), (thrown) => {
    return thrown instanceof ConnectionError && thrown.status === undefined && thrown.cause instanceof Error;
  });
});

test("a server that does not answer is given up, and asked again", async (t) => {
  const { client, requests } = await scripted(t, ["hang", created, "hang"]);
  await client.webhooks.get("wh_1", { timeoutMs: 200 });
  assert.equal(requests.length, 2);
  await assert.rejects(client.webhooks.get("wh_1", { timeoutMs: 100, retries: 0 }), TimeoutError);
});

test("a signal ends an attempt, and a wait, with its reason", async (t) => {
  const later = { status: 503, headers: { "retry-after": "30" }, body: error("UNAVAILABLE") };
  const { client, requests } = await scripted(t, ["hang", later]);
  const reason = new Error("enough");
  const ended = async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 150);
    await assert.rejects(client.webhooks.get("wh_1", { signal: controller.signal }), reason);
  };
  await ended();
  await ended();
  assert.equal(requests.length, 2);
  await assert.rejects(client.webhooks.get("wh_1", { signal: AbortSignal.abort(reason) }), reason);
  assert.equal(requests.length, 2);
});

test("a deprecated operation is said once", async (t) => {
  const old = { headers: { deprecation: "@1767225600", sunset: "Wed, 01 Dec 2027 00:00:00 GMT" } };
  const said = [];
  const { client } = await scripted(t, [old, old, old], { warn: (message) => said.push(message) });
  await client.webhooks.get("wh_1");
  await client.webhooks.get("wh_2");
  await client.deliveries.get("dlv_1");
  assert.deepEqual(said, [
    "angarium: GET /api/v1/webhooks/{id} is deprecated and ends on Wed, 01 Dec 2027 00:00:00 GMT",
    "angarium: GET /api/v1/deliveries/{id} is deprecated and ends on Wed, 01 Dec 2027 00:00:00 GMT",
  ]);
});

test("an id cannot leave its place in the path", async (t) => {
  const { client, requests } = await scripted(t, [created]);
  await client.webhooks.get("../keys?x#y");
  assert.equal(requests[0].url, "/api/v1/webhooks/..%2Fkeys%3Fx%23y");
  for (const bad of ["", ".", "..", undefined]) await assert.rejects(client.webhooks.get(bad), TypeError);
  assert.equal(requests.length, 1);
});

test("an answer has its headers for those who ask", async (t) => {
  const headers = { etag: '"3"', "x-request-id": "req_7", "idempotent-replayed": "true" };
  const { client, requests } = await scripted(t, [{ ...created, headers }, created]);
  const answer = await client.request("getWebhook", { path: { id: "wh_1" } });
  assert.deepEqual([answer.data.id, answer.status, answer.requestId, answer.replayed], ["wh_1", 201, "req_7", true]);
  await client.webhooks.update("wh_1", { name: "m" }, { ifMatch: answer.headers.get("etag") });
  assert.equal(requests[1].headers["if-match"], '"3"');
});
