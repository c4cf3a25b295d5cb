/** Makes the whole service of a store from the six primitives and the overrides that the store gives. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { settingMillis } from "../errors/durations.js"
import { withClockRollback } from "./clockRollback.js"
import type { Overrides, Primitives, Service } from "./contract.js"
import * as Derived from "./derived.js"
import * as Analytics from "./derivedAnalytics.js"
import * as Revocations from "./revocations.js"

const { preferOverride } = Revocations

/** Derives what the store does not do itself; `keepEnded` is the time its `remove` honours. */
export const make = (
  primitives: Primitives & Overrides,
  options?: { readonly keepEnded?: Duration.DurationInput | undefined }
): Service => {
  const { update, move, remove } = primitives
  const entries = Revocations.hideMarks(primitives.entries)
  const removeWhere = preferOverride(primitives.removeWhere, Derived.removeWhere(entries, remove))
  const keepEndedMillis = settingMillis("keepEnded", options?.keepEnded ?? 0)
  const count = preferOverride(primitives.count, Analytics.count(entries))
  const addresses = preferOverride(primitives.addresses, Analytics.addresses(entries))
  const hourly = preferOverride(primitives.hourly, Analytics.hourly(entries))
  const usage = preferOverride(primitives.usage, Analytics.usage(entries))
  // A store that adds up by itself has no need to list.
  const summedUp: Service["figures"] = ({ namespace, activeSinceMillis, ...range }) =>
    Effect.all({
      whole: usage({ namespace }),
      recent: usage({ namespace, activeSinceMillis }),
      active: count({ namespace, activeSinceMillis }),
      addresses: addresses({ namespace, activeSinceMillis }),
      hours: hourly({ namespace, ...range })
    })
  return {
    ...withClockRollback(primitives),
    update,
    move,
    remove,
    entries,
    removeWhere,
    insertMany: primitives.insertMany ?? Derived.insertMany(primitives),
    touch: primitives.touch ?? Derived.touch(primitives),
    collect: primitives.collect ?? Derived.collect(primitives, keepEndedMillis),
    page: preferOverride(primitives.page, Derived.page(entries)),
    count,
    revokeUser:
      primitives.revokeUser ??
      (({ namespace, userId, except }) =>
        Revocations.markThenEnd(
          Revocations.writeMark(primitives, { namespace, userId }, except),
          removeWhere({ namespace, userId }, { except })
        )),
    revokedWithin: primitives.revokedWithin ?? Revocations.revokedWithin(primitives),
    addresses,
    hourly,
    usage,
    figures: primitives.usage === undefined ? Analytics.figures(entries) : summedUp
  }
}
