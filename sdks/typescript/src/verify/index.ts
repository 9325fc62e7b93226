// Whether a received request is Angarium's, whole, and fresh. With WebCrypto alone, so it runs wherever that is.

import { bytesOf, joined } from "./encoding.js";
import { VerificationError } from "./failure.js";
import { ReceivedHeaders } from "./headers.js";
import type { HeadersLike } from "./headers.js";
import { schemeOf } from "./schemes.js";
import type { Profile, SignatureOptions, Typed } from "./schemes.js";

export { VerificationError } from "./failure.js";
export type { VerificationReason } from "./failure.js";
export type { HeadersLike } from "./headers.js";
export { PROFILES } from "./schemes.js";
export type { Profile, SignatureOptions } from "./schemes.js";

/** What a verification may be told. */
export interface VerifyOptions<P extends Profile = Profile> {
  /** The webhook's profile; `default` if not given. */
  profile?: P | undefined;
  /** How far the time in the request may be from now, where the profile has one; 300 if not given. */
  toleranceSeconds?: number | undefined;
  /** What time it is; now, if not given. */
  now?: Date | undefined;
  /** For profile `g-tateth`: the `signature` of the webhook, where it has one of its own. */
  signature?: SignatureOptions | undefined;
  /**
   * For profile `default`: check `X-Webhook-Signature` instead, which is the HMAC of the body alone. Whoever sees such a
   * request can send it again for ever, so do this only where another system forces you to.
   */
  bodyOnly?: boolean | undefined;
}

/** A JSON object. */
export type JsonObject = Record<string, any>;

/** The bodies of the profiles. */
export interface EventOfProfile {
  default: { id: string; event: string; timestamp: string; data: JsonObject };
  "g-tateth": { event: string; timestamp: string; data: JsonObject };
  contextgpt: { event: "NEW_MESSAGE" | "CONVERSATION_ESCALATED" | "NEW_LEAD"; data: JsonObject };
  github: JsonObject;
  stripe: JsonObject;
  slack: JsonObject;
  shopify: JsonObject;
  cloudevents: { specversion: "1.0"; id: string; source: string; type: string; time?: string; data?: JsonObject };
}

/** The body as it arrived: bytes, or the text of them. Never the parsed JSON, which has lost what was signed. */
export type RawBody = string | Uint8Array | ArrayBuffer;

const TOLERANCE_SECONDS = 300;
/** A header with more signatures than this is not looked at. */
const SIGNATURES_MAX = 16;

/**
 * Checks a request and gives its event. Throws a {@link VerificationError} when the request is not to be trusted, and a
 * `TypeError` when the call itself is wrong: a body that was parsed already, a secret that is none.
 *
 * `secrets` is the webhook's secret, or several while one is being replaced; for Ed25519 the public key, `whpk_…`.
 */
export async function verify<P extends Profile = "default">(
  rawBody: RawBody,
  headers: HeadersLike,
  secrets: string | readonly string[],
  options: VerifyOptions<P> = {},
): Promise<EventOfProfile[P]> {
  const body = bodyBytes(rawBody);
  await verifySignature(body, headers, secrets, options);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as EventOfProfile[P];
  } catch {
    throw new VerificationError("not_json", "the body is signed, but it is not JSON");
  }
}

/** The same for a body that is not JSON, or that you parse yourself. */
export async function verifySignature(
  rawBody: RawBody,
  headers: HeadersLike,
  secrets: string | readonly string[],
  options: VerifyOptions = {},
): Promise<void> {
  const { profile = "default", toleranceSeconds = TOLERANCE_SECONDS, now = new Date() } = options;
  const { claim, signature, key } = schemeOf(profile, options.signature ?? {}, options.bodyOnly ?? false);
  const keys = (typeof secrets === "string" ? [secrets] : secrets).map(key);
  if (keys.length === 0) throw new TypeError("there is no secret to verify with");
  const body = bodyBytes(rawBody);
  const { timestamp, before, entries } = claim(new ReceivedHeaders(headers));
  if (timestamp !== undefined) checkTime(timestamp, now, toleranceSeconds);
  if (entries.length > SIGNATURES_MAX) {
    throw new VerificationError("too_many_signatures", `there are more than ${SIGNATURES_MAX} signatures`);
  }
  const signatures = entries.map(signature).filter((one) => one !== undefined);
  const signed = joined([bytesOf(before), body]);
  // Every pair is checked, so that the time it takes does not tell which one matches.
  const checks = keys.flatMap((one) => signatures.map((other) => matches(one, other, signed)));
  if (!(await Promise.all(checks)).includes(true)) throw new VerificationError("no_match", "no signature matches");
}

function bodyBytes(body: RawBody): Uint8Array {
  if (typeof body === "string") return bytesOf(body);
  // Not by class: test runners give each file classes of its own.
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  if (Object.prototype.toString.call(body) === "[object ArrayBuffer]") return new Uint8Array(body);
  throw new TypeError("the body must be the raw bytes or text of the request, from before anything parsed it");
}

/** Only digits and no leading zero: anything else would be other signed bytes for the same time. */
function checkTime(text: string, now: Date, toleranceSeconds: number): void {
  if (!(toleranceSeconds >= 0) || Number.isNaN(now.getTime())) {
    throw new TypeError("toleranceSeconds must be a number from 0, and now a time");
  }
  if (!/^(0|[1-9]\d{0,15})$/.test(text)) {
    throw new VerificationError("timestamp_malformed", "the timestamp is not a whole number of seconds");
  }
  const age = Math.floor(now.getTime() / 1000) - Number(text);
  if (age > toleranceSeconds) throw new VerificationError("too_old", `signed ${age} s ago, which is too old`);
  if (-age > toleranceSeconds) throw new VerificationError("in_future", `signed ${-age} s in the future`);
}

/** In constant time, as WebCrypto compares. */
async function matches(key: Typed, signature: Typed, signed: Uint8Array<ArrayBuffer>): Promise<boolean> {
  if (key.algorithm !== signature.algorithm) return false;
  const algorithm = key.algorithm === "HMAC" ? { name: "HMAC", hash: "SHA-256" } : { name: "Ed25519" };
  const imported = await crypto.subtle.importKey("raw", key.bytes, algorithm, false, ["verify"]);
  return crypto.subtle.verify(algorithm, imported, signature.bytes, signed);
}
