// The API's operations by their ids, and the types of what each takes and gives, read out of the generated schema.

import type { operations, paths } from "./schema.js";

/** The `operationId`s of the API's document. */
export type OperationId = keyof operations;
/** A method and a path of the document. */
export type Route = `${"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} ${keyof paths & string}`;

type Defined<T> = Exclude<T, undefined>;
type JsonOf<T> = T extends { content: { "application/json": infer Body } } ? Body : never;
type Parameters<O extends OperationId> = operations[O]["parameters"];
type SuccessOf<R> = R[Extract<keyof R, 200 | 201 | 202>];

/** The parameters in the path. */
export type PathOf<O extends OperationId> = Parameters<O> extends { path: infer P } ? P : undefined;
/** The parameters in the query. */
export type QueryOf<O extends OperationId> = Parameters<O> extends { query?: infer Q } ? Defined<Q> : never;
/** The JSON body. */
export type BodyOf<O extends OperationId> = operations[O] extends { requestBody?: infer B } ? JsonOf<Defined<B>> : never;
/** The whole JSON answer of a success. */
export type AnswerOf<O extends OperationId> = JsonOf<SuccessOf<operations[O]["responses"]>>;
/** What is in the answer's `data`; the whole answer, where it is bare. */
export type DataOf<O extends OperationId> = AnswerOf<O> extends { data: infer Data } ? Data : AnswerOf<O>;
/** What a list lists: `data` itself, or the one array in it. */
export type ItemOf<O extends OperationId> = RowOf<DataOf<O>>;
type RowOf<Data> = Data extends readonly (infer Row)[]
  ? Row
  : Extract<Data[keyof Data], readonly unknown[]> extends readonly (infer Row)[]
    ? Row
    : never;
