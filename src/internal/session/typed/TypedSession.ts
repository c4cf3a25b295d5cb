/** `Session.schema`: the session's verbs, typed by the schemas of its keys. */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type {
  SessionDecodeError,
  SessionStoreError,
  SessionTypeError
} from "../../errors/errors.js"
import type { PutOptions } from "../arguments.js"
import type { Session } from "../tag.js"
import type { At, Checked, Fields, ItemAt, ListOf, Name, Places, PutPath } from "./paths.js"
import type { Shape } from "./shape.js"
import { makeVerbs } from "./verbs.js"

/**
 * The verbs of a session whose keys have schemas. They do what the functions of the same names do, on decoded values.
 *
 * `E` is `SessionDecodeError` where invalid stored values fail, and `never` where they count as missing.
 *
 * @since 0.1.0
 * @category models
 */
export interface TypedSession<F extends Fields, E> {
  /** Reads a value. */
  readonly get: <P extends Places<F>["all"]>(
    path: P
  ) => Effect.Effect<Option.Option<At<F, P>>, E, Session>
  /** Reads a value or gives a default, which is not stored. */
  readonly getOrElse: <P extends Places<F>["all"], D>(
    path: P,
    otherwise: () => D
  ) => Effect.Effect<At<F, P> | D, E, Session>
  /** The values of all keys of the schema, without missing ones. */
  readonly all: Effect.Effect<{ readonly [N in Name<F>]?: At<F, N> }, E, Session>
  /** The values of some keys, without missing ones. */
  readonly only: <K extends keyof F & string>(
    ...keys: ListOf<K>
  ) => Effect.Effect<{ readonly [N in K]?: At<F, N> }, E, Session>
  /** The values of all keys of the schema but some, without missing ones. */
  readonly except: <K extends keyof F & string>(
    ...keys: ListOf<K>
  ) => Effect.Effect<{ readonly [N in Exclude<Name<F>, K>]?: At<F, N> }, E, Session>
  /** Whether every value is present and not stored as null. */
  readonly has: (...paths: ListOf<Places<F>["all"]>) => Effect.Effect<boolean, E, Session>
  /** Whether at least one value is present and not stored as null. */
  readonly hasAny: (...paths: ListOf<Places<F>["all"]>) => Effect.Effect<boolean, E, Session>
  /** Whether every value is present. */
  readonly exists: (...paths: ListOf<Places<F>["all"]>) => Effect.Effect<boolean, E, Session>
  /** Whether every value is missing. */
  readonly missing: (...paths: ListOf<Places<F>["all"]>) => Effect.Effect<boolean, E, Session>
  /** Stores a value, or all values of an object. */
  readonly put: {
    /**
     * Stores a value. That of a key may have an expiry.
     *
     * A field of a struct can be put alone where the other fields are optional; otherwise `modify` the struct.
     */
    <P extends Places<F>["all"]>(
      path: PutPath<F, P>,
      value: At<F, P>,
      ...options: P extends Name<F> ? [options?: PutOptions] : []
    ): Effect.Effect<void, never, Session>
    /** Stores all values of an object, by their paths, or none where one does not fit. */
    (values: { readonly [P in Places<F>["put"]]?: At<F, P> }): Effect.Effect<void, never, Session>
  }
  /** Changes a value by a pure function, which may run again on a newer state, and gives the new one. */
  readonly modify: <P extends Places<F>["all"]>(
    path: PutPath<F, P>,
    f: (current: Option.Option<At<F, P>>) => At<F, P>
  ) => Effect.Effect<At<F, P>, E, Session>
  /** Appends to a list; missing or null becomes a list of one. */
  readonly push: <P extends Places<F>["list"]>(
    path: P,
    item: ItemAt<F, P>
  ) => Effect.Effect<void, E, Session>
  /** Adds to a number and gives the new one; missing or null is 0. */
  readonly increment: (
    path: Places<F>["number"],
    by?: number
  ) => Effect.Effect<number, E | SessionTypeError, Session>
  /** Subtracts from a number and gives the new one. */
  readonly decrement: (
    path: Places<F>["number"],
    by?: number
  ) => Effect.Effect<number, E | SessionTypeError, Session>
  /** Gives the value. Where it is missing or null, runs `effect` and stores its result, unless one was stored meanwhile. */
  readonly remember: <P extends Places<F>["all"], E2, R>(
    path: PutPath<F, P>,
    effect: Effect.Effect<At<F, P>, E2, R>
  ) => Effect.Effect<At<F, P>, E | E2, R | Session>
  /** Reads a value and removes it. With `onInvalid: "fail"` an invalid one stays. */
  readonly pull: <P extends Places<F>["forget"]>(
    path: P
  ) => Effect.Effect<Option.Option<At<F, P>>, E, Session>
  /** Takes a value out of the stored session at once: of parallel requests exactly one gets it. */
  readonly consume: <P extends Places<F>["forget"]>(
    path: P
  ) => Effect.Effect<Option.Option<At<F, P>>, E | SessionStoreError, Session>
  /** Removes values, valid or not. */
  readonly forget: (...paths: ListOf<Places<F>["forget"]>) => Effect.Effect<void, never, Session>
  /** Stores values for the rest of this request and the whole next one. */
  readonly flash: {
    /** Stores a value for the rest of this request and the whole next one. */
    <K extends keyof F & string>(key: K, value: At<F, K>): Effect.Effect<void, never, Session>
    /** Stores values for the rest of this request and the whole next one, or none where one does not fit. */
    (values: { readonly [K in keyof F & string]?: At<F, K> }): Effect.Effect<void, never, Session>
  }
  /** Stores a value for the rest of this request only. */
  readonly now: <K extends keyof F & string>(
    key: K,
    value: At<F, K>
  ) => Effect.Effect<void, never, Session>
  /** Keeps flash values for one more request; without keys all flash of the session. */
  readonly keep: (...keys: ListOf<keyof F & string>) => Effect.Effect<void, never, Session>
}

