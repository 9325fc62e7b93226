// Headers as the world's servers hand them over.

import { VerificationError } from "./failure.js";

/** A `Headers`, what `node:http` has, or pairs. Names may be in any case. */
export type HeadersLike =
  | Headers
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | Iterable<readonly [string, string]>;

/** Looks headers up by their lower-case names. */
export class ReceivedHeaders {
  readonly #values = new Map<string, string>();

  constructor(headers: HeadersLike) {
    const pairs = isIterable(headers) ? headers : Object.entries(headers);
    for (const [name, value] of pairs) {
      if (value === undefined) continue;
      const known = this.#values.get(name.toLowerCase());
      const values = typeof value === "string" ? [value] : value;
      // A header that came twice is joined as HTTP joins it; ours come once, so no signature will match.
      this.#values.set(name.toLowerCase(), (known === undefined ? values : [known, ...values]).join(", "));
    }
  }

  /** The value, which must be there and not empty. */
  required(name: string): string {
    const value = this.#values.get(name.toLowerCase());
    if (!value) throw new VerificationError("missing_header", `the header ${name} is missing`);
    return value;
  }
}

function isIterable(headers: HeadersLike): headers is Iterable<readonly [string, string]> {
  return Symbol.iterator in headers;
}
