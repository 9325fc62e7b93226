// What the resources have in common.

import type { DataOf, EventOf, InputOf, ItemOf, OperationId, StreamId } from "./operations.js";
import type { List } from "./pages.js";
import type { Answer, CallOptions, Stream } from "./transport.js";

/** Whoever can do any operation, by its id. */
export interface Caller {
  /** Any operation, with its answer's status and headers: for an `ETag`, or for how many requests are left. */
  request<O extends OperationId>(operation: O, input: InputOf<O>, options?: CallOptions): Promise<Answer<DataOf<O>>>;
  /** Any list. */
  list<O extends OperationId>(operation: O, input: InputOf<O>, options?: CallOptions): List<ItemOf<O>>;
  /** Any stream. */
  stream<O extends StreamId>(operation: O, input: InputOf<O>, options?: CallOptions): Stream<EventOf<O>>;
}

/** A group of operations; each of its methods is one of them. */
export class Resource {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  protected async call<O extends OperationId>(
    operation: O,
    input: InputOf<O>,
    options?: CallOptions,
  ): Promise<DataOf<O>> {
    return (await this.#caller.request(operation, input, options)).data;
  }

  protected walk<O extends OperationId>(operation: O, input: InputOf<O>, options?: CallOptions): List<ItemOf<O>> {
    return this.#caller.list(operation, input, options);
  }

  protected listen<O extends StreamId>(operation: O, input: InputOf<O>, options?: CallOptions): Stream<EventOf<O>> {
    return this.#caller.stream(operation, input, options);
  }
}
