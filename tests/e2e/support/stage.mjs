// What a test file plays on: a program, a receiver and a browser; and those who visit.

import assert from "node:assert/strict";
import { chromium } from "playwright-core";

import { Program } from "./program.mjs";
import { Receiver } from "./receiver.mjs";
import { SOON_MS } from "./wait.mjs";

/** Nothing that a browser does of its own accord: every request is one of a page. */
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
export const WIDE = { width: 1440, height: 900 };
export const NARROW = { width: 360, height: 740 };

export class Stage {
  program;
  receiver;
  #browser;
  #cookies = new Map();

  static async set(engine) {
    const stage = new Stage();
    const executablePath = process.env.ANGARIUM_CHROMIUM ?? "/usr/bin/chromium";
    stage.receiver = await Receiver.start();
    try {
      stage.program = await Program.start(engine);
      // Its profile is a folder of its own, which goes with it.
      stage.#browser = await chromium.launch({ executablePath, args: FLAGS });
    } catch (error) {
      await stage.strike();
      throw error;
    }
    return stage;
  }

  async strike() {
    await this.#browser?.close();
    await this.program?.stop();
    await this.receiver.stop();
  }

  /**
   * A page of somebody's: of nobody, or signed in as one of the program's people. The test fails at its end when the
   * page has had troubles: script errors, breaches of its policy, requests to elsewhere, failures of the server.
   */
  async visit(test, who, { size = WIDE, scripts = true, theme = "light", scale = 1 } = {}) {
    const storageState = who && await this.#signedIn(who);
    const context = await this.#browser.newContext({
      baseURL: this.program.url, viewport: size, javaScriptEnabled: scripts, colorScheme: theme, storageState,
      reducedMotion: "reduce", timezoneId: "UTC", deviceScaleFactor: scale,
    });
    context.setDefaultTimeout(SOON_MS);
    const page = await context.newPage();
    const troubles = this.#troubles(page);
    test.after(async () => {
      await context.close();
      assert.deepEqual(troubles, []);
    });
    return page;
  }

  /** Everything that no page should do. */
  #troubles(page) {
    const troubles = [];
    page.on("pageerror", (error) => troubles.push(`script: ${error}`));
    page.on("dialog", (dialog) => { troubles.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    page.on("console", (message) => {
      // A browser also writes there that an answer was not a success, which tests look at themselves.
      const isStatus = message.text().startsWith("Failed to load resource: the server responded with a status of 4");
      if (message.type() === "error" && !isStatus) troubles.push(`console: ${message.text()}`);
    });
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.protocol !== "data:" && url.origin !== this.program.url) troubles.push(`request: ${url}`);
    });
    page.on("response", (response) => {
      if (response.status() >= 500) troubles.push(`${response.status()}: ${response.url()}`);
    });
    return troubles;
  }

  /** Their session, for which they sign in once. */
  async #signedIn(who) {
    if (!this.#cookies.has(who)) {
      const context = await this.#browser.newContext({ baseURL: this.program.url });
      const page = await context.newPage();
      await signIn(page, this.program.people[who]);
      this.#cookies.set(who, await context.storageState());
      await context.close();
    }
    return this.#cookies.get(who);
  }

  /** Registers a webhook of a path of the receiver. */
  async webhook(path, fields, options) {
    const name = path.slice(1);
    const given = { name, url: this.receiver.url(path), events: [`${name}.*`], ...fields };
    return this.program.call("POST", "/api/v1/webhooks", given, options);
  }
}

export async function signIn(page, { email, password }) {
  await page.goto("/ui/sign-in");
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => !url.pathname.startsWith("/ui/sign-in"));
}

/** "reload", "goBack" or "goForward"; not to the answer of a form, for which a browser would have to send the form again. */
export async function move(page, way) {
  await page[way]().catch((error) => {
    if (!error.message.includes("ERR_CACHE_MISS")) throw error;
    return page.waitForURL("chrome-error://**");
  });
}

/** For an operator: has them look at a tenant. */
export async function chooseTenant(page, tenant) {
  await page.goto("/ui");
  await page.locator("details.menu > summary").click();
  await page.getByLabel("Tenant").selectOption({ label: tenant });
  await page.getByRole("button", { name: "Apply" }).click();
  await page.locator(".menu .tenant", { hasText: tenant }).waitFor();
}

/** Waits until somebody sees a text in the page's main part, and gives the first element that says it. */
export async function sees(page, text) {
  const place = page.locator("main").getByText(text).first();
  await place.waitFor();
  return place;
}

/** The row of a list whose text has it. */
export function row(page, text) {
  return page.locator("table.list tbody tr").filter({ hasText: text }).first();
}

/** Where the page is, without the origin. */
export function path(page) {
  const url = new URL(page.url());
  return url.pathname + url.search;
}

/** What makes the page wider than the window, a line for each element; nothing where all fits, or scrolls within it. */
export async function tooWide(page) {
  return page.evaluate(() => {
    const room = window.innerWidth;
    if (document.documentElement.scrollWidth <= room) return [];
    const isOut = (element) => element.getBoundingClientRect().right > room + 0.5;
    const scrolls = (element) => element.parentElement?.closest(".scroll, pre, nav, figure");
    const out = [...document.querySelectorAll("body *")].filter((element) => isOut(element) && !scrolls(element));
    return ["wider than the window", ...out.slice(-3).map((element) => `wide: ${element.outerHTML.slice(0, 160)}`)];
  });
}
