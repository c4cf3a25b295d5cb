/** Makes the whole service of a store from what the store gives. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { withoutLapsed } from "./clockRollback.js"
import type { Overrides, Primitives, Service } from "./contract.js"
import * as Derived from "./derived.js"
import * as Figures from "./derivedAnalytics.js"
import * as Revocations from "./revocations.js"

/** Derives what the store does not do itself; `keepEnded` is the time its `remove` honours. */
export const make = (
  primitives: Primitives & Overrides,
  options?: { readonly keepEnded?: Duration.DurationInput | undefined }
): Service => {
  const { remove } = primitives
  const entries = Revocations.hideMarks(primitives.entries)
  const removeWhere = Revocations.unlessMarks(
    primitives.removeWhere,
    Derived.removeWhere(entries, remove)
  )
  const keepEndedMillis = Duration.toMillis(options?.keepEnded ?? 0)
  return {
    ...withoutLapsed(primitives),
    remove,
    entries,
    removeWhere,
    touch: primitives.touch ?? Derived.touch(primitives),
    collect: primitives.collect ?? Derived.collect(primitives, keepEndedMillis),
    count: Revocations.unlessMarks(primitives.count, Derived.count(entries)),
    revokeUser:
      primitives.revokeUser ??
      (({ namespace, userId, except }) =>
        Effect.zipRight(
          // The mark comes first: a login that commits between the two is either removed or finds the mark.
          Revocations.writeMark(primitives, { namespace, userId }, except),
          removeWhere({ namespace, userId }, { except })
        )),
    revokedWithin: primitives.revokedWithin ?? Revocations.revokedWithin(primitives),
    addresses: Revocations.unlessMarks(primitives.addresses, Figures.addresses(entries)),
    hourly: Revocations.unlessMarks(primitives.hourly, Figures.hourly(entries)),
    usage: Revocations.unlessMarks(primitives.usage, Figures.usage(entries))
  }
}
