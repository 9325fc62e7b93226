import assert from "node:assert/strict";
import { test } from "node:test";

import { AngariumError, ConnectionError, TimeoutError } from "../dist/index.js";
import { isRetryable, readRetryAfter, waitBefore } from "../dist/retry.js";

const NOW = Date.UTC(2026, 10, 21, 20, 0, 0);

test("waits double, are jittered, and have an end", () => {
  assert.deepEqual([1, 2, 3].map((retry) => waitBefore(retry, undefined, 0)), [250, 500, 1000]);
  assert.deepEqual([1, 2, 3].map((retry) => waitBefore(retry, undefined, 1)), [500, 1000, 2000]);
  assert.equal(waitBefore(50, undefined, 1), 8000);
});

test("a server that says when to come back is believed, within reason", () => {
  assert.equal(waitBefore(1, 7, 0.5), 7000);
  assert.equal(waitBefore(1, 0, 1), 500);
  assert.equal(waitBefore(1, 60, 0), 60_000);
  assert.equal(waitBefore(1, 61, 0), undefined);
});

test("Retry-After is seconds or a date", () => {
  assert.equal(readRetryAfter(null, NOW), undefined);
  assert.equal(readRetryAfter("120", NOW), 120);
  assert.equal(readRetryAfter("Sat, 21 Nov 2026 20:00:05 GMT", NOW), 5);
  assert.equal(readRetryAfter("Sat, 21 Nov 2026 19:00:00 GMT", NOW), 0);
  for (const garbage of ["soon", "-1", "1.5", ""]) assert.equal(readRetryAfter(garbage, NOW), undefined, garbage);
});

test("what may get better is tried again", () => {
  const of = (status, code = "X") => isRetryable(new AngariumError({ message: "", code, status }));
  for (const status of [408, 429, 500, 502, 503, 504]) assert.equal(of(status), true, String(status));
  for (const status of [400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 501]) assert.equal(of(status), false);
  assert.equal(of(409, "IDEMPOTENCY_IN_PROGRESS"), true);
  assert.equal(isRetryable(new ConnectionError({ message: "", code: "CONNECTION_FAILED" })), true);
  assert.equal(isRetryable(new TimeoutError({ message: "", code: "TIMED_OUT" })), true);
  assert.equal(isRetryable(new TypeError("a bug")), false);
});
