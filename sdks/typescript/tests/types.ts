// What must compile, and what must not. Checked by `npm run check`; never run.

import { Angarium, RateLimitError, verify } from "../src/index.js";
import type { ErrorCode, Page } from "../src/index.js";

const client = new Angarium();

export async function answersAreTyped(): Promise<void> {
  const webhook = await client.webhooks.create({ name: "orders", url: "https://example.com/", events: ["order.*"] });
  const secret: string | null | undefined = webhook.secret;
  // @ts-expect-error: there is no such field
  void webhook.password;
  for await (const delivery of client.deliveries.list({ status: "dead" })) {
    const id: string = delivery.id;
    // @ts-expect-error: a state is a word
    void (delivery.status === 7);
    void id;
  }
  for await (const told of client.deliveries.stream({ status: "dead", follow: false })) {
    const number: number = told.attempt.number;
    // @ts-expect-error: there is no such field
    void told.attempt.colour;
    void number;
  }
  const logs: Page<{ id: string }> = await client.webhooks.listLogs(webhook.id).page();
  const { data, headers } = await client.request("getWebhook", { path: { id: webhook.id } });
  const url: string = data.url;
  void [secret, logs, headers, url];
}

export async function requestsAreTyped(): Promise<void> {
  await client.events.publish({ type: "order.created", data: { id: 1 } }, { idempotencyKey: "k" });
  // @ts-expect-error: a webhook needs a URL
  await client.webhooks.create({ name: "orders", events: ["*"] });
  // @ts-expect-error: an id is needed
  await client.request("getWebhook", {});
  // @ts-expect-error: there is no such operation
  await client.request("getNothing", {});
  // @ts-expect-error: a stream has not one answer
  await client.request("streamDeliveries", {});
  // @ts-expect-error: a number is needed
  client.deliveries.list({ limit: "many" });
  // @ts-expect-error: there is no such filter
  client.deliveries.list({ colour: "red" });
}

export function errorsAreTyped(error: unknown): ErrorCode | undefined {
  if (!(error instanceof RateLimitError)) return undefined;
  const code: "RATE_LIMIT_EXCEEDED" | "MESSAGES_LIMIT_REACHED" = error.code;
  return code;
}

export async function eventsAreTyped(body: Uint8Array, headers: Headers): Promise<void> {
  const event = await verify(body, headers, "whsec_x");
  const type: string = event.event;
  const cloudEvent = await verify(body, headers, ["whpk_x"], { profile: "cloudevents" });
  const version: "1.0" = cloudEvent.specversion;
  // @ts-expect-error: there is no such profile
  await verify(body, headers, "x", { profile: "gitlab" });
  void [type, version];
}
