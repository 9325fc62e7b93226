// What each profile signs, where it puts the signatures, and what it makes a key of.

import { bytesOf, fromBase64, fromHex } from "./encoding.js";
import type { ReceivedHeaders } from "./headers.js";

/** The profiles that can be verified. */
export const PROFILES = [
  "default",
  "g-tateth",
  "contextgpt",
  "github",
  "stripe",
  "slack",
  "shopify",
  "cloudevents",
] as const;

/** How a webhook's requests look; the `profile` of the webhook. */
export type Profile = (typeof PROFILES)[number];

/** Where a signature over the body alone is, for webhooks that set it. */
export interface SignatureOptions {
  header?: string | undefined;
  /** What stands before the signature in the header. */
  prefix?: string | undefined;
  encoding?: Encoding | undefined;
}

type Encoding = "hex" | "base64";

/** The bytes of a key or of a signature, with WebCrypto's name for what they are for. */
export interface Typed {
  readonly algorithm: "HMAC" | "Ed25519";
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What a request's headers say. */
export interface Claim {
  /** When it was signed, in Unix seconds, as the text that was signed; not every scheme has it. */
  readonly timestamp?: string;
  /** The signed bytes are this, then the body. */
  readonly before: string;
  /** The texts that may be signatures. */
  readonly entries: readonly string[];
}

/** How the requests of one profile are read. */
export interface Scheme {
  readonly claim: (headers: ReceivedHeaders) => Claim;
  /** The signature in an entry; none in one that is malformed, or of a version to come. */
  readonly signature: (entry: string) => Typed | undefined;
  readonly key: (secret: string) => Typed;
}

const decoders = { hex: fromHex, base64: fromBase64 } as const;

function hmacAfter(prefix: string, encoding: Encoding): Scheme["signature"] {
  return (entry) => {
    const bytes = entry.startsWith(prefix) ? decoders[encoding](entry.slice(prefix.length)) : undefined;
    return bytes && { algorithm: "HMAC", bytes };
  };
}

const v1 = hmacAfter("v1,", "base64");

/** Standard Webhooks: the id and the time are signed too; HMAC is `v1`, Ed25519 is `v1a`. */
const standard: Scheme = {
  claim(headers) {
    const id = headers.required("webhook-id");
    const timestamp = headers.required("webhook-timestamp");
    const entries = headers.required("webhook-signature").split(" ");
    return { timestamp, before: `${id}.${timestamp}.`, entries };
  },
  signature(entry) {
    const bytes = entry.startsWith("v1a,") ? fromBase64(entry.slice("v1a,".length)) : undefined;
    return bytes ? { algorithm: "Ed25519", bytes } : v1(entry);
  },
  key(secret) {
    const [, kind, encoded] = /^wh(sec|pk)_(.+)$/.exec(secret) ?? [];
    const bytes = encoded === undefined ? undefined : fromBase64(encoded);
    if (bytes === undefined || (kind === "pk" && bytes.length !== 32)) {
      throw new TypeError("a secret of this profile is `whsec_` or `whpk_` and base64, as the API showed it");
    }
    return { algorithm: kind === "pk" ? "Ed25519" : "HMAC", bytes };
  },
};

/** The key is the secret's text as it stands, `whsec_` and all. */
function textKey(secret: string): Typed {
  if (secret === "") throw new TypeError("a secret is empty");
  return { algorithm: "HMAC", bytes: bytesOf(secret) };
}

/** The HMAC of the body alone. */
function overBody(header: string, prefix: string, encoding: Encoding, key = textKey): Scheme {
  return {
    claim: (headers) => ({ before: "", entries: [headers.required(header)] }),
    signature: hmacAfter(prefix, encoding),
    key,
  };
}

const stripe: Scheme = {
  claim(headers) {
    const all = headers.required("stripe-signature").split(",");
    const timestamp = all.find((entry) => entry.startsWith("t="))?.slice("t=".length) ?? "";
    return { timestamp, before: `${timestamp}.`, entries: all.filter((entry) => !entry.startsWith("t=")) };
  },
  signature: hmacAfter("v1=", "hex"),
  key: textKey,
};

const slack: Scheme = {
  claim(headers) {
    const timestamp = headers.required("x-slack-request-timestamp");
    return { timestamp, before: `v0:${timestamp}:`, entries: [headers.required("x-slack-signature")] };
  },
  signature: hmacAfter("v0=", "hex"),
  key: textKey,
};

/** The scheme of a profile. */
export function schemeOf(profile: Profile, options: SignatureOptions, bodyOnly: boolean): Scheme {
  switch (profile) {
    case "default":
      return bodyOnly ? overBody("x-webhook-signature", "", "hex", standard.key) : standard;
    case "cloudevents":
      return standard;
    case "g-tateth":
      return overBody(options.header ?? "x-webhook-signature", options.prefix ?? "", options.encoding ?? "hex");
    case "contextgpt":
      return overBody("x-signature", "sha256=", "hex");
    case "github":
      return overBody("x-hub-signature-256", "sha256=", "hex");
    case "stripe":
      return stripe;
    case "slack":
      return slack;
    case "shopify":
      return overBody("x-shopify-hmac-sha256", "", "base64");
    default:
      throw new TypeError(`there is no profile ${profile satisfies never}`);
  }
}
