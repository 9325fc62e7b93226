// The package has everything that the API's document has, and nothing else.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Angarium, ERROR_CODES } from "../dist/index.js";
import { Resource } from "../dist/resource.js";
import { ROUTES } from "../dist/resources.js";
import { PROFILES } from "../dist/verify/index.js";

const file = process.env.ANGARIUM_OPENAPI ?? new URL("../../../docs/openapi.json", import.meta.url);
const document = JSON.parse(readFileSync(file, "utf8"));
const METHODS = ["get", "post", "put", "patch", "delete"];

const isStream = ({ responses }) => responses[200]?.content?.["text/event-stream"] !== undefined;
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  METHODS.filter((method) => item[method]).map((method) => {
    const { operationId, security = document.security ?? [] } = item[method];
    const route = `${method.toUpperCase()} ${path}`;
    return { operationId, route, schemes: security.flatMap(Object.keys), isStream: isStream(item[method]) };
  }),
);
const inDocument = operations.map(({ operationId }) => operationId).sort();

/** Every enumeration in the document, wherever it is. */
function enumerations(part) {
  if (typeof part !== "object" || part === null) return [];
  return [...(Array.isArray(part.enum) ? [part.enum] : []), ...Object.values(part).flatMap(enumerations)];
}

/** The methods of a client's resources, each with the operations that it asks for. */
async function methods() {
  const asked = [];
  const client = new Angarium({ apiKey: "k" });
  client.request = async (operation) => ({ data: asked.push(operation) });
  client.list = (operation) => void asked.push(operation);
  client.stream = (operation) => void asked.push(operation);
  const found = [];
  for (const [name, resource] of Object.entries(client)) {
    if (!(resource instanceof Resource)) continue;
    for (const method of Object.getOwnPropertyNames(Object.getPrototypeOf(resource))) {
      if (method === "constructor") continue;
      await resource[method]("one", "two", "three");
      found.push({ name: `${name}.${method}`, operations: asked.splice(0) });
    }
  }
  return found;
}

test("every operation is known where the document has it", () => {
  const routes = Object.fromEntries(operations.map(({ operationId, route }) => [operationId, route]));
  assert.deepEqual({ ...ROUTES }, routes);
});

test("every operation has a method, and every method an operation", async () => {
  const found = await methods();
  for (const { name, operations } of found) assert.equal(operations.length, 1, name);
  assert.deepEqual(found.flatMap(({ operations }) => operations).sort(), inDocument);
});

test("every call carries the credential that its operation takes", async () => {
  const ended = { headers: { "content-type": "text/event-stream" } };
  for (const { operationId, route, schemes, isStream } of operations) {
    let credential;
    const fetch = async (_, { headers }) => {
      credential = headers.get("authorization");
      return isStream ? new Response("event: end\ndata: -\n\n", ended) : Response.json({ success: true, data: {} });
    };
    const client = new Angarium({ apiKey: "key", sessionToken: "session", baseUrl: "http://h", fetch });
    const path = Object.fromEntries([...route.matchAll(/\{(\w+)\}/g)].map(([, name]) => [name, "x"]));
    if (isStream) await client.stream(operationId, { path }).next();
    else await client.request(operationId, { path });
    const isForSessionsOnly = schemes.includes("session") && !schemes.includes("apiKey");
    assert.equal(credential, isForSessionsOnly ? "Bearer session" : "Bearer key", operationId);
  }
});

test("every code of the document has a class", () => {
  const codes = new Set(enumerations(document).filter((values) => values.includes("AUTH_REQUIRED")).flat());
  assert.notEqual(codes.size, 0);
  assert.deepEqual([...codes].filter((code) => !ERROR_CODES.includes(code)), []);
});

test("every profile of the document can be verified", () => {
  const profiles = new Set(enumerations(document).filter((values) => values.includes("g-tateth")).flat());
  assert.deepEqual([...profiles].filter((profile) => !PROFILES.includes(profile)), []);
});
