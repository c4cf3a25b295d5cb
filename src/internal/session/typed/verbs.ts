/** The verbs of a typed session at run time: one implementation for every path, which `TypedSession` types. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Fault, isFault } from "../../../core/session/fault.js"
import { fromUnknown, isList, type Json } from "../../../core/session/json.js"
import { adding, type Change } from "../../../core/session/operation.js"
import * as Path from "../../../core/session/path.js"
import { consume } from "../../commit/consume.js"
import { publishEvent } from "../../commit/RequestContext.js"
import { type RequestSession, recordAll } from "../../commit/RequestSession.js"
import {
  SessionDecodeError,
  SessionEncodeError,
  type SessionTypeError
} from "../../errors/errors.js"
import { toSessionError } from "../../errors/toSessionError.js"
import { expiryOf, type PutOptions } from "../arguments.js"
import { attempt, use, useEffect } from "../lift.js"
import * as Operations from "../verbs.js"
import { type Field, makeLookup } from "./field.js"
import type { Fields, ListOf } from "./paths.js"

/** What becomes of a stored value that does not fit its schema. */
export type OnInvalid = "discard" | "fail"

/** A typed session's fields, and what to do with stored values that do not fit them. */
interface Shape {
  readonly names: ReadonlyArray<string>
  readonly fieldOf: (verb: string, name: string) => Field
  readonly onInvalid: OnInvalid
}

/** Makes the verbs. */
export const makeVerbs = (fields: Fields, onInvalid: OnInvalid) => {
  const shape: Shape = { names: Object.keys(fields), fieldOf: makeLookup(fields), onInvalid }
  return { ...reading(shape), ...writing(shape), ...changing(shape), ...taking(shape) }
}

const reading = (shape: Shape) => {
  const collect = (verb: string, names: ReadonlyArray<string>) =>
    Effect.map(
      Effect.forEach(names, (name) => readNamed(shape, verb, name)),
      (values) =>
        Object.fromEntries(
          names.flatMap((name, index) => {
            const value = values[index] ?? Option.none()
            return Option.isSome(value) ? [[name, value.value] as const] : []
          })
        )
    )
  const holds = (verb: string, nullCounts: boolean) => (name: string) =>
    useEffect((session) => {
      const value = Operations.peek(session, verb, shape.fieldOf(verb, name).path)
      return value === undefined || (value === null && !nullCounts)
        ? Effect.succeed(false)
        : Effect.map(readNamed(shape, verb, name), Option.isSome)
    })
  return {
    get: (name: string) => readNamed(shape, "get", name),
    getOrElse: (name: string, otherwise: () => unknown) =>
      Effect.map(readNamed(shape, "getOrElse", name), Option.getOrElse(otherwise)),
    all: Effect.suspend(() => collect("all", shape.names)),
    only: (...keys: ListOf<string>) => collect("only", keys.flat()),
    except: (...keys: ListOf<string>) => {
      const left = keys.flat()
      return collect(
        "except",
        shape.names.filter((name) => !left.includes(name))
      )
    },
    has: (...names: ListOf<string>) => Effect.every(names.flat(), holds("has", false)),
    hasAny: (...names: ListOf<string>) => Effect.exists(names.flat(), holds("hasAny", false)),
    exists: (...names: ListOf<string>) => Effect.every(names.flat(), holds("exists", true)),
    missing: (...names: ListOf<string>) =>
      Effect.negate(Effect.exists(names.flat(), holds("missing", true)))
  }
}

