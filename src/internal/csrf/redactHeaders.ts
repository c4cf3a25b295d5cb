/**
 * Keeps secret request headers out of traces. The platform's server span has all headers but four before the app runs, so a
 * secret is overwritten there.
 */

import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { spanOf, withFiber } from "../effect/fiber.js"

const hidden = "<redacted>"

/** Overwrites these headers in the current span and in all spans around it that hold them. */
export const redactHeaders = (names: ReadonlyArray<string>): Effect.Effect<void> =>
  withFiber((fiber) => {
    let span = spanOf(fiber)
    while (Option.isSome(span) && span.value._tag === "Span") {
      for (const name of names) {
        const attribute = `http.request.header.${name}`
        if (span.value.attributes.has(attribute)) span.value.attribute(attribute, hidden)
      }
      span = span.value.parent
    }
    return Effect.void
  })
