/** The verbs of a typed session at run time: one implementation for every path, which `TypedSession` types. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { consume } from "../../commit/consume.js"
import { type RequestSession, recordAll } from "../../commit/RequestSession.js"
import { entriesOf, expiryOf, orThrow, type PutOptions } from "../arguments.js"
import { use, useEffect } from "../lift.js"
import * as Verbs from "../verbs.js"
import { changing } from "./changes.js"
import { type Field, makeLookup } from "./field.js"
import type { Fields, ListOf } from "./paths.js"
import { decode, forgetListsAbove, readOne, type Shape } from "./shape.js"

/** Makes the verbs. */
export const makeVerbs = (fields: Fields, onInvalid: Shape["onInvalid"]) => {
  const shape: Shape = { names: Object.keys(fields), fieldOf: makeLookup(fields), onInvalid }
  return { ...reading(shape), ...writing(shape), ...changing(shape), ...taking(shape) }
}

/** Decoded values by name; none where one is missing. */
type Values = ReadonlyArray<readonly [name: string, value: Option.Option<unknown>]>

const present = (values: Values): object =>
  Object.fromEntries(
    values.flatMap(([name, value]) => Option.toArray(value).map((one) => [name, one]))
  )

const reading = (shape: Shape) => {
  const read =
    <A>(verb: string, result: (values: Values) => A) =>
    (...names: ListOf<string>) => {
      const values = Effect.forEach(names.flat(), (name) =>
        Effect.map(readOne(shape, verb, name), (value) => [name, value] as const)
      )
      return Effect.map(values, result)
    }
  const ask = (verb: keyof typeof Verbs.questions) =>
    read(verb, (values) => Verbs.questions[verb](values.map(([, value]) => Option.isSome(value))))
  return {
    get: (name: string) => readOne(shape, "get", name),
    getOrElse: (name: string, otherwise: () => unknown) =>
      Effect.map(readOne(shape, "getOrElse", name), Option.getOrElse(otherwise)),
    all: read("all", present)(shape.names),
    only: read("only", present),
    except: (...names: ListOf<string>) =>
      read("except", present)(shape.names.filter((name) => !names.flat().includes(name))),
    has: ask("has"),
    hasAny: ask("hasAny"),
    exists: ask("exists"),
    missing: ask("missing")
  }
}

const writing = (shape: Shape) => ({
  put: (...args: ReadonlyArray<unknown>) =>
    use((session) => {
      const values = encodeAll(shape, "put", args)
      // Only a call by name has options.
      const expiry = expiryOf(session, args[2] as PutOptions | undefined)
      recordAll(session, () => {
        for (const value of values) store(session, shape, value, expiry)
      })
    }),
  flash: (...args: ReadonlyArray<unknown>) =>
    use((session) => {
      const values = encodeAll(shape, "flash", args)
      const entries = values.map(({ encoded, field }) => [field.name, encoded])
      Verbs.flashAll(session, Object.fromEntries(entries))
    }),
  now: (name: string, value: unknown) =>
    use((session) => Verbs.flash(session, "now", name, encode(shape, "now", name, value).encoded)),
  keep: (...names: ListOf<string>) => use((session) => Verbs.keep(session, names))
})

interface Encoded {
  readonly field: Field
  readonly encoded: unknown
}

/** Encodes the value of a call by name, or all values of a call by object. */
const encodeAll = (shape: Shape, verb: string, args: ReadonlyArray<unknown>) => {
  // The types say which of the two calls this is.
  const entries =
    args.length > 1 ? [[args[0] as string, args[1]] as const] : entriesOf(verb, args[0] as object)
  return entries.map(([name, value]) => encode(shape, verb, name, value))
}

const encode = (shape: Shape, verb: string, name: string, value: unknown): Encoded => {
  const field = shape.fieldOf(verb, name)
  return { field, encoded: orThrow(field.encode(value), verb, name) }
}

const store = (
  session: RequestSession,
  shape: Shape,
  { encoded, field }: Encoded,
  expiry: number | null
): void => {
  forgetListsAbove(session, shape, "put", field)
  // `Option.none()` of a field that may be missing is stored as its absence.
  if (encoded === undefined) Verbs.forget(session, "put", [field.path])
  else Verbs.put(session, "put", field.path, encoded, expiry)
}

const taking = (shape: Shape) => ({
  pull: (name: string) =>
    useEffect((session) =>
      Effect.tap(readOne(shape, "pull", name), () =>
        Effect.sync(() => Verbs.pull(session, shape.fieldOf("pull", name).path))
      )
    ),
  consume: (name: string) =>
    useEffect((session) => {
      const field = shape.fieldOf("consume", name)
      const taken = Effect.flatMap(consume(session, field.path.segments, name), (value) =>
        decode(session, shape, field, Option.getOrUndefined(value))
      )
      // With "fail" an invalid value is not taken.
      return shape.onInvalid === "fail"
        ? Effect.zipRight(readOne(shape, "consume", name), taken)
        : taken
    }),
  forget: (...names: ListOf<string>) =>
    use((session) => {
      const paths = names.flat().map((name) => shape.fieldOf("forget", name).path)
      Verbs.forget(session, "forget", paths)
    })
})
