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

/**
 * The sets of paths. They are properties, so that the compiler lists the paths in its errors and does not show the name of a
 * type.
 */
export interface Places<F> {
  readonly all: { [K in Names<F>]: K | `${K}${Below<F[K], "all">}` }[Names<F>]
  readonly put: { [K in Names<F>]: K | `${K}${Below<F[K], "put">}` }[Names<F>]
  readonly forget: { [K in Names<F>]: K | `${K}${Below<F[K], "forget">}` }[Names<F>]
  readonly list: {
    [P in Places<F>["put"]]: IsList<NonNullable<At<F, P>>> extends true ? P : never
  }[Places<F>["put"]]
  readonly number: {
    [P in Places<F>["put"]]: [NonNullable<At<F, P>>] extends [number] ? P : never
  }[Places<F>["put"]]
}

/** What is done at a path, which says what paths into a struct there are for it. */
type Use = "all" | "put" | "forget"

/** The paths into the struct that a schema is, each after a dot. */
type Below<S, U extends Use> = [StructFields<S>] extends [never]
  ? never
  : `.${Inside<StructFields<S>, U>}`

type Inside<F, U extends Use> = {
  [K in Names<F>]:
    | (K extends Ends<F>[U] ? K : never)
    | (K extends Ways<F>[U] ? `${K}${Below<F[K], U>}` : never)
}[Names<F>]

/** The fields of a struct at which a path may end. */
interface Ends<F> {
  readonly all: Names<F>
  readonly put: Alone<F>
  readonly forget: Exclude<Names<F>, Required<F>>
}

/** The fields of a struct through which a path may lead. */
interface Ways<F> {
  readonly all: Names<F>
  readonly put: Alone<F>
  readonly forget: Names<F>
}

/** Every path: a key, or a key and a path into its struct. */
export type Paths<F> = Places<F>["all"]

/** The paths that may be put alone: no other field of the structs on the way would be missing. */
export type PutPaths<F> = Places<F>["put"]

/** The paths that may be removed: keys, and fields that may be missing from their struct. */
export type ForgetPaths<F> = Places<F>["forget"]

/** The decoded value at a path. */
export type At<F, P extends string> = P extends keyof F
  ? TypeOf<F[P]>
  : P extends `${infer K}.${infer Rest}`
    ? K extends keyof F
      ? At<StructFields<F[K]>, Rest>
      : never
    : never

/** The paths of lists of any length. */
export type ListPaths<F> = Places<F>["list"]

type IsList<A> = [A] extends [ReadonlyArray<unknown>]
  ? number extends A["length"]
    ? true
    : false
  : false

/** An item of the list at a path. */
export type ItemAt<F, P extends string> =
  NonNullable<At<F, P>> extends ReadonlyArray<infer Item> ? Item : never

/** The paths of numbers. */
export type NumberPaths<F> = Places<F>["number"]

/** `P`, or a sentence where a field at the path has siblings that would be missing. */
export type PutPath<F, P extends string> = [P] extends [never] ? P : PutVerdict<F, P>[PutKind<F, P>]

interface PutVerdict<F, P extends string> {
  readonly alone: P
  // A text that is no path leaves all paths in the place of `P`, which the error then lists.
  readonly beside: Places<F>["all"] extends P
    ? never
    : `Other fields of ${FirstOf<P>} are required: use modify('${FirstOf<P>}', ...).`
}

type PutKind<F, P> = P extends Places<F>["put"] ? "alone" : "beside"

type FirstOf<P extends string> = P extends `${infer First}.${string}` ? First : P

/** Decoded values by key. */
export type Data<F> = { readonly [K in Name<F>]?: TypeOf<F[K]> }

/** Decoded values by path. */
export type Entries<F> = { readonly [P in Places<F>["put"]]?: At<F, P> }

/** Keys one by one or as a list. */
export type ListOf<K> = ReadonlyArray<K | ReadonlyArray<K>>
