// Writes src/resources.ts from docs/openapi.json, so that the package cannot lag behind the API:
//   node generate.mjs           writes it
//   node generate.mjs --check   fails if it is not what would be written
//
// An operation becomes a method of the resource that its tag names, called as its operationId less the words of the
// tag: `pauseWebhook` is `webhooks.pause`. Whatever a client does, and all types, are written by hand elsewhere.

import { readFileSync, writeFileSync } from "node:fs";

const SOURCE = new URL("../../docs/openapi.json", import.meta.url);
const TARGET = new URL("src/resources.ts", import.meta.url);
const METHODS = ["get", "post", "put", "patch", "delete"];
const WIDTH = 120;

/** Where the rule would give two methods one name, or one that does not say what it does. */
const NAMES = {
  publishEvents: "publishBatch",
  redriveDeadLetters: "redriveAll",
  discardDeadLetters: "discardAll",
  listConversationMessages: "listOfConversation",
  createConversationMessage: "createInConversation",
  recordingCall: "addRecording",
};
/** Where a tag's words are not the resource's name. */
const RESOURCES = { "Sign in": "Auth" };
const STREAM_NOTE = "This method begins again by itself, and gives no attempt twice.";

const words = (name) => (name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+/g) ?? []).map((word) => word.toLowerCase());
const singular = (word) => word.replace(/ies$/, "y").replace(/([^s])s$/, "$1");
const capital = (word) => word.charAt(0).toUpperCase() + word.slice(1);
const uncapital = (word) => word.charAt(0).toLowerCase() + word.slice(1);
const pascal = (words) => words.map(capital).join("");
const className = (tag) => RESOURCES[tag] ?? pascal(words(tag));
const camel = ([first, ...rest]) => first + pascal(rest);

function methodName(operationId, tag) {
  const noun = new Set(words(tag).map(singular));
  const rest = words(operationId).filter((word) => !noun.has(singular(word)));
  return NAMES[operationId] ?? camel(rest.length > 0 ? rest : words(operationId));
}

function comment(text, indent) {
  const plain = text.replaceAll("*/", "* /").split(/\s+/).filter(Boolean);
  const lines = [""];
  for (const word of plain) {
    const last = lines[lines.length - 1];
    if (indent.length + last.length + word.length + 8 > WIDTH) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}\n`).join("")}${indent} */\n`;
}

/** The summary as a sentence, and the first paragraph of the rest. */
function description({ summary = "", description = "" }) {
  const [first] = description.split("\n\n");
  return [summary && summary.replace(/\.?$/, "."), first].filter(Boolean).join(" ");
}

function resolve(document, part) {
  return part?.$ref ? part.$ref.slice(2).split("/").reduce((found, name) => found[name], document) : part;
}

/** What goes on for as long as somebody listens: server-sent events. */
const isStream = ({ responses }) => responses[200]?.content?.["text/event-stream"] !== undefined;

const isList = (method, query) => method === "get" && query.some(({ name }) => name === "page");

function operationsOf(document) {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => {
      const operation = item[method];
      const all = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((one) => resolve(document, one));
      const query = all.filter((parameter) => parameter.in === "query");
      const schemes = (operation.security ?? document.security ?? []).flatMap(Object.keys);
      return {
        ...operation,
        tag: operation.tags?.[0] ?? "Other",
        route: `${method.toUpperCase()} ${path}`,
        ids: [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
        body: resolve(document, operation.requestBody),
        query,
        kind: isStream(operation) ? "listen" : isList(method, query) ? "walk" : "call",
        isForSessions: schemes.includes("session") && !schemes.includes("apiKey"),
      };
    }),
  );
}

function methodText(operation) {
  const { operationId: id, ids, body, query, kind, deprecated } = operation;
  const takes = ids.map((name) => `${name}: string`);
  const gives = ids.length > 0 ? [`path: { ${ids.join(", ")} }`] : [];
  const isQueryNeeded = query.some(({ required }) => required);
  if (body) {
    takes.push(`body${body.required ? "" : "?"}: BodyOf<"${id}">`);
    gives.push("body");
  }
  if (query.length > 0) {
    takes.push(`query${isQueryNeeded ? "" : "?"}: QueryOf<"${id}">`);
    gives.push("query");
  }
  const input = gives.length > 0 ? `{ ${gives.join(", ")} }` : "{}";
  const notes = [kind === "listen" && STREAM_NOTE, deprecated && "@deprecated"];
  return [
    comment([description(operation), ...notes].filter(Boolean).join(" "), "  "),
    `  ${methodName(id, operation.tag)}(${[...takes, "options?: CallOptions"].join(", ")}) {\n`,
    `    return this.${kind}("${id}", ${input}, options);\n`,
    "  }\n",
  ].join("");
}

function classText(tag, about, operations) {
  const names = operations.map(({ operationId }) => methodName(operationId, tag));
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice) throw new Error(`${tag}: two operations would be called ${twice}; give one of them a name in NAMES`);
  const head = `${comment(about, "")}export class ${className(tag)} extends Resource {\n`;
  return `${head}${operations.map(methodText).join("\n")}}\n`;
}

function moduleText(document) {
  const operations = operationsOf(document);
  const tags = [...new Set(operations.map(({ tag }) => tag))];
  const about = (tag) => document.tags?.find(({ name }) => name === tag)?.description ?? `${tag}.`;
  const routes = operations.map(({ operationId, route }) => `  ${operationId}: "${route}",\n`);
  const forSessions = operations.filter(({ isForSessions }) => isForSessions).map((one) => `  "${one.operationId}",\n`);
  const classes = tags.map((tag) => classText(tag, about(tag), operations.filter((one) => one.tag === tag)));
  const fields = tags.map(className).map((name) => `  readonly ${uncapital(name)} = new ${name}(this);\n`);
  return `// The operations of the API, by what they are about.
// Written by generate.mjs from docs/openapi.json; not to be edited.

import type { BodyOf, DataOf, EventOf, InputOf, ItemOf, OperationId, QueryOf, StreamId } from "./operations.js";
import type { List } from "./pages.js";
import { Resource } from "./resource.js";
import type { Caller } from "./resource.js";
import type { Answer, CallOptions, Stream } from "./transport.js";

/** Where each operation is. */
export const ROUTES = {
${routes.join("")}} as const satisfies Record<OperationId | StreamId, string>;

/** What only the session of a user may do. */
export const FOR_SESSIONS: ReadonlySet<OperationId> = new Set<OperationId>([
${forSessions.join("")}]);

${classes.join("\n")}
/** Every resource. */
export abstract class Resources implements Caller {
${fields.join("")}
  abstract request<O extends OperationId>(
    operation: O,
    input: InputOf<O>,
    options?: CallOptions,
  ): Promise<Answer<DataOf<O>>>;
  abstract list<O extends OperationId>(operation: O, input: InputOf<O>, options?: CallOptions): List<ItemOf<O>>;
  abstract stream<O extends StreamId>(operation: O, input: InputOf<O>, options?: CallOptions): Stream<EventOf<O>>;
}
`;
}

const text = moduleText(JSON.parse(readFileSync(process.env.ANGARIUM_OPENAPI ?? SOURCE, "utf8")));
if (process.argv[2] !== "--check") {
  writeFileSync(TARGET, text);
} else if (readFileSync(TARGET, "utf8") !== text) {
  console.error("src/resources.ts is not what docs/openapi.json says: npm run generate");
  process.exitCode = 1;
}
