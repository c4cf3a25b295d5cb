/** `Session.schema`: the session's verbs, typed by the schemas of its keys. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Json } from "../core/json.js"
import * as SessionEvents from "../SessionEvents.js"
import { type Cell, now } from "./cell.js"
import { SessionDecodeError, SessionEncodeError, type SessionTypeError } from "./errors.js"
import * as Operations from "./operations.js"
import { Session } from "./tag.js"

/** A key's schema: a schema without requirements, whose encoded side is JSON. */
export type Fields = { readonly [key: string]: Schema.Schema.AnyNoContext }

type StructFields<S> = S extends { readonly fields: infer F extends Schema.Struct.Fields }
  ? S extends Schema.Struct<F>
    ? F
    : never
  : never

type TypeOfField<F> =
  F extends Schema.Schema<infer A, infer _I, infer _R>
    ? A
    : F extends Schema.PropertySignature<
          infer _T,
          infer A,
          infer _K,
          infer _ET,
          infer _EI,
          infer _D,
          infer _PR
        >
      ? Exclude<A, undefined>
      : never

/** Every path into the fields: a key, or a key and a path into its plain struct. */
export type Paths<F> = {
  [K in keyof F & string]:
    | K
    | ([StructFields<F[K]>] extends [never] ? never : `${K}.${Paths<StructFields<F[K]>>}`)
}[keyof F & string]

/** The value at a path. */
export type At<F, P extends string> = P extends keyof F
  ? TypeOfField<F[P]>
  : P extends `${infer K}.${infer Rest}`
    ? K extends keyof F
      ? At<StructFields<F[K]>, Rest>
      : never
    : never

type OtherFieldsOptional<F, P extends string> = P extends keyof F
  ? true
  : P extends `${infer K}.${infer Rest}`
    ? K extends keyof F
      ? Rest extends `${infer Inner}.${string}`
        ? Record<never, never> extends Omit<TypeOfField<F[K]>, Inner>
          ? OtherFieldsOptional<StructFields<F[K]>, Rest>
          : false
        : Record<never, never> extends Omit<TypeOfField<F[K]>, Rest>
          ? true
          : false
      : false
    : false

/** The paths that may be put alone: no other required field of the structs on the way would be missing. */
export type PutPaths<F> = {
  [P in Paths<F>]: OtherFieldsOptional<F, P> extends true ? P : never
}[Paths<F>]

type ListPaths<F> = {
  [P in Paths<F>]: At<F, P> extends ReadonlyArray<unknown> ? P : never
}[Paths<F>]
type NumberPaths<F> = { [P in Paths<F>]: At<F, P> extends number ? P : never }[Paths<F>]
type ItemOf<A> = A extends ReadonlyArray<infer Item> ? Item : never

/** The typed verbs over the same session; `E` is the decode error where invalid values are not discarded. */
export interface TypedSession<F extends Fields, E> {
  readonly get: <P extends Paths<F>>(path: P) => Effect.Effect<Option.Option<At<F, P>>, E, Session>
  readonly getOrElse: <P extends Paths<F>, D>(
    path: P,
    otherwise: () => D
  ) => Effect.Effect<At<F, P> | D, E, Session>
  readonly has: (path: Paths<F>) => Effect.Effect<boolean, never, Session>
  readonly put: <P extends PutPaths<F>>(
    path: P,
    value: At<F, P>
  ) => Effect.Effect<void, never, Session>
  readonly modify: <P extends PutPaths<F>>(
    path: P,
    f: (current: Option.Option<At<F, P>>) => At<F, P>
  ) => Effect.Effect<At<F, P>, never, Session>
  readonly push: <P extends ListPaths<F> & PutPaths<F>>(
    path: P,
    item: ItemOf<At<F, P>>
  ) => Effect.Effect<void, never, Session>
  readonly increment: (
    path: NumberPaths<F> & PutPaths<F>,
    by?: number
  ) => Effect.Effect<number, SessionTypeError, Session>
  readonly pull: <P extends Paths<F>>(path: P) => Effect.Effect<Option.Option<At<F, P>>, E, Session>
  readonly forget: (...paths: ReadonlyArray<Paths<F>>) => Effect.Effect<void, never, Session>
  readonly flash: <P extends keyof F & string>(
    key: P,
    value: At<F, P>
  ) => Effect.Effect<void, never, Session>
}

