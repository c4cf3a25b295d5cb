import type * as Schema from "effect/Schema"

export type Fields = { readonly [key: string]: Schema.Codec<unknown, unknown> }

type EncodedOf<S> = S extends { readonly Encoded: infer I } ? I : never

// Classes have fields too, but are declarations; comparing with `Schema.Struct` itself would take the compiler long.
type StructFields<S> = S extends {
  readonly fields: infer F
  readonly ast: { readonly _tag: "Objects" }
}
  ? F
  : never

type TypeOf<S> = S extends { readonly Type: infer A; readonly "~type.optionality": infer O }
  ? O extends "optional"
    ? Exclude<A, undefined>
    : A
  : never

type Required<F> = {
  [K in keyof F]: F[K] extends { readonly "~encoded.optionality": "optional" } ? never : K
}[keyof F]