/**
 * Types a session: the same verbs over the same service, with the type of each key from its schema.
 *
 * **Details**
 *
 * Values are decoded on read and encoded on write. A value that does not encode ends the handler with a
 * `SessionEncodeError`. Keys outside the schema stay as they are. Schemas must work synchronously, need no services, and
 * encode to JSON.
 *
 * Paths go through plain `Schema.Struct`. A nested value can be put alone if the other fields of its struct are optional;
 * otherwise `modify` the struct.
 *
 * A stored value that does not fit (an older deploy may have written it) counts as missing, and a `PayloadDiscarded` event
 * is published. With `onInvalid: "fail"` the verbs that need it fail with `SessionDecodeError` and leave it as it is; `put`
 * and `forget` do not look at it. If a parallel request makes a value invalid that this request has changed, the commit
 * fails with `SessionConflict`.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Session } from "effect-session"
 *
 * const Cart = Session.schema({
 *   theme: Schema.Literal("light", "dark"),
 *   cart: Schema.Struct({
 *     items: Schema.Array(Schema.Struct({ sku: Schema.String, count: Schema.Number })),
 *     since: Schema.optional(Schema.Date)
 *   })
 * })
 *
 * export const handler = Effect.gen(function*() {
 *   yield* Cart.put("theme", "dark")
 *   yield* Cart.push("cart.items", { sku: "tea", count: 2 })
 *   return yield* Cart.get("cart.items") // Option<ReadonlyArray<{ sku: string, count: number }>>
 * })
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const schema: {
  /**
   * Types a session: the same verbs over the same service, with the type of each key from its schema.
   *
   * A stored value that does not fit counts as missing.
   */
  <const F extends Fields>(
    fields: F & Checked<F>,
    options?: { readonly onInvalid?: "discard" | undefined }
  ): TypedSession<F, never>
  /**
   * Types a session: the same verbs over the same service, with the type of each key from its schema.
   *
   * A stored value that does not fit fails the verbs that need it with `SessionDecodeError`.
   */
  <const F extends Fields>(
    fields: F & Checked<F>,
    options: { readonly onInvalid: "fail" }
  ): TypedSession<F, SessionDecodeError>
} = (
  fields: Fields,
  options: { readonly onInvalid?: Shape["onInvalid"] | undefined } = {}
  // One implementation serves every path; `TypedSession` says what each gives.
): never => makeVerbs(fields, options.onInvalid ?? "discard") as never
