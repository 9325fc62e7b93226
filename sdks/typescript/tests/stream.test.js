// A stream: what is asked for, and how it goes on.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Angarium } from "../dist/index.js";
import { Transport } from "../dist/transport.js";
import { error, scripted } from "./support/script.js";

const STREAM = "/api/v1/deliveries/stream";
const OPTIONS = { baseUrl: "http://h", timeoutMs: 30_000, retries: 3, warn: () => {} };
const CALL = { method: "GET", route: STREAM, credential: "sk_test_1", headers: {}, idempotencyKey: undefined };

const attempt = (number, id = "t1") =>
  `id: ${id}\nevent: attempt\ndata: ${JSON.stringify({ id: "dlv_1", attempt: { number } })}\n\n`;
const beat = (id) => `id: ${id}\n\n`;
const END = "id: t9\nevent: end\ndata: all was told\n\n";

/** An answer in pieces, each given when it is read; then it ends, or breaks off, or there is silence. */
const told = (pieces, then = "end", headers = { "content-type": "text/event-stream" }) => (signal) => {
  const rest = [...pieces];
  const source = {
    start(controller) {
      signal.addEventListener("abort", () => controller.error(signal.reason));
    },
    pull(controller) {
      if (rest.length > 0) controller.enqueue(new TextEncoder().encode(rest.shift()));
      else if (then === "end") controller.close();
      else if (then === "break") controller.error(new TypeError("terminated"));
      else return new Promise(() => {});
    },
  };
  return new Response(new ReadableStream(source, { highWaterMark: 0 }), { headers });
};
const refused = (status, code, headers = {}) => () => Response.json(error(code), { status, headers });
const noConnection = () => {
  throw new TypeError("fetch failed");
};

/** A transport that gets these answers in turn, and does not really wait. */
function script(answers, options = {}) {
  const [requests, waits] = [[], []];
  const fetch = async (url, { headers, signal }) => {
    requests.push({ url: url.slice(OPTIONS.baseUrl.length), headers, signal });
    return answers[requests.length - 1](signal);
  };
  const sleep = async (ms) => void waits.push(ms);
  const transport = new Transport({ ...OPTIONS, ...options, fetch, sleep });
  const lastEventIds = () => requests.map(({ headers }) => headers.get("last-event-id"));
  return { requests, waits, lastEventIds, stream: (query, of) => transport.stream({ ...CALL, query }, of) };
}

async function numbers(stream) {
  const found = [];
  for await (const one of stream) found.push(one.attempt.number);
  return found;
}

/** Of waits, which backoff they are: the first is 0. Half of each is chance. */
const backoffs = (waits) => waits.map((ms) => Math.floor(Math.log2(ms / 250)));

test("a stream asks with its filters, and ends where the server says so", async () => {
  const requests = [];
  const fetch = async (url, { headers, signal }) => {
    requests.push({ url, headers });
    return told([beat("t0"), attempt(1), END])(signal);
  };
  const client = new Angarium({ apiKey: "sk_test_1", baseUrl: "http://h", fetch });
  const stream = client.deliveries.stream({ webhookId: "wh_1", since: "2026-11-21T20:00:00Z", follow: false });
  assert.equal(requests.length, 0);
  assert.deepEqual(await numbers(stream), [1]);
  const [{ url, headers }] = requests;
  assert.equal(url, `http://h${STREAM}?webhookId=wh_1&since=2026-11-21T20%3A00%3A00Z&follow=false`);
  const sent = ["accept", "authorization", "last-event-id"].map((name) => headers.get(name));
  assert.deepEqual(sent, ["text/event-stream", "Bearer sk_test_1", null]);
  assert.equal(requests.length, 1);
});

test("a stream that ends goes on behind its last event", async () => {
  const first = told(["id: t0\nretry: 2500\n\n", attempt(1, "t1"), beat("t2")]);
  const { stream, requests, waits, lastEventIds } = script([first, told([attempt(2, "t3")]), told([END])]);
  assert.deepEqual(await numbers(stream({ eventType: "a.b", since: "2026-11-21T20:00:00Z" })), [1, 2]);
  assert.deepEqual(lastEventIds(), [null, "t2", "t3"]);
  const since = "&since=2026-11-21T20%3A00%3A00Z";
  assert.deepEqual(requests.map(({ url }) => url), [since, "", ""].map((of) => `${STREAM}?eventType=a.b${of}`));
  assert.deepEqual(waits, [2500, 2500]);
});

test("it goes on after a second if the server does not say, and after a minute at most", async () => {
  const { stream, waits } = script([told([]), told(["retry: 3600000\n"]), told([END])]);
  await numbers(stream());
  assert.deepEqual(waits, [1000, 60_000]);
});

test("a stream that breaks off goes on behind the last event that came whole", async () => {
  const broken = told([attempt(1), "id: t2\nevent: attempt\ndata: {"], "break");
  const { stream, waits, lastEventIds } = script([broken, told([attempt(2), END])]);
  assert.deepEqual(await numbers(stream()), [1, 2]);
  assert.deepEqual(lastEventIds(), [null, "t1"]);
  assert.deepEqual(backoffs(waits), [0]);
});

test("a stream of which nothing came begins again", async () => {
  const { stream, requests, waits } = script([noConnection, told([], "break"), told([END])]);
  assert.deepEqual(await numbers(stream({ since: "2026-11-21T20:00:00Z" })), []);
  assert.equal(new Set(requests.map(({ url }) => url)).size, 1);
  assert.deepEqual(backoffs(waits), [0, 1]);
});

