/** The figures that `SessionStore.make` derives from one listing each. A store that can count by itself overrides them. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { isOver, type SessionEntry, type SessionFilter } from "../../core/record/record.js"
import type { Primitives, Service } from "./contract.js"
import { each } from "./derived.js"

type Entries = Primitives["entries"]

/** An hour, in milliseconds. */
export const hourMillis = 60 * 60 * 1000

/** Derives `addresses`. */
export const addresses =
  (entries: Entries): Service["addresses"] =>
  (filter) =>
    Effect.suspend(() => {
      const users = new Map<string, { readonly addresses: Set<string>; sessions: number }>()
      const see = ({ userId, ipAddress }: SessionEntry) => {
        if (userId === null || ipAddress === null) return
        const user = users.get(userId) ?? { addresses: new Set(), sessions: 0 }
        user.addresses.add(ipAddress)
        user.sessions += 1
        users.set(userId, user)
      }
      return Effect.map(eachKept(entries, filter, see), () =>
        Array.from(users, ([userId, user]) => ({
          userId,
          addresses: [...user.addresses],
          sessions: user.sessions
        })).filter((user) => user.addresses.length > 1)
      )
    })

/** Derives `hourly`. */
export const hourly =
  (entries: Entries): Service["hourly"] =>
  ({ namespace, fromMillis, untilMillis }) =>
    Effect.suspend(() => {
      const length = Math.max(0, (untilMillis - fromMillis) / hourMillis)
      const hours = Array.from({ length }, (_, index) => ({
        startMillis: fromMillis + index * hourMillis,
        sessions: 0,
        users: new Set<string>()
      }))
      const hourOf = (millis: number) => Math.floor((millis - fromMillis) / hourMillis)
      const see = ({ createdAtMillis, lastActivityMillis, userId }: SessionEntry) => {
        const first = Math.max(0, hourOf(createdAtMillis))
        for (const hour of hours.slice(first, hourOf(lastActivityMillis) + 1)) {
          hour.sessions += 1
          if (userId !== null) hour.users.add(userId)
        }
      }
      return Effect.map(eachKept(entries, { namespace, activeSinceMillis: fromMillis }, see), () =>
        hours.map((hour) => ({ ...hour, users: hour.users.size }))
      )
    })

/** Derives `usage`. */
export const usage =
  (entries: Entries): Service["usage"] =>
  (filter) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const sums = { live: 0, over: 0, payloadBytes: 0, activeMillis: 0 }
      const see = (entry: SessionEntry) => {
        sums[isOver(entry, now) ? "over" : "live"] += 1
        sums.payloadBytes += entry.payloadBytes
        sums.activeMillis += entry.lastActivityMillis - entry.createdAtMillis
      }
      return Effect.map(eachKept(entries, filter, see), () => ({ ...sums }))
    })

const eachKept = (entries: Entries, filter: SessionFilter, see: (entry: SessionEntry) => void) =>
  each(entries({ ...filter, state: "all" }), see)
