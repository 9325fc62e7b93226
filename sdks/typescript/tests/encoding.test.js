import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";

import { fromBase64, fromHex } from "../dist/verify/encoding.js";

test("what was encoded is decoded", () => {
  for (let length = 0; length < 70; length++) {
    const bytes = randomBytes(length);
    assert.deepEqual(Buffer.from(fromBase64(bytes.toString("base64"))), bytes);
    assert.deepEqual(Buffer.from(fromHex(bytes.toString("hex"))), bytes);
  }
  assert.equal(fromBase64(Buffer.alloc(1 << 20).toString("base64")).length, 1 << 20);
});

test("no other text stands for the same bytes", () => {
  for (const text of ["AA", "AA=", "A===", "AB==", "AAB=", "A-_A", "AA==AA==", " AA==", "AA==\n", "AA=A", "====", "é==="]) {
    assert.equal(fromBase64(text), undefined, text);
  }
  for (const text of ["a", "0G", "AA", " aa", "aa\n"]) assert.equal(fromHex(text), undefined, text);
});
