// What the resources have in common.

import type { Angarium } from "../client.js";
import type { DataOf, InputOf, OperationId } from "../operations.js";
import type { CallOptions } from "../transport.js";

/** A group of operations; each of its methods is one of them. */
export class Resource {
  protected readonly client: Angarium;

  constructor(client: Angarium) {
    this.client = client;
  }

  protected async call<O extends OperationId>(
    operation: O,
    input: InputOf<O>,
    options?: CallOptions,
  ): Promise<DataOf<O>> {
    return (await this.client.request(operation, input, options)).data;
  }
}