/**
 * Types a session: the same verbs, with the type of each key from its schema. Values are decoded on read and encoded on
 * write; keys outside the schema are left alone. A nested path goes through plain `Schema.Struct`.
 *
 * A stored value that does not fit (written by an older deploy) counts as missing, with a `PayloadDiscarded` event; with
 * `onInvalid: "fail"` reading it fails with `SessionDecodeError`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const schema: {
  <const F extends Fields>(
    fields: F,
    options?: { readonly onInvalid?: "discard" | undefined }
  ): TypedSession<F, never>
  <const F extends Fields>(
    fields: F,
    options: { readonly onInvalid: "fail" }
  ): TypedSession<F, SessionDecodeError>
} = (
  fields: Fields,
  options: { readonly onInvalid?: "discard" | "fail" | undefined } = {}
): TypedSession<Fields, never> => {
  const codecs = new Map<string, Codec>()
  const codecOf = (path: string): Codec => {
    const known = codecs.get(path)
    if (known !== undefined) return known
    const codec = makeCodec(fields, path)
    codecs.set(path, codec)
    return codec
  }
  const fails = options.onInvalid === "fail"

  const decoded = (
    cell: Cell,
    path: string,
    value: Json | undefined
  ): Effect.Effect<Option.Option<unknown>> => {
    if (value === undefined) return Effect.succeed(Option.none())
    const result = codecOf(path).decode(value)
    if (Option.isSome(result)) return Effect.succeed(result)
    const error = new SessionDecodeError({ key: path })
    // The type of the service says whether this error can come.
    return fails ? (Effect.fail(error) as never) : discarded(cell, error)
  }
  const changed = (path: string, verb: string, f: (current: Option.Option<unknown>) => unknown) =>
    Effect.map(Session, (cell) => {
      const codec = codecOf(path)
      const change = Operations.changing(cell, verb, path, (current) =>
        codec.encode(verb, f(current === undefined ? Option.none() : codec.decode(current)))
      )
      return Option.getOrThrow(codec.decode(Operations.modify(cell, verb, path, change)))
    })

  // One implementation serves every path; `TypedSession` says what each gives.
  return {
    get: (path: string) =>
      Effect.flatMap(Session, (cell) => decoded(cell, path, Operations.get(cell, "get", path))),
    getOrElse: (path: string, otherwise: () => unknown) =>
      Effect.flatMap(Session, (cell) =>
        Effect.map(
          decoded(cell, path, Operations.get(cell, "getOrElse", path)),
          Option.getOrElse(otherwise)
        )
      ),
    has: (path: string) => Effect.map(Session, (cell) => Operations.has(cell, [path])),
    put: (path: string, value: unknown) =>
      Effect.map(Session, (cell) => Operations.put(cell, path, codecOf(path).encode("put", value))),
    modify: (path: string, f: (current: Option.Option<unknown>) => unknown) =>
      changed(path, "modify", f),
    push: (path: string, item: unknown) =>
      Effect.asVoid(
        changed(path, "push", (current) => [
          // A list path decodes to a list.
          ...(Option.getOrElse(current, () => []) as ReadonlyArray<unknown>),
          item
        ])
      ),
    increment: (path: string, by = 1) =>
      changed(path, "increment", (current) => Number(Option.getOrElse(current, () => 0)) + by),
    pull: (path: string) =>
      Effect.flatMap(Session, (cell) => decoded(cell, path, Operations.pull(cell, path))),
    forget: (...paths: ReadonlyArray<string>) =>
      Effect.map(Session, (cell) => Operations.forget(cell, "forget", paths)),
    flash: (key: string, value: unknown) =>
      Effect.map(Session, (cell) =>
        Operations.flash(cell, "flash", key, codecOf(key).encode("flash", value))
      )
  } as unknown as TypedSession<Fields, never>
}

const discarded = (cell: Cell, error: SessionDecodeError) =>
  Effect.as(
    SessionEvents.publish({
      _tag: "PayloadDiscarded",
      id: cell.id,
      reason: error.message,
      atMillis: now(cell)
    }),
    Option.none()
  )

interface Codec {
  readonly decode: (value: Json) => Option.Option<unknown>
  readonly encode: (verb: string, value: unknown) => unknown
}

const makeCodec = (fields: Fields, path: string): Codec => {
  // Wrapped in a struct, an optional field of a struct and a plain schema are read alike.
  const wrapped = Schema.Struct({ value: fieldAt(fields, path) })
  // `Fields` admits no schema with requirements.
  const codec = wrapped as unknown as Schema.Schema.AnyNoContext
  const decode = Schema.decodeUnknownOption(codec)
  const encode = Schema.encodeUnknownOption(codec)
  return {
    decode: (value) => Option.map(decode({ value }), (struct) => struct.value),
    encode: (verb, value) => {
      const encoded = encode({ value })
      if (Option.isSome(encoded)) return encoded.value.value
      throw new SessionEncodeError({
        operation: verb,
        key: path,
        reason: "it does not fit its schema"
      })
    }
  }
}

const fieldAt = (fields: Schema.Struct.Fields, path: string): Schema.Struct.Field => {
  const [name, ...rest] = path.split(".")
  const field = Object.hasOwn(fields, name as string) ? fields[name as string] : undefined
  if (field === undefined) throw new TypeError(`Session.schema has no field "${path}"`)
  if (rest.length === 0) return field
  const inner = (field as { readonly fields?: Schema.Struct.Fields }).fields
  if (inner === undefined) throw new TypeError(`Session.schema has no path "${path}"`)
  return fieldAt(inner, rest.join("."))
}
