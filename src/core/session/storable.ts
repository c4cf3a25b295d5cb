/**
 * What a value must be to be stored, as types: `Storable<T>` takes every `T` that is JSON, and of any other it is a sentence
 * that says what is wrong with it and what to store instead. The compiler shows the sentence in its error.
 *
 * A signature `<const T>(value: Storable<T>)` infers `T` from the argument.
 */
import type { Json, JsonInput, JsonObject } from "./json.js"

/** What may be stored in place of a `T`: any JSON and `T` itself, or a sentence. */
export type Storable<T> = [T] extends [Nothing]
  ? T // Only names `T` for the inference.
  : Verdict<T>[Kind<T>] | WhereGood<T>

/** As `Storable`, for an object of entries. */
export type StorableObject<T> = [T] extends [Nothing]
  ? T
  : ObjectVerdict<T>[ObjectKind<T>] | ObjectWhereGood<T>

declare const notJson: unique symbol

/** No value has this type. */
interface NotJson<Sentence extends string> {
  readonly [notJson]: Sentence
}

type Nothing = NotJson<"nothing">

interface Verdict<T> {
  readonly good: Json | Good<T>
  // In a union with `Json` a text would vanish.
  readonly bad: "good" extends Kind<T> ? NotJson<Sentence<Problem<T>>> : Sentence<Problem<T>>
}

interface ObjectVerdict<T> {
  readonly good: JsonObject | Good<T>
  readonly bad: Sentence<ObjectProblem<T>>
}

type Sentence<S> = `${S & string}.`

// Where `T` is a type parameter that extends `Json`, the compiler looks at `Json` in its place: so these distribute.
type Kind<T> = T extends Json ? "good" : [T] extends [JsonInput<T>] ? "good" : "bad"

type ObjectKind<T> = T extends JsonObject
  ? "good"
  : T extends ReadonlyArray<unknown>
    ? "bad"
    : T extends object
      ? [T] extends [JsonInput<T>]
        ? "good"
        : "bad"
      : "bad"

type Good<T> = T extends Json ? T : [T] extends [JsonInput<T>] ? T : never

/** `Json` where `T` is good, so that a list or an object of the caller's type parameters is good too. */
type WhereGood<T> = { readonly is: IsGood<T> } extends { readonly is: never } ? never : Json

type ObjectWhereGood<T> = { readonly is: IsGoodObject<T> } extends { readonly is: never }
  ? never
  : JsonObject

// The compiler tries `any` for a `T` that is not known yet. It must not decide then, so `any` is not good here.
type IsGood<T> = IsAny<T> extends true ? never : [T] extends [JsonInput<T>] ? true : never

type IsGoodObject<T> =
  T extends ReadonlyArray<unknown> ? never : T extends object ? IsGood<T> : never

type IsAny<T> = 0 extends 1 & T ? true : false

/** What is wrong with a value that has nothing to look into; never where that is nothing. */
type Wrong<T> =
  IsAny<T> extends true
    ? never
    : T extends Json
      ? never
      : unknown extends T
        ? "a value that could be anything: decode it with a schema"
        : undefined extends T
          ? "undefined: store null, or call Session.forget"
          : T extends bigint
            ? "a bigint: store String(value), or use Session.schema with Schema.BigInt"
            : T extends symbol
              ? "a symbol: store a text"
              : T extends Callable
                ? "a function: store what it gives"
                : WrongObject<T>

type WrongObject<T> = T extends Date
  ? "a Date: store toISOString(), or use Session.schema with Schema.Date"
  : T extends ReadonlyMap<unknown, unknown>
    ? "a Map: store Object.fromEntries(map), or use Session.schema with Schema.Map"
    : T extends ReadonlySet<unknown>
      ? "a Set: store Array.from(set), or use Session.schema with Schema.Set"
      : T extends { readonly _tag: "Some" | "None" }
        ? "an Option: store Option.getOrNull(option), or use Session.schema with Schema.Option"
        : T extends PromiseLike<unknown>
          ? "a Promise: store what it gives"
          : T extends { readonly pipe: Callable }
            ? "a value of Effect: encode it, or use Session.schema with its schema"
            : T extends { readonly buffer: ArrayBufferLike }
              ? "binary data: store a text in base64, or use Session.schema"
              : T extends ReadonlyArray<unknown>
                ? never
                : keyof T extends never
                  ? "an object that could hold anything: decode it with a schema"
                  : never

type Callable = ((...args: never) => unknown) | (abstract new (...args: never) => unknown)

type Says<At extends string, What extends string> = `${At extends "" ? "This" : At} is ${What}`

/** What is wrong with a value, and where: at once in it, or else further inside. */
type Problem<T, At extends string = "", Depth extends ReadonlyArray<1> = []> = T extends Json
  ? never
  : Depth["length"] extends 4
    ? Says<At, "not JSON somewhere inside">
    : [Wrong<T>] extends [never]
      ? T extends ReadonlyArray<unknown>
        ? Problem<T[number], `${At}[]`, [...Depth, 1]>
        : [WrongField<T, At>] extends [never]
          ? Deeper<T, At, Depth>
          : WrongField<T, At>
      : Says<At, Wrong<T>>

type WrongField<T, At extends string> = {
  [K in keyof T]-?: K extends symbol
    ? Says<At, "an object with a symbol for a key">
    : [Wrong<Field<T, K>>] extends [never]
      ? never
      : Says<Path<At, K>, Wrong<Field<T, K>>>
}[keyof T]

type Deeper<T, At extends string, Depth extends ReadonlyArray<1>> = {
  [K in keyof T]-?: [Field<T, K>] extends [JsonInput<Field<T, K>>]
    ? never
    : Problem<Field<T, K>, Path<At, K>, [...Depth, 1]>
}[keyof T]

/** An optional property may be undefined. */
type Field<T, K extends keyof T> =
  Record<never, never> extends Pick<T, K> ? Exclude<T[K], undefined> : T[K]

type Path<At extends string, K> = At extends "" ? `${K & string}` : `${At}.${K & string}`

type ObjectProblem<T> =
  T extends ReadonlyArray<unknown>
    ? "This is a list: give an object of entries"
    : T extends object
      ? Problem<T>
      : "This is not an object: give an object of entries, or a key and a value"