const writing = (shape: Shape) => ({
  put: (...args: readonly [string, unknown, PutOptions?] | readonly [object]) =>
    use((session) => {
      if (args.length > 1) {
        // The types say which of the two calls this is.
        const [name, value, options] = args as readonly [string, unknown, PutOptions?]
        return store(
          session,
          shape,
          encode(shape, "put", name, value),
          expiryOf(session, name, options)
        )
      }
      const values = Operations.entriesOf("put", args[0] as object).map(([name, value]) =>
        encode(shape, "put", name, value)
      )
      return recordAll(session, () => {
        for (const value of values) store(session, shape, value, null)
      })
    }),
  flash: (...args: readonly [string, unknown] | readonly [object]) =>
    use((session) => {
      const values =
        args.length > 1
          ? [[args[0] as string, args[1]] as const]
          : Operations.entriesOf("flash", args[0] as object)
      const encoded = values.map(
        ([name, value]) => [name, encode(shape, "flash", name, value).encoded] as const
      )
      return Operations.flashAll(session, Object.fromEntries(encoded))
    }),
  now: (name: string, value: unknown) =>
    use((session) =>
      Operations.flash(session, "now", name, encode(shape, "now", name, value).encoded)
    ),
  keep: (...keys: ListOf<string>) => use((session) => Operations.keep(session, keys))
})

const changing = (shape: Shape) => {
  const change = (verb: string, name: string, how: Revision) =>
    useEffect((session) => revise(session, shape, verb, name, how))
  return {
    modify: (name: string, f: Revision) => change("modify", name, f),
    push: (name: string, item: unknown) =>
      Effect.asVoid(
        change("push", name, (current) => [
          // A list path decodes to a list.
          ...(Option.getOrElse(current, () => []) as ReadonlyArray<unknown>),
          item
        ])
      ),
    // `adding` refuses what is no number.
    increment: (name: string, by = 1) =>
      change("increment", name, (current) => adding(by)(Option.getOrUndefined(current) as Json)),
    decrement: (name: string, by = 1) =>
      change("decrement", name, (current) => adding(-by)(Option.getOrUndefined(current) as Json)),
    remember: <E, R>(name: string, effect: Effect.Effect<unknown, E, R>) =>
      useEffect((session) => {
        const field = shape.fieldOf("remember", name)
        const value = Operations.get(session, "remember", field.path) ?? null
        const known = value === null ? Option.none() : field.decode(value)
        if (Option.isSome(known)) return Effect.succeed(known.value)
        if (value !== null && shape.onInvalid === "fail") return misfitOf(field)
        return Effect.flatMap(effect, (made) =>
          revise(session, shape, "remember", name, (current) =>
            Option.isSome(current) ? unchanged : made
          )
        )
      })
  }
}

const taking = (shape: Shape) => ({
  pull: (name: string) =>
    useEffect((session) => {
      const { path } = shape.fieldOf("pull", name)
      return Effect.tap(readNamed(shape, "pull", name), () => {
        if (Operations.peek(session, "pull", path) !== undefined) {
          Operations.forget(session, "pull", [path])
        }
      })
    }),
  consume: (name: string) =>
    useEffect((session) => {
      const field = shape.fieldOf("consume", name)
      const taken = Effect.flatMap(consume(session, field.path.segments, name), (value) =>
        decoded(session, shape, field, Option.getOrUndefined(value))
      )
      // An invalid value is not taken where that is a failure.
      return shape.onInvalid === "fail"
        ? Effect.zipRight(readNamed(shape, "consume", name), taken)
        : taken
    }),
  forget: (...names: ListOf<string>) =>
    use((session) => {
      const paths = names.flat().map((name) => shape.fieldOf("forget", name).path)
      return Operations.forget(session, "forget", paths)
    })
})

// ---------------------------------------------------------------------------------------------------------------------
// reading
// ---------------------------------------------------------------------------------------------------------------------

const readNamed = (shape: Shape, verb: string, name: string) =>
  useEffect((session) => {
    const field = shape.fieldOf(verb, name)
    return decoded(session, shape, field, Operations.get(session, verb, field.path))
  })

const decoded = (
  session: RequestSession,
  shape: Shape,
  field: Field,
  value: Json | undefined
): Effect.Effect<Option.Option<unknown>, SessionDecodeError> => {
  const result = value === undefined ? Option.none() : field.decode(value)
  if (value === undefined || Option.isSome(result)) return Effect.succeed(result)
  return shape.onInvalid === "fail" ? misfitOf(field) : Effect.as(discarded(session, field), result)
}

