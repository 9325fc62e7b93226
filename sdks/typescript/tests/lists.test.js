import assert from "node:assert/strict";
import { test } from "node:test";

import { scripted } from "./support/script.js";

const row = (id) => ({ id });
const beside = (rows, totals) => ({ body: { success: true, data: rows.map(row), pagination: totals } });
const inside = (rows, totals) => ({ body: { success: true, data: { webhooks: rows.map(row), ...totals } } });

async function collected(list) {
  const ids = [];
  for await (const { id } of list) ids.push(id);
  return ids;
}

test("nothing is sent until something is taken", async (t) => {
  const { client, requests } = await scripted(t, []);
  client.deliveries.list();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(requests.length, 0);
});

test("a list with a cursor is walked by it, with its filters", async (t) => {
  const totals = { total: 3, page: 1, limit: 100, totalPages: 1 };
  const { client, requests } = await scripted(t, [
    beside(["a", "b"], { ...totals, nextCursor: "c1" }),
    beside(["c"], { ...totals, nextCursor: null }),
  ]);
  assert.deepEqual(await collected(client.deliveries.list({ status: "dead" })), ["a", "b", "c"]);
  assert.deepEqual(requests.map(({ url }) => url), [
    "/api/v1/deliveries?status=dead&limit=100",
    "/api/v1/deliveries?status=dead&cursor=c1&limit=100",
  ]);
});

test("a list without one is walked by page, from the page that was asked for", async (t) => {
  const { client, requests } = await scripted(t, [
    inside(["c", "d"], { total: 5, page: 2, limit: 2, totalPages: 3 }),
    inside(["e"], { total: 5, page: 3, limit: 2, totalPages: 3 }),
  ]);
  assert.deepEqual(await collected(client.webhooks.list({ page: 2, limit: 2 })), ["c", "d", "e"]);
  assert.deepEqual(requests.map(({ url }) => url), [
    "/api/v1/webhooks?page=2&limit=2",
    "/api/v1/webhooks?page=3&limit=2",
  ]);
});

test("a list that shrinks meanwhile ends", async (t) => {
  const { client, requests } = await scripted(t, [
    inside(["a"], { total: 2, page: 1, limit: 1, totalPages: 2 }),
    inside([], { total: 2, page: 2, limit: 1, totalPages: 9 }),
  ]);
  assert.deepEqual(await collected(client.webhooks.list({ limit: 1 })), ["a"]);
  assert.equal(requests.length, 2);
});

test("one page is one request, and says how long the list is", async (t) => {
  const { client, requests } = await scripted(t, [
    beside(["a"], { total: 41, page: 1, limit: 20, totalPages: 3, nextCursor: "c1", prevCursor: null }),
    inside(["a"], { total: 1, page: 1, limit: 20, totalPages: 1 }),
  ]);
  const page = await client.deliveries.list().page();
  const cursors = { nextCursor: "c1", prevCursor: null };
  assert.deepEqual(page, { items: [row("a")], total: 41, page: 1, limit: 20, totalPages: 3, ...cursors });
  const { items, total } = await client.webhooks.list().page();
  assert.deepEqual([items, total], [[row("a")], 1]);
  assert.deepEqual(requests.map(({ url }) => url), ["/api/v1/deliveries", "/api/v1/webhooks"]);
});

test("whoever stops early asks for no more", async (t) => {
  const totals = { total: 9, page: 1, limit: 100, totalPages: 1, nextCursor: "c1" };
  const { client, requests } = await scripted(t, [beside(["a", "b"], totals)]);
  for await (const { id } of client.deliveries.list()) if (id === "b") break;
  assert.equal(requests.length, 1);
});

test("an answer that is no list is an error", async (t) => {
  const { client } = await scripted(t, [{ body: { success: true, data: { id: "x" } } }]);
  await assert.rejects(client.deliveries.list().page(), { code: "UNEXPECTED_ANSWER" });
});

test("filters may be repeated, and may be dates", async (t) => {
  const { client, requests } = await scripted(t, [beside([], { total: 0, page: 1, limit: 20, totalPages: 0 })]);
  const createdAfter = new Date(Date.UTC(2026, 0, 1));
  await client.deliveries.list({ status: ["dead", "pending"], createdAfter, eventType: undefined }).page();
  const query = "status=dead&status=pending&createdAfter=2026-01-01T00%3A00%3A00.000Z";
  assert.equal(requests[0].url, `/api/v1/deliveries?${query}`);
});
