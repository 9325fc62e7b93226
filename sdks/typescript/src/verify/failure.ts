// Why a request is not trusted.

/** The reasons, for programs. */
export type VerificationReason =
  | "missing_header"
  | "timestamp_malformed"
  | "too_old"
  | "in_future"
  | "too_many_signatures"
  | "no_match"
  | "not_json";

/** The request is not one of ours, or not as we sent it, or not fresh. Answer it with 401. */
export class VerificationError extends Error {
  readonly reason: VerificationReason;

  constructor(reason: VerificationReason, message: string) {
    super(message);
    this.name = "VerificationError";
    this.reason = reason;
  }
}