const misfitOf = (field: Field) => Effect.fail(new SessionDecodeError({ key: field.name }))

const discarded = (session: RequestSession, field: Field) =>
  publishEvent(session.request, {
    _tag: "PayloadDiscarded",
    id: session.life.id,
    reason: new SessionDecodeError({ key: field.name }).message
  })

// ---------------------------------------------------------------------------------------------------------------------
// writing
// ---------------------------------------------------------------------------------------------------------------------

interface Encoded {
  readonly field: Field
  readonly encoded: unknown
}

const encode = (shape: Shape, verb: string, name: string, value: unknown): Encoded => {
  const field = shape.fieldOf(verb, name)
  const encoded = field.encode(value)
  if (isFault(encoded)) throw toSessionError(encoded, verb, name)
  return { field, encoded }
}

const store = (
  session: RequestSession,
  shape: Shape,
  { encoded, field }: Encoded,
  expiry: number | null
): void => {
  clearWay(session, shape, "put", field)
  // `Option.none()` of a field that may be missing is stored as its absence.
  if (encoded === undefined) Operations.forget(session, "put", [field.path])
  else Operations.put(session, field.path, encoded, expiry)
}

/** An older deploy may have kept a list where the path walks through a struct; nothing can be put into that. */
const clearWay = (session: RequestSession, shape: Shape, verb: string, field: Field): void => {
  if (shape.onInvalid === "fail") return
  const { segments } = field.path
  for (let length = 1; length < segments.length; length++) {
    const above = Path.literal(...segments.slice(0, length))
    if (isList(Operations.peek(session, verb, above))) Operations.forget(session, verb, [above])
  }
}

/** A pure change of a decoded value. */
type Revision = (current: Option.Option<unknown>) => unknown | Fault | typeof unchanged

const unchanged = Symbol("unchanged")

const misfit = new Fault("type", "what is stored does not have the shape its schema asks for")

/** Changes a value; what is recorded decodes and encodes again on the state it is run on. */
const revise = (session: RequestSession, shape: Shape, verb: string, name: string, how: Revision) =>
  Effect.suspend(() => {
    const field = shape.fieldOf(verb, name)
    let discards = false
    const change: Change = (value) => {
      // As for the untyped verbs, null is nothing yet; only `modify` is handed what the schema makes of it.
      const isMissing = value === undefined || (value === null && verb !== "modify")
      const current = isMissing ? Option.none() : field.decodeAll(value)
      discards = !isMissing && Option.isNone(current)
      if (discards && shape.onInvalid === "fail") return misfit
      const next = how(current)
      return next === unchanged ? (value as Json) : encodeRevised(session, field, next)
    }
    return Effect.flatMap(recordChange(session, shape, verb, field, change), (stored) =>
      Effect.as(
        discards ? discarded(session, field) : Effect.void,
        decodeRevised(verb, field, stored)
      )
    )
  })

const encodeRevised = (session: RequestSession, field: Field, value: unknown): Json | Fault => {
  const encoded = isFault(value) ? value : field.encodeAll(value)
  return isFault(encoded) ? encoded : fromUnknown(encoded, session.request.settings.maxPayloadBytes)
}

const recordChange = (
  session: RequestSession,
  shape: Shape,
  verb: string,
  field: Field,
  change: Change
) =>
  Effect.mapError(
    attempt(() => {
      let stored: Json = null
      recordAll(session, () => {
        clearWay(session, shape, verb, field)
        stored = Operations.modify(session, verb, field.path, change)
      })
      return stored
    }),
    (error): SessionDecodeError | SessionTypeError =>
      error.reason === misfit.reason ? new SessionDecodeError({ key: field.name }) : error
  )

const decodeRevised = (verb: string, field: Field, stored: Json): unknown =>
  Option.getOrThrowWith(field.decode(stored), () => {
    const reason = "what its schema encodes does not decode again"
    return new SessionEncodeError({ operation: verb, key: field.name, reason })
  })
