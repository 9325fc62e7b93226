// The types of what each of the API's operations takes and gives, by its id, as the generated schema has them.

import type { operations } from "./schema.js";

/** What goes on for as long as somebody listens. */
export type StreamId = Extract<keyof operations, `stream${Capitalize<string>}`>;
/** What is asked and answered; the document also names what webhooks are sent (`on…`). */
export type OperationId = Exclude<keyof operations, `on${Capitalize<string>}` | StreamId>;
type AnyId = OperationId | StreamId;

type Defined<T> = Exclude<T, undefined>;
type Content<T> = T extends { content: infer C } ? (C extends { "application/json": infer J } ? J : C[keyof C]) : never;
type SuccessOf<R> = R[Extract<keyof R, 200 | 201 | 202>];

/** The parameters in the path; there are none for `never`. */
type PathOf<O extends AnyId> = operations[O]["parameters"] extends { path: infer P } ? P : never;
/** The parameters in the query. */
export type QueryOf<O extends AnyId> = operations[O]["parameters"] extends { query?: infer Q }
  ? Defined<Q>
  : never;
/** The body. */
export type BodyOf<O extends AnyId> = operations[O] extends { requestBody?: infer B }
  ? Content<Defined<B>>
  : never;
/** The body of a success. */
type SuccessBodyOf<O extends AnyId> = Content<SuccessOf<operations[O]["responses"]>>;
/** What is in the `data` of a success; the whole body, where it is bare. */
export type DataOf<O extends OperationId> = SuccessBodyOf<O> extends { data: infer D } ? D : SuccessBodyOf<O>;
/** What a stream tells, one by one. */
export type EventOf<O extends StreamId> = SuccessBodyOf<O>;
/** What a list is a list of: its `data` is the rows, or has them in its one array. */
export type ItemOf<O extends OperationId> = RowOf<DataOf<O>>;
type RowOf<D> = D extends readonly (infer Row)[]
  ? Row
  : Extract<D[keyof D], readonly unknown[]> extends readonly (infer Row)[]
    ? Row
    : never;

/** Everything that an operation takes. */
export type InputOf<O extends AnyId> = ([PathOf<O>] extends [never] ? unknown : { path: PathOf<O> }) & {
  query?: QueryOf<O> | undefined;
  body?: BodyOf<O> | null | undefined;
};
