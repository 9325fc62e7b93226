// Bytes to events, and events to attempts.

import assert from "node:assert/strict";
import { test } from "node:test";

import { UnexpectedAnswerError } from "../dist/index.js";
import { ATTEMPTS_KEPT, Attempts, EventParser } from "../dist/events.js";

const bytes = (text) => new TextEncoder().encode(text);

function read(...chunks) {
  const parser = new EventParser();
  return chunks.flatMap((chunk) => parser.feed(chunk)).map(({ id, name, data }) => [id, name, data]);
}

const x = ["", "message", "x"];
const y = ["", "message", "y"];
const xy = [["1", "message", "x"], ["1", "message", "y"]];
for (const [what, stream, events] of [
  ["all fields", "id: 1\nevent: attempt\ndata: x\n\n", [["1", "attempt", "x"]]],
  ["no name", "data: x\n\n", [x]],
  ["a name is of one event", "event: a\ndata: x\n\ndata: y\n\n", [["", "a", "x"], y]],
  ["an id stays", "id: 1\ndata: x\n\ndata: y\n\n", xy],
  ["CR LF", "id: 1\r\ndata: x\r\n\r\ndata: y\r\n\r\n", xy],
  ["CR", "id: 1\rdata: x\r\rdata: y\r\r", xy],
  ["other line ends are text", "data: a\u2028b\vc\n\n", [["", "message", "a\u2028b\vc"]]],
  ["comments", ": hello\n:\ndata: x\n: more\n\n", [x]],
  ["lines of data", "data: a\ndata:\ndata: b\n\n", [["", "message", "a\n\nb"]]],
  ["a field without a value", "data\n\n", [["", "message", ""]]],
  ["one space goes", "data:  x \n\ndata:y\n\n", [["", "message", " x "], y]],
  ["a colon in a value", "data: a:b\n\n", [["", "message", "a:b"]]],
  ["an unknown field", "colour: red\nDATA: y\n data: z\ndata: x\n\n", [x]],
  ["an end without an empty line", "data: x\n\ndata: y\n", [x]],
  ["a byte order mark", "\ufeffdata: x\n\n", [x]],
  ["only the first is one", "\ufeff\ufeffdata: x\ndata: y\n\n", [y]],
  ["an id with NUL", "id: 1\n\nid: 2\x002\ndata: x\n\n", [["1", "message", undefined], ["1", "message", "x"]]],
  ["an empty id", "id: 1\ndata: x\n\nid\ndata: y\n\n", [["1", "message", "x"], y]],
  ["a heartbeat", "id: 1\n\n", [["1", "message", undefined]]],
  ["no news", "id: 1\n\nid: 1\n\n\n\nevent: a\n\n", [["1", "message", undefined]]],
]) {
  test(`events: ${what}`, () => assert.deepEqual(read(bytes(stream)), events));
}

test("what is not UTF-8 is replaced", () => {
  const stream = [...bytes("data: "), 0xff, ...bytes("\n\n")];
  assert.deepEqual(read(Uint8Array.from(stream)), [["", "message", "\ufffd"]]);
});

test("bytes may be cut anywhere", () => {
  const stream = bytes("\ufeffid: ž1\r\ndata: Zoë 🙂\r\n\r\n: c\rid: 2\r\rdata: x\n\n");
  const whole = [["ž1", "message", "Zoë 🙂"], ["2", "message", undefined], ["2", "message", "x"]];
  assert.deepEqual(read(...Array.from(stream, (byte) => Uint8Array.of(byte))), whole);
  for (let cut = 0; cut < stream.length; cut++) {
    assert.deepEqual(read(stream.subarray(0, cut), new Uint8Array(), stream.subarray(cut)), whole, String(cut));
  }
});

test("a pause is a number", () => {
  const pauses = [["retry: 250\n", 250], ["retry: 0\n", 0]];
  const others = ["retry\n", "retry: -1\n", "retry: 1.5\n", "retry: 2s\n", "retry: ²\n", "retry: ٣\n"];
  for (const [said, pause] of [...pauses, ...others.map((other) => [other, 1000])]) {
    const parser = new EventParser();
    parser.feed(bytes(said));
    assert.equal(parser.retryMs, pause, said);
  }
});

test("a new connection goes on from the last event that ended", () => {
  const parser = new EventParser();
  parser.feed(bytes("retry: 7\nid: 1\n\nid: 2\nevent: a\ndata: lost\ndata: al"));
  assert.equal(parser.lastId, "1");
  parser.begin();
  assert.deepEqual(parser.feed(bytes("\ndata: x\n\n")), [{ id: "1", name: "message", data: "x" }]);
  assert.deepEqual([parser.lastId, parser.retryMs], ["1", 7]);
});

const attempt = (id, number) => ({ id, attempt: { number } });
const event = (id, number) => ({ id: "1", name: "attempt", data: JSON.stringify(attempt(id, number)) });

test("an attempt is told once", () => {
  const attempts = new Attempts();
  const told = [event("a", 1), event("a", 1), event("a", 2), event("b", 1)].map((one) => attempts.take(one));
  assert.deepEqual(told, [attempt("a", 1), undefined, attempt("a", 2), attempt("b", 1)]);
});

test("the last attempts are known", () => {
  const attempts = new Attempts();
  for (let n = 0; n <= ATTEMPTS_KEPT; n++) assert.notEqual(attempts.take(event("a", n)), undefined);
  assert.equal(attempts.take(event("a", 1)), undefined);
  assert.notEqual(attempts.take(event("a", 0)), undefined);
});

test("other events tell no attempt", () => {
  for (const [name, data] of [["message", undefined], ["attempt", undefined], ["news", "{}"]]) {
    assert.equal(new Attempts().take({ id: "1", name, data }), undefined);
  }
});

test("what should be an attempt and is none is an error", () => {
  for (const data of ["", "{", "null", "[]", "1", "{}", '{"id": "a"}', '{"id": "a", "attempt": null}']) {
    assert.throws(() => new Attempts().take({ id: "1", name: "attempt", data }), UnexpectedAnswerError, data);
  }
});
