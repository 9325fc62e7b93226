// An API that answers by script, for what a real one will not do on demand.

import { createServer } from "node:http";

import { Angarium } from "../../dist/index.js";

export const error = (code, extra = {}) => ({
  success: false,
  error: { code, message: `it is ${code}`, requestId: "req_1", timestamp: "2026-11-21T20:04:59.120Z" },
  ...extra,
});

/**
 * Starts a server that gives the answers in turn, and a client of it. An answer is `{ status, headers, body }`, or
 * `{ told }`, the beginning of a stream that is silent then, or "hang up", or "hang". What it was asked is in
 * `requests`, each with a promise of when it is `over`.
 */
export async function scripted(t, answers, options = {}) {
  const requests = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, url, headers } = request;
    const over = new Promise((resolve) => response.once("close", resolve));
    requests.push({ method, url, headers, body: Buffer.concat(chunks).toString(), over });
    const answer = answers[requests.length - 1] ?? { status: 500, body: error("INTERNAL_ERROR") };
    if (answer === "hang") return;
    if (answer === "hang up") return void request.socket.destroy();
    if (answer.told) return void response.writeHead(200, { "content-type": "text/event-stream" }).write(answer.told);
    const { status = 200, headers: sent = {}, body = { success: true, data: {} } } = answer;
    const isText = typeof body === "string";
    response.writeHead(status, { "content-type": isText ? "text/html" : "application/json", ...sent });
    response.end(isText ? body : JSON.stringify(body));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const baseUrl = `http://127.0.0.1:${server.address().port}`;
  return { requests, client: new Angarium({ apiKey: "sk_test_1", baseUrl, ...options }) };
}
