/** The typed verbs that change a stored value. The change runs on decoded values, here and again on a newer state. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Fault, isFault } from "../../../core/session/fault.js"
import { fromUnknown, type Json } from "../../../core/session/json.js"
import { adding, type Change, pushing } from "../../../core/session/operation.js"
import { type RequestSession, recordAll } from "../../commit/RequestSession.js"
import { SessionEncodeError } from "../../errors/errors.js"
import { attempt, useEffect } from "../lift.js"
import * as Verbs from "../verbs.js"
import { type Field, keepExcess } from "./field.js"
import { forgetListsAbove, mismatchOf, publishDiscarded, type Shape } from "./shape.js"

/** A pure change of a decoded value: gives the new one, or why there is none. */
type TypedChange = (current: Option.Option<unknown>) => unknown | Fault

/** Makes the verbs. */
export const changing = (shape: Shape) => ({
  modify: (name: string, f: TypedChange) => change(shape, "modify", name, f),
  push: (name: string, item: unknown) =>
    Effect.asVoid(change(shape, "push", name, onDecoded(pushing(item as Json)))),
  increment: (name: string, by = 1) => change(shape, "increment", name, onDecoded(adding(by))),
  decrement: (name: string, by = 1) => change(shape, "decrement", name, onDecoded(adding(-by))),
  remember: <E, R>(name: string, effect: Effect.Effect<unknown, E, R>) =>
    useEffect((session) => {
      const field = shape.fieldOf("remember", name)
      const value = Verbs.seenBy("remember", Verbs.get(session, "remember", field.path))
      const known = value === undefined ? Option.none() : field.decode(value)
      if (Option.isSome(known)) return Effect.succeed(known.value)
      if (value !== undefined && shape.onInvalid === "fail") return mismatchOf(field)
      return Effect.flatMap(effect, (made) => {
        const ifMissing: TypedChange = (current) => Option.getOrElse(current, () => made)
        return change(shape, "remember", name, ifMissing)
      })
    })
})

/** A change of JSON that works on decoded lists and numbers as well. */
const onDecoded =
  (change: Change): TypedChange =>
  (current) =>
    // It refuses what is neither.
    change(Option.getOrUndefined(current) as Json | undefined)

const schemaMismatch = new Fault(
  "type",
  "what is stored does not have the shape its schema asks for"
)

const change = (shape: Shape, verb: string, name: string, how: TypedChange) =>
  useEffect((session) => {
    const field = shape.fieldOf(verb, name)
    let discards = false
    const onStored: Change = (value) => {
      const seen = Verbs.seenBy(verb, value)
      const current = seen === undefined ? Option.none() : field.decode(seen, keepExcess(seen))
      discards = seen !== undefined && Option.isNone(current)
      if (discards && shape.onInvalid === "fail") return schemaMismatch
      return encode(session, field, how(current), seen)
    }
    const recorded = attempt(() => recordChange(session, shape, verb, field, onStored))
    const orMismatch = Effect.mapError(recorded, (error) =>
      error.reason === schemaMismatch.reason ? mismatchOf(field) : error
    )
    return Effect.tap(orMismatch, () => (discards ? publishDiscarded(session, field) : Effect.void))
  })

const encode = (
  session: RequestSession,
  field: Field,
  value: unknown,
  stored: Json | undefined
): Json | Fault => {
  const encoded = isFault(value) ? value : field.encode(value, keepExcess(stored))
  return isFault(encoded) ? encoded : fromUnknown(encoded, session.request.settings.maxPayloadBytes)
}

/** Records a change and gives the new value. */
const recordChange = (
  session: RequestSession,
  shape: Shape,
  verb: string,
  field: Field,
  onStored: Change
): unknown => {
  let changed: unknown
  recordAll(session, () => {
    forgetListsAbove(session, shape, verb, field)
    const stored = Verbs.modify(session, verb, field.path, onStored)
    changed = Option.getOrThrowWith(field.decode(stored), () => {
      const reason = "what its schema encodes does not decode again"
      return new SessionEncodeError({ operation: verb, key: field.name, reason })
    })
  })
  return changed
}
