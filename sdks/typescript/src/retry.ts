// When a call is tried again, and after how long. Pure: time and chance are arguments.

import { AngariumError, ConnectionError, TimeoutError } from "./errors.js";

/** The wait before the first retry; each further one is twice as long. */
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 8_000;
/** Who is told to wait longer than this is told so, instead of being left to hang. */
export const WAIT_MAX_MS = 60_000;

const RETRYABLE_STATUSES: ReadonlySet<number | undefined> = new Set([408, 429, 500, 502, 503, 504]);

/** Whether the same request may fare better later. Every POST has an idempotency key, so repeating one is safe. */
export function isRetryable(error: unknown): error is AngariumError {
  if (!(error instanceof AngariumError)) return false;
  if (error instanceof ConnectionError || error instanceof TimeoutError) return true;
  // Our own earlier attempt, whose answer was lost, is still being worked on.
  return error.code === "IDEMPOTENCY_IN_PROGRESS" || RETRYABLE_STATUSES.has(error.status);
}

/**
 * Milliseconds to wait before retry number `retry` (from 1): half of it fixed, half by `chance` (0 to 1), and never
 * less than the server asked for. `undefined` when that is longer than anybody should wait without being told.
 */
export function waitBefore(retry: number, retryAfterSeconds: number | undefined, chance: number): number | undefined {
  const backoff = Math.min(BACKOFF_FIRST_MS * 2 ** (retry - 1), BACKOFF_MAX_MS);
  const jittered = backoff / 2 + (backoff / 2) * chance;
  const asked = (retryAfterSeconds ?? 0) * 1000;
  return asked > WAIT_MAX_MS ? undefined : Math.max(jittered, asked);
}

/** The seconds in a `Retry-After` header: a number, or the time until a date. Anything else is ignored. */
export function readRetryAfter(value: string | null, nowMs: number): number | undefined {
  if (value === null) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value);
  // Only what starts like a day and has a time: the parser makes dates of numbers too.
  const date = /^[A-Z][a-z]+.*:/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - nowMs) / 1000));
}
