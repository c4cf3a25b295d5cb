/** The fields of a typed session, and how stored values are read by them. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { isList, type Json } from "../../../core/session/json.js"
import * as Path from "../../../core/session/path.js"
import { clientOf, publishEvent } from "../../commit/RequestContext.js"
import type { RequestSession } from "../../commit/RequestSession.js"
import { SessionDecodeError } from "../../errors/errors.js"
import { useEffect } from "../lift.js"
import * as Verbs from "../verbs.js"
import type { Field } from "./field.js"

/** A typed session's fields, and what becomes of stored values that do not fit them. */
export interface Shape {
  readonly names: ReadonlyArray<string>
  readonly fieldOf: (verb: string, name: string) => Field
  readonly onInvalid: "discard" | "fail"
}

/** Reads and decodes the value of a name. */
export const readOne = (shape: Shape, verb: string, name: string) =>
  useEffect((session) => {
    const field = shape.fieldOf(verb, name)
    return decode(session, shape, field, Verbs.seenBy(verb, Verbs.get(session, verb, field.path)))
  })

/** Decodes a stored value. One that does not fit counts as missing, or fails. */
export const decode = (
  session: RequestSession,
  shape: Shape,
  field: Field,
  value: Json | undefined
): Effect.Effect<Option.Option<unknown>, SessionDecodeError> => {
  if (value === undefined) return Effect.succeedNone
  const decoded = field.decode(value)
  if (Option.isSome(decoded)) return Effect.succeed(decoded)
  if (shape.onInvalid === "fail") return mismatchOf(field)
  return Effect.as(publishDiscarded(session, field), decoded)
}

/** The error of a stored value that does not fit. */
export const mismatchOf = ({ name }: Field): SessionDecodeError =>
  new SessionDecodeError({ key: name })

/** Tells that a stored value which does not fit counts as missing. */
export const publishDiscarded = (
  { life, request }: RequestSession,
  field: Field
): Effect.Effect<void> =>
  publishEvent(request, {
    _tag: "PayloadDiscarded",
    id: life.id,
    reason: mismatchOf(field).message,
    ...clientOf(request, life.state.userId)
  })

/** An older deploy may have stored a list where the path walks through a struct; nothing can be put into that. */
export const forgetListsAbove = (
  session: RequestSession,
  shape: Shape,
  verb: string,
  { path: { segments } }: Field
): void => {
  if (shape.onInvalid === "fail") return
  for (let length = 1; length < segments.length; length++) {
    const above = Path.literal(...segments.slice(0, length))
    if (isList(Verbs.peek(session, verb, above))) Verbs.forget(session, verb, [above])
  }
}
