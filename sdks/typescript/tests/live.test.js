// The package against a running Angarium, which `./test` starts: ANGARIUM_BASE_URL and ANGARIUM_API_KEY say where.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import {
  Angarium,
  AuthenticationError,
  ConflictError,
  InvalidRequestError,
  NotFoundError,
  verify,
} from "../dist/index.js";

const skip = process.env.ANGARIUM_BASE_URL === undefined && "there is no Angarium to talk to: use ./test";
const client = new Angarium();
const SOON_MS = 10_000;

/** Our own receiver: what arrived, and the status that it answers with. */
const receiver = { arrived: [], status: 204, server: undefined };
const urlOf = (path) => `http://127.0.0.1:${receiver.server.address().port}${path}`;

before(async () => {
  receiver.server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    receiver.arrived.push({ path: request.url, headers: request.headers, body: Buffer.concat(chunks) });
    response.writeHead(receiver.status).end();
  });
  await new Promise((resolve) => receiver.server.listen(0, "127.0.0.1", resolve));
});

after(() => {
  receiver.server.closeAllConnections();
  receiver.server.close();
});

async function eventually(what, get) {
  for (const deadline = Date.now() + SOON_MS; Date.now() < deadline; ) {
    const found = await get();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return assert.fail(`${what} did not happen in ${SOON_MS} ms`);
}

const arrival = (path) =>
  eventually(`a request at ${path}`, () => receiver.arrived.find((request) => request.path === path));

/** The first item of a list that may still be empty. */
const firstOf = (list) => eventually("an item in the list", async () => (await list.page()).items[0]);

let count = 0;
/** A webhook for event types that no other test uses. */
async function registered(t, settings = {}) {
  const name = `sdk${++count}`;
  const webhook = await client.webhooks.create({ name, url: urlOf(`/${name}`), events: [`${name}.*`], ...settings });
  t.after(() => client.webhooks.delete(webhook.id).catch(() => {}));
  return { ...webhook, type: `${name}.happened`, path: `/${name}` };
}

test("it is well", { skip }, async () => {
  assert.equal((await client.health.get()).status, "ok");
  assert.equal((await client.health.getLiveness()).status, "ok");
  assert.equal((await client.health.getReadiness()).status, "ready");
  assert.match(await client.health.getMetrics(), /^# TYPE angarium_/m);
});

test("an event arrives, and verifies", { skip }, async (t) => {
  const webhook = await registered(t);
  const event = await client.events.publish({ type: webhook.type, data: { name: "Žofie", n: 1 } });
  const { body, headers } = await arrival(webhook.path);
  const verified = await verify(body, headers, webhook.secret);
  assert.deepEqual([verified.id, verified.event, verified.data], [event.id, webhook.type, { name: "Žofie", n: 1 }]);
  await verify(body, headers, webhook.secret, { bodyOnly: true });
  await assert.rejects(verify(body, headers, (await registered(t)).secret), { reason: "no_match" });
  await assert.rejects(verify(`${body} `, headers, webhook.secret), { reason: "no_match" });
  const late = new Date(Date.now() + 301_000);
  await assert.rejects(verify(body, headers, webhook.secret, { now: late }), { reason: "too_old" });

  assert.deepEqual((await client.events.get(event.id)).data, { name: "Žofie", n: 1 });
  const delivery = await firstOf(client.deliveries.list({ webhookId: webhook.id, status: "delivered" }));
  assert.equal((await client.deliveries.get(delivery.id)).eventId, event.id);
  assert.equal((await client.webhooks.listLogs(webhook.id).page()).items[0].status, "success");
});

test("an attempt is in the stream", { skip }, async (t) => {
  const { id, type } = await registered(t);
  const event = await client.events.publish({ type, data: {} });
  const query = { webhookId: id, since: event.createdAt, follow: false };
  const { eventId, attempt } = await eventually("its attempt", async () => {
    const told = [];
    const signal = AbortSignal.timeout(SOON_MS);
    for await (const one of client.deliveries.stream(query, { signal })) told.push(one);
    return told[0];
  });
  assert.deepEqual([eventId, attempt.number, attempt.status], [event.id, 1, 204]);
});

test("after a rotation both secrets verify", { skip }, async (t) => {
  const webhook = await registered(t);
  const { secret } = await client.webhooks.rotateSecret(webhook.id, { overlapSeconds: 3600 });
  assert.notEqual(secret, webhook.secret);
  await client.webhooks.test(webhook.id);
  const { body, headers } = await arrival(webhook.path);
  await verify(body, headers, secret);
  await verify(body, headers, webhook.secret);
});

test("a list is walked to its end, over many requests", { skip }, async (t) => {
  const webhook = await registered(t);
  const published = [];
  for (let n = 0; n < 7; n++) published.push((await client.events.publish({ type: webhook.type, data: { n } })).id);
  for (const list of [
    client.deliveries.list({ webhookId: webhook.id, limit: 2 }),
    client.webhooks.listLogs(webhook.id, { limit: 3 }),
  ]) {
    const seen = [];
    for await (const { eventId } of list) seen.push(eventId);
    assert.deepEqual(seen.sort(), published.sort());
  }
  const webhooks = [];
  for await (const { id } of client.webhooks.list({ limit: 1 })) webhooks.push(id);
  assert.ok(webhooks.includes(webhook.id) && webhooks.length > 1);
});

test("the same key gives the same event", { skip }, async (t) => {
  const webhook = await registered(t);
  const event = { type: webhook.type, data: { n: 1 } };
  const options = { idempotencyKey: `k-${webhook.id}` };
  const first = await client.request("publishEvent", { body: event }, options);
  const second = await client.request("publishEvent", { body: event }, options);
  assert.deepEqual([first.replayed, second.replayed, second.data.id], [false, true, first.data.id]);
  await assert.rejects(client.events.publish({ ...event, data: { n: 2 } }, options), (error) => {
    return error instanceof InvalidRequestError && error.code === "IDEMPOTENCY_KEY_REUSED";
  });
});

test("an event may have a key or an id of its own", { skip }, async (t) => {
  const { type } = await registered(t);
  const keyed = { type, data: {}, idempotencyKey: `own-${type}` };
  const { id } = await client.events.publish(keyed);
  assert.deepEqual(await client.events.publish(keyed).then((event) => [event.id, event.replayed]), [id, true]);
  // Another id of the same millisecond.
  const named = { type, data: {}, id: id.slice(0, -1) + (id.endsWith("0") ? "1" : "0") };
  for (const replayed of [false, true]) {
    const event = await client.events.publish(named);
    assert.deepEqual([event.id, event.replayed], [named.id, replayed]);
  }
});

test("of a batch each event has its own answer", { skip }, async (t) => {
  const { type } = await registered(t);
  const { accepted, failed, results } = await client.events.publishBatch({
    events: [{ type, data: {} }, { type: "A B", data: {} }],
  });
  assert.deepEqual([accepted, failed], [1, 1]);
  assert.equal(results[1].error.code, "VALIDATION_ERROR");
});

test("a webhook changes, but not behind your back", { skip }, async (t) => {
  const { id } = await registered(t);
  const { headers } = await client.request("getWebhook", { path: { id } });
  const ifMatch = headers.get("etag");
  const changed = await client.webhooks.update(id, { description: "changed" }, { ifMatch });
  assert.equal(changed.description, "changed");
  await assert.rejects(client.webhooks.update(id, { description: "late" }, { ifMatch }), (error) => {
    return error instanceof ConflictError && error.code === "PRECONDITION_FAILED";
  });
  assert.equal((await client.webhooks.pause(id)).isActive, false);
  assert.equal((await client.webhooks.resume(id)).isActive, true);
  const replaced = await client.webhooks.replace(id, { name: "new" });
  assert.deepEqual([replaced.name, replaced.description], ["new", "changed"]);
  await client.webhooks.delete(id);
  await assert.rejects(client.webhooks.get(id), NotFoundError);
});

test("a delivery that failed for good is sent again", { skip }, async (t) => {
  receiver.status = 500;
  t.after(() => (receiver.status = 204));
  const webhook = await registered(t, { retryPolicy: { maxRetries: 0, backoffStrategy: "linear" } });
  const event = await client.events.publish({ type: webhook.type, data: {} });
  const letter = await firstOf(client.deadLetters.list({ webhookId: webhook.id }));
  receiver.status = 204;
  const hasDelivered = (number) => async () =>
    (await client.deliveries.list({ webhookId: webhook.id, status: "delivered" }).page()).total === number;
  await client.deadLetters.redrive(letter.id);
  await eventually("the redriven delivery", hasDelivered(1));
  assert.equal((await client.events.replay(event.id, { webhookId: webhook.id })).deliveries, 1);
  await eventually("the replay", hasDelivered(2));
  await client.deadLetters.redriveAll({ webhookId: webhook.id });
});

test("a record of the core API comes, changes and goes", { skip }, async () => {
  const email = `zofie.${Date.now()}@example.com`;
  const { id } = await client.customers.create({ profile: { firstName: "Žofie", email } });
  const changed = await client.customers.update(id, { tags: ["vip"] });
  assert.deepEqual([changed.id, changed.profile.email, changed.tags], [id, email, ["vip"]]);
  const found = [];
  for await (const customer of client.customers.list({ limit: 1 })) found.push(customer.id);
  assert.ok(found.includes(id));
  await client.customers.delete(id);
  await assert.rejects(client.customers.get(id), NotFoundError);
});

test("everything that is wrong with a request is said at once", { skip }, async () => {
  await assert.rejects(client.webhooks.create({ name: "", url: "ftp://x", events: [] }), (error) => {
    assert.ok(error instanceof InvalidRequestError);
    assert.deepEqual([error.code, error.status], ["VALIDATION_ERROR", 422]);
    assert.match(error.requestId, /^req_/);
    assert.deepEqual(error.errors.map(({ path }) => path[0]).sort(), ["events", "name", "url"]);
    return true;
  });
});

test("a key that is none is refused", { skip }, async () => {
  const apiKey = `${process.env.ANGARIUM_API_KEY.slice(0, -4)}0000`;
  const stranger = new Angarium({ apiKey });
  await assert.rejects(stranger.webhooks.list().page(), (error) => {
    return error instanceof AuthenticationError && error.code === "API_KEY_INVALID" && !error.message.includes(apiKey);
  });
});
