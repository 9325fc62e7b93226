// A receiver of webhooks, one for a test file, whose paths behave as the test says while it runs.

import { createServer } from "node:http";

const OK = { status: 200, headers: {}, body: "ok" };

export class Receiver {
  #server;
  #behaviours = new Map();
  #held = new Map();
  /** What came, by path. */
  requests = new Map();

  static async start() {
    const receiver = new Receiver();
    receiver.#server = createServer((request, response) => receiver.#take(request, response));
    await new Promise((ready) => receiver.#server.listen(0, "127.0.0.1", ready));
    return receiver;
  }

  url(path) {
    return `http://127.0.0.1:${this.#server.address().port}${path}`;
  }

  /** How a path answers from now on. */
  behave(path, behaviour) {
    this.#behaviours.set(path, { ...OK, ...behaviour });
  }

  /** Leaves requests of a path unanswered until what this gives is called. */
  hold(path) {
    let letGo;
    this.#held.set(path, new Promise((resume) => { letGo = resume; }));
    return () => {
      this.#held.delete(path);
      letGo();
    };
  }

  came(path) {
    return this.requests.get(path) ?? [];
  }

  async stop() {
    this.#server.closeAllConnections();
    await new Promise((stopped) => this.#server.close(stopped));
  }

  async #take(request, response) {
    const path = new URL(request.url, "http://receiver").pathname;
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    this.requests.set(path, [...this.came(path), { headers: request.headers, body: Buffer.concat(pieces).toString() }]);
    await this.#held.get(path);
    const { status, headers, body } = this.#behaviours.get(path) ?? OK;
    response.writeHead(status, headers).end(body);
  }
}
