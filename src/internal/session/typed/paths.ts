/**
 * The types of `Session.schema`: which paths there are, what stands at each, and what may be done there.
 *
 * A path goes through plain `Schema.Struct` fields. Everything else (a class, a union, a list, a refined struct) is a leaf.
 * The encoded side of a field, which is what is stored, says whether it may be missing.
 */
import type * as Schema from "effect/Schema"
import type { JsonInput } from "../../../core/session/json.js"

/** The schemas of a typed session by key: without requirements, with an encoded side that is JSON. */
export type Fields = { readonly [key: string]: Schema.Schema.AnyNoContext }

/** The names that cannot be a segment of a dotted path. */
type NoSegment = "" | "__proto__" | "prototype" | "constructor" | `${string}.${string}`

/** What a record of fields must be beyond `Fields`. Where it is not, the type of the property says why. */
export type Checked<F> = {
  readonly [K in keyof F]: K extends NoSegment
    ? "The name of a field is one segment of a path"
    : [EncodedOf<F[K]>] extends [JsonInput<EncodedOf<F[K]>>]
      ? unknown
      : "The encoded side of this schema is not JSON"
}

type EncodedOf<S> = S extends Schema.Schema<infer _A, infer I, infer _R> ? I : never

// A plain struct has no index signatures. Comparing with `Schema.Struct` itself would take the compiler long.
type StructFields<S> = S extends { readonly fields: infer F; readonly records: readonly [] }
  ? F
  : never

type TypeOf<S> = S extends { readonly _TypeToken: "?:" }
  ? Exclude<Schema.Schema.Type<S>, undefined>
  : Schema.Schema.Type<S>

type Names<F> = Exclude<keyof F & string, NoSegment>

type Required<F> = {
  [K in keyof F]: F[K] extends { readonly _EncodedToken: "?:" } ? never : K
}[keyof F]

/** The names of the fields beside which no other is required. */
type Alone<F> = { [K in Names<F>]: [Exclude<Required<F>, K>] extends [never] ? K : never }[Names<F>]

/** A key of the schema: a path of one segment. */
export type Name<F> = keyof F & string

/** Every path: a key, or a key and a path into its struct. */
export type Paths<F> = {
  [K in Names<F>]:
    | K
    | ([StructFields<F[K]>] extends [never] ? never : `${K}.${Paths<StructFields<F[K]>>}`)
}[Names<F>]

/** The paths that may be put alone: no other field of the structs on the way would be missing. */
export type PutPaths<F> = {
  [K in Names<F>]:
    | K
    | ([StructFields<F[K]>] extends [never] ? never : `${K}.${AlonePaths<StructFields<F[K]>>}`)
}[Names<F>]

type AlonePaths<F> = {
  [K in Alone<F>]:
    | K
    | ([StructFields<F[K]>] extends [never] ? never : `${K}.${AlonePaths<StructFields<F[K]>>}`)
}[Alone<F>]

/** The paths that may be removed: keys, and fields that may be missing from their struct. */
export type ForgetPaths<F> = {
  [K in Names<F>]:
    | K
    | ([StructFields<F[K]>] extends [never] ? never : `${K}.${OptionalPaths<StructFields<F[K]>>}`)
}[Names<F>]

type OptionalPaths<F> = {
  [K in Names<F>]:
    | (K extends Required<F> ? never : K)
    | ([StructFields<F[K]>] extends [never] ? never : `${K}.${OptionalPaths<StructFields<F[K]>>}`)
}[Names<F>]

/** The decoded value at a path. */
export type At<F, P extends string> = P extends keyof F
  ? TypeOf<F[P]>
  : P extends `${infer K}.${infer Rest}`
    ? K extends keyof F
      ? At<StructFields<F[K]>, Rest>
      : never
    : never

/** The paths of lists of any length. */
export type ListPaths<F> = {
  [P in PutPaths<F>]: IsList<NonNullable<At<F, P>>> extends true ? P : never
}[PutPaths<F>]

type IsList<A> = [A] extends [ReadonlyArray<unknown>]
  ? number extends A["length"]
    ? true
    : false
  : false

/** An item of the list at a path. */
export type ItemAt<F, P extends string> =
  NonNullable<At<F, P>> extends ReadonlyArray<infer Item> ? Item : never

/** The paths of numbers. */
export type NumberPaths<F> = {
  [P in PutPaths<F>]: [NonNullable<At<F, P>>] extends [number] ? P : never
}[PutPaths<F>]

/** Decoded values by key. */
export type Data<F> = { readonly [K in Name<F>]?: TypeOf<F[K]> }

/** Decoded values by path. */
export type Entries<F> = { readonly [P in PutPaths<F>]?: At<F, P> }

/** Keys one by one or as a list. */
export type ListOf<K> = ReadonlyArray<K | ReadonlyArray<K>>