test("no attempt comes twice", async () => {
  const again = told([attempt(1), attempt(2), attempt(3), END]);
  assert.deepEqual(await numbers(script([told([attempt(1), attempt(2)], "break"), again]).stream()), [1, 2, 3]);
});

test("a stream that is silent for too long is begun again", async () => {
  const silent = told([attempt(1)], "silence");
  const { stream, requests } = script([silent, told([attempt(2), END])], { timeoutMs: 50 });
  assert.deepEqual(await numbers(stream()), [1, 2]);
  assert.ok(requests[0].signal.aborted);
  await assert.rejects(numbers(script([silent]).stream({}, { timeoutMs: 50, retries: 0 })), { code: "TIMED_OUT" });
});

test("whoever takes their time does not make it silent", async () => {
  const { stream, requests } = script([told([attempt(1), attempt(2), END])], { timeoutMs: 50 });
  for await (const _ of stream()) await new Promise((resolve) => setTimeout(resolve, 70));
  assert.equal(requests.length, 1);
});

test("what the server asks for is waited", async () => {
  const busy = refused(503, "UNAVAILABLE", { "retry-after": "17" });
  const limited = refused(429, "RATE_LIMIT_EXCEEDED", { "retry-after": "19" });
  const { stream, waits, lastEventIds } = script([told([attempt(1)]), busy, limited, told([attempt(2), END])]);
  assert.deepEqual(await numbers(stream()), [1, 2]);
  assert.deepEqual(waits, [1000, 17_000, 19_000]);
  assert.deepEqual(lastEventIds(), [null, "t1", "t1", "t1"]);
});

test("what stays wrong ends it at once", async () => {
  const { stream, waits } = script([told([attempt(1)]), refused(401, "API_KEY_INVALID")]);
  await assert.rejects(numbers(stream()), { name: "AuthenticationError", code: "API_KEY_INVALID", status: 401 });
  assert.deepEqual(waits, [1000]);
  const limited = script([refused(429, "RATE_LIMIT_EXCEEDED", { "retry-after": "3600" })]);
  await assert.rejects(numbers(limited.stream()), { name: "RateLimitError", retryAfter: 3600 });
});

test("what is no stream is an error", async () => {
  const page = told(["<h1>hi</h1>"], "end", { "content-type": "text/html" });
  const answers = [page, () => Response.json({}), () => new Response(null, { status: 204 })];
  for (const answer of [...answers, () => new Response(null, { status: 302 }), told(["event: attempt\ndata: {\n\n"])]) {
    await assert.rejects(numbers(script([answer]).stream()), { code: "UNEXPECTED_ANSWER" });
  }
});

test("failures in a row end it", async () => {
  const { stream, waits } = script([told([attempt(1)]), ...Array(3).fill(refused(503, "UNAVAILABLE"))], { retries: 2 });
  await assert.rejects(numbers(stream()), { name: "ServerError", code: "UNAVAILABLE" });
  assert.deepEqual(backoffs(waits.slice(1)), [0, 1]);
});

test("connections that break before there is news end it", async () => {
  // The server says first of all where it begins, which brings nothing.
  const { stream, waits } = script(Array(3).fill(told([beat("t1")], "break")));
  await assert.rejects(numbers(stream({}, { retries: 2 })), { name: "ConnectionError" });
  assert.deepEqual(backoffs(waits), [0, 1]);
});

test("failures between events do not end it", async () => {
  const beats = [0, 1, 2, 3].map((n) => told([beat(`t${n}`)], "break"));
  const attempts = [0, 1, 2, 3].map((n) => told([attempt(n)], "break"));
  const { stream, waits } = script([...beats, ...attempts, told([END])], { retries: 1 });
  assert.deepEqual(await numbers(stream()), [0, 1, 2, 3]);
  assert.deepEqual(backoffs(waits), Array(8).fill(0));
});

test("a signal ends it, with its reason", async () => {
  const reason = new Error("enough");
  const { stream, requests } = script(Array(2).fill(told([attempt(1), attempt(2)], "silence")));
  for (const last of [1, 2]) {
    const controller = new AbortController();
    const seen = [];
    const followed = async () => {
      for await (const one of stream({}, { signal: controller.signal })) {
        seen.push(one.attempt.number);
        // Once at an event that is not the last, and once in the silence behind it.
        if (last === 1) controller.abort(reason);
        else if (seen.length === 2) setTimeout(() => controller.abort(reason));
      }
    };
    await assert.rejects(followed(), reason);
    assert.equal(seen.length, last);
  }
  assert.ok(requests.every(({ signal }) => signal.aborted));
  await assert.rejects(numbers(stream({}, { signal: AbortSignal.abort(reason) })), reason);
  assert.equal(requests.length, 2);
});

test("leaving the loop closes the connection", { timeout: 10_000 }, async (t) => {
  const { client, requests } = await scripted(t, [{ told: attempt(1) }]);
  for await (const { id } of client.deliveries.stream()) {
    assert.equal(id, "dlv_1");
    break;
  }
  await requests[0].over;
});

test("a deprecated stream is said once", async () => {
  const said = [];
  const old = (then) => told(then, "end", { "content-type": "Text/Event-Stream; charset=utf-8", deprecation: "@1" });
  await numbers(script([old([]), old([END])], { warn: (message) => said.push(message) }).stream());
  assert.deepEqual(said, [`angarium: GET ${STREAM} is deprecated`]);
});
