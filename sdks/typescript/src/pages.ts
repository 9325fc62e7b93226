// Lists: read one page, or walk over all of them.

/** A page of a list, and how long the list is. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly total: number;
  readonly page: number;
  readonly limit: number;
  readonly totalPages: number;
  /** Where the next page starts, in lists that have a cursor; `null` on their last page. */
  readonly nextCursor?: string | null;
  /** Where the page of newer rows is, in the same lists; `null` on their first page. */
  readonly prevCursor?: string | null;
}

/** Where in a list to start, and how much of it to read at once. */
export interface Position {
  page?: number | undefined;
  cursor?: string | null | undefined;
  limit?: number | undefined;
}

/** The most that the API gives at once; walking over a list asks for this, unless told otherwise. */
const LIMIT_MAX = 100;

/**
 * A list that was asked for and not yet read: nothing is sent until you take a page or an item.
 *
 * ```ts
 * for await (const delivery of client.deliveries.list({ status: "dead" })) console.log(delivery.id);
 * const { items, total } = await client.deliveries.list({ limit: 10 }).page();
 * ```
 */
export class List<T> implements AsyncIterable<T> {
  readonly #start: Position;
  readonly #read: (position: Position) => Promise<Page<T>>;

  constructor(start: Position, read: (position: Position) => Promise<Page<T>>) {
    this.#start = start;
    this.#read = read;
  }

  /** The page that was asked for; the first, if none was. */
  page(): Promise<Page<T>> {
    return this.#read(this.#start);
  }

  /** The page that was asked for, and all after it. By cursor where the list has one, so that none shifts meanwhile. */
  async *pages(): AsyncGenerator<Page<T>, void, undefined> {
    const limit = this.#start.limit ?? LIMIT_MAX;
    let next: Position | undefined = { ...this.#start, limit };
    while (next !== undefined) {
      const page: Page<T> = await this.#read(next);
      yield page;
      next = after(page, limit);
    }
  }

  /** Every item, from the page that was asked for. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const page of this.pages()) yield* page.items;
  }
}

function after<T>({ items, page, totalPages, nextCursor }: Page<T>, limit: number): Position | undefined {
  if (nextCursor !== undefined) return nextCursor === null ? undefined : { cursor: nextCursor, limit };
  return items.length > 0 && page < totalPages ? { page: page + 1, limit } : undefined;
}
