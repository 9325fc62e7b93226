// The program under test: two tenants, their people, an operator; in a folder of its own, on a free port.

import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { accessSync, constants, openSync, closeSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

import { until } from "./wait.mjs";

const run = promisify(execFile);
const READY_MS = 60_000;
const STOP_MS = 30_000;
const COMMAND_MS = 60_000;
const POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres";
const AMQP = "amqp://guest:guest@127.0.0.1:5672/%2f";

export const TENANT = "acme";
/** Another tenant, whose name is no friend of a page. */
export const OTHER_TENANT = "Globex <b>&amp; \"Sons\"</b>";
/** Who there is, by what tests call them. */
const PEOPLE = {
  owner: ["owner", TENANT],
  member: ["member", TENANT],
  stranger: ["owner", OTHER_TENANT],
  operator: ["operator", null],
};

function binary() {
  const named = process.env.ANGARIUM_BIN;
  if (!named) throw new Error("ANGARIUM_BIN names the program to test");
  accessSync(named, constants.X_OK);
  return resolve(named);
}

/** Settings of PostgreSQL and RabbitMQ, in a database and under a prefix of this run's own. */
function production() {
  const unique = `angarium_test_${randomBytes(4).toString("hex")}`;
  const postgres = process.env.ANGARIUM_TEST_POSTGRES ?? POSTGRES;
  return {
    ANGARIUM__STORE__URL: `${postgres.slice(0, postgres.lastIndexOf("/"))}/${unique}`,
    ANGARIUM__BROKER__URL: process.env.ANGARIUM_TEST_AMQP ?? AMQP,
    ANGARIUM__BROKER__PREFIX: unique,
    ANGARIUM__BROKER__INGEST: "false",
  };
}

export class Program {
  #folder;
  #environment;
  #process;
  #engine;
  url;
  /** E-mail address and password, by what tests call them. */
  people = {};
  /** A key that may do everything, of each of the two tenants. */
  keys = {};

  /** `engine` is "embedded", or "production" for PostgreSQL and RabbitMQ. */
  static async start(engine = "embedded") {
    const program = new Program();
    program.#engine = engine;
    program.#folder = await mkdtemp(join(tmpdir(), "angarium-test-"));
    try {
      await program.#begin();
    } catch (error) {
      await program.stop();
      throw error;
    }
    return program;
  }

  async #begin() {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("ANGARIUM_"));
    const url = `sqlite:${join(this.#folder, "angarium.db")}`;
    this.#environment = {
      ...Object.fromEntries(inherited),
      ANGARIUM__API__LISTEN: "127.0.0.1:0",
      ANGARIUM__EGRESS__ALLOW_HTTP: "true",
      ANGARIUM__EGRESS__ALLOW_NETWORKS: "127.0.0.0/8",
      ANGARIUM__EGRESS__ALLOW_HOSTS: "localhost",
      ANGARIUM__SESSIONS__LOCKOUT_S: "1",
      ...(this.#engine === "production" ? production() : { ANGARIUM__STORE__URL: url }),
    };
    this.#environment.ANGARIUM__MASTER_KEYS = await this.command("keys", "master");
    await this.command("migrate", "--create-database");
    for (const tenant of [TENANT, OTHER_TENANT]) {
      this.keys[tenant] = await this.command("keys", "create", "--tenant", tenant, "--environment", "staging");
    }
    for (const [who, [role, tenant]] of Object.entries(PEOPLE)) {
      const email = `${who}@example.com`;
      const of = tenant === null ? [] : ["--tenant", tenant];
      const password = await this.command("users", "create", "--email", email, "--role", role, ...of, "--generate");
      this.people[who] = { email, password };
    }
    await this.#serve();
  }

  async #serve() {
    const said = openSync(join(this.#folder, "said"), "w");
    const options = { cwd: this.#folder, env: this.#environment, stdio: ["ignore", said, said] };
    this.#process = spawn(binary(), ["serve", "all"], options);
    closeSync(said);
    const started = async () => {
      const text = await this.said();
      if (this.#process.exitCode !== null) throw new Error(`the program has ended: ${text.slice(-2000)}`);
      return /API on (http:\/\/\S+)/.exec(text)?.[1];
    };
    this.url = await until("the program has started", started, READY_MS);
  }

  /** What the program has printed and logged. */
  async said() {
    return readFile(join(this.#folder, "said"), "utf8");
  }

  /** What a command of the program prints. */
  async command(...args) {
    const options = { cwd: this.#folder, env: this.#environment, timeout: COMMAND_MS };
    return (await run(binary(), args, options)).stdout.trim();
  }

  /** The `data` of an answer of the API, with the key of a tenant. */
  async call(method, path, body, { key = this.keys[TENANT] } = {}) {
    const headers = { "content-type": "application/json", authorization: `Bearer ${key}` };
    const response = await fetch(this.url + path, { method, headers, body: body && JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text).data : undefined;
  }

  /** Publishes an event, and waits until its only delivery has a status; gives that delivery. */
  async delivered(type, data, status, options) {
    const { id } = await this.call("POST", "/api/v1/events", { type, data }, options);
    return this.deliveryOf(id, status, options);
  }

  /** The only delivery of an event, once it has a status, and at least so many attempts. */
  async deliveryOf(event, status, { attempts = 0, ...options } = {}) {
    return until(`the delivery of ${event} is ${status}`, async () => {
      const list = await this.call("GET", `/api/v1/deliveries?eventId=${event}`, undefined, options);
      return list.find((delivery) => delivery.status === status && delivery.attempts >= attempts);
    });
  }

  async stop() {
    if (this.#process) {
      const ended = new Promise((resume) => this.#process.once("exit", resume));
      const late = setTimeout(() => this.#process.kill("SIGKILL"), STOP_MS);
      if (this.#process.exitCode === null) {
        this.#process.kill("SIGTERM");
        await ended;
      }
      clearTimeout(late);
    }
    if (this.#engine === "production") await this.command("migrate", "--drop-database");
    await rm(this.#folder, { recursive: true, force: true });
  }
}
