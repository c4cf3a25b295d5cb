/** The text fields of either kind of form. The handler can still read the body. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Multipart from "@effect/platform/Multipart"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type Peek, peek } from "./bodyPrefix.js"

/** A name and a value, as they were sent. */
export type FormField = readonly [name: string, value: string]

/** Gives the fields in the first `limit` bytes of a form; none where the body is not a form. */
export const formFields = (
  request: HttpServerRequest.HttpServerRequest,
  limit: number
): Effect.Effect<ReadonlyArray<FormField>> => {
  const { headers } = request
  if (headers["content-length"] === "0") return Effect.succeed([])
  const kind = (headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase()
  if (kind === "application/x-www-form-urlencoded") {
    return Effect.map(peek(request, limit), inUrlEncoded)
  }
  return kind === "multipart/form-data"
    ? Effect.flatMap(peek(request, limit), (seen) => inMultipart(headers, seen))
    : Effect.succeed([])
}

const inUrlEncoded = ({ bytes, complete }: Peek): ReadonlyArray<FormField> => {
  const text = new TextDecoder().decode(bytes)
  // What comes last may have been cut in two.
  const whole = complete ? text : text.slice(0, Math.max(text.lastIndexOf("&"), 0))
  return Array.from(new URLSearchParams(whole))
}

/** The platform's own parser reads the bytes; it does no harm that they end in the middle of a part. */
const inMultipart = (
  headers: HttpServerRequest.HttpServerRequest["headers"],
  { bytes }: Peek
): Effect.Effect<ReadonlyArray<FormField>> =>
  Effect.suspend(() => {
    const found: Array<FormField> = []
    return Stream.make(bytes).pipe(
      Stream.pipeThroughChannel(Multipart.makeChannel<never>({ ...headers })),
      Stream.runForEach((part) =>
        Effect.sync(() => {
          if (part._tag === "Field") found.push([part.key, part.value])
        })
      ),
      Effect.catchAll(() => Effect.void),
      Effect.catchAllDefect(() => Effect.void),
      Effect.as(found)
    )
  })
