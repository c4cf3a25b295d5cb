/** The figures that `SessionStore.make` derives from one listing each. A store that can count by itself overrides them. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { isOver, type SessionEntry, type SessionFilter } from "../../core/record/record.js"
import type { SessionStoreError } from "../errors/errors.js"
import type {
  HourFigures,
  Primitives,
  Service,
  StoreFigures,
  UsageFigures,
  UserAddresses
} from "./contract.js"
import { each } from "./derived.js"

type Entries = Primitives["entries"]

/** An hour, in milliseconds. */
export const hourMillis = 60 * 60 * 1000

/** A figure that is told of each session, and then gives its result. */
interface Tally<A> {
  readonly see: (entry: SessionEntry) => void
  readonly result: () => A
}

/** Derives `count`. */
export const count =
  (entries: Entries): Service["count"] =>
  (filter) =>
    Effect.suspend(() => tallied(entries(filter), countTally()))

/** Derives `addresses`. */
export const addresses =
  (entries: Entries): Service["addresses"] =>
  (filter) =>
    Effect.suspend(() => tallied(entries(kept(filter)), addressesTally()))

/** Derives `hourly`. */
export const hourly =
  (entries: Entries): Service["hourly"] =>
  ({ namespace, ...range }) =>
    Effect.suspend(() =>
      tallied(
        entries(kept({ namespace, activeSinceMillis: range.fromMillis })),
        hourlyTally(range.fromMillis, range.untilMillis)
      )
    )

/** Derives `usage`. */
export const usage =
  (entries: Entries): Service["usage"] =>
  (filter) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      tallied(entries(kept(filter)), usageTally(now))
    )

/** Derives `figures`, all by one listing. */
export const figures =
  (entries: Entries): Service["figures"] =>
  ({ namespace, activeSinceMillis, fromMillis, untilMillis }) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const whole = usageTally(now)
      const recent = usageTally(now)
      const active = countTally()
      const users = addressesTally()
      const hours = hourlyTally(fromMillis, untilMillis)
      const see = (entry: SessionEntry) => {
        whole.see(entry)
        if (entry.lastActivityMillis >= fromMillis) hours.see(entry)
        if (entry.lastActivityMillis < activeSinceMillis) return
        recent.see(entry)
        users.see(entry)
        if (!isOver(entry, now)) active.see(entry)
      }
      const result = (): StoreFigures => ({
        whole: whole.result(),
        recent: recent.result(),
        active: active.result(),
        addresses: users.result(),
        hours: hours.result()
      })
      return tallied(entries(kept({ namespace })), { see, result })
    })

const kept = (filter: SessionFilter): SessionFilter => ({ ...filter, state: "all" })

const tallied = <A>(
  entries: ReturnType<Entries>,
  { see, result }: Tally<A>
): Effect.Effect<A, SessionStoreError> => Effect.map(each(entries, see), result)

const countTally = (): Tally<{ readonly sessions: number; readonly users: number }> => {
  const users = new Set<string>()
  let sessions = 0
  return {
    see: ({ userId }) => {
      sessions += 1
      if (userId !== null) users.add(userId)
    },
    result: () => ({ sessions, users: users.size })
  }
}

const addressesTally = (): Tally<ReadonlyArray<UserAddresses>> => {
  const users = new Map<string, { readonly addresses: Set<string>; sessions: number }>()
  return {
    see: ({ userId, ipAddress }) => {
      if (userId === null || ipAddress === null) return
      const user = users.get(userId) ?? { addresses: new Set(), sessions: 0 }
      user.addresses.add(ipAddress)
      user.sessions += 1
      users.set(userId, user)
    },
    result: () =>
      Array.from(users, ([userId, { addresses, sessions }]) => ({
        userId,
        addresses: [...addresses],
        sessions
      })).filter((user) => user.addresses.length > 1)
  }
}

const hourlyTally = (
  fromMillis: number,
  untilMillis: number
): Tally<ReadonlyArray<HourFigures>> => {
  const length = Math.max(0, (untilMillis - fromMillis) / hourMillis)
  const hours = Array.from({ length }, (_, index) => ({
    startMillis: fromMillis + index * hourMillis,
    sessions: 0,
    users: new Set<string>()
  }))
  const hourOf = (millis: number) => Math.floor((millis - fromMillis) / hourMillis)
  return {
    see: ({ createdAtMillis, lastActivityMillis, userId }) => {
      const first = Math.max(0, hourOf(createdAtMillis))
      for (const hour of hours.slice(first, hourOf(lastActivityMillis) + 1)) {
        hour.sessions += 1
        if (userId !== null) hour.users.add(userId)
      }
    },
    result: () => hours.map((hour) => ({ ...hour, users: hour.users.size }))
  }
}

const usageTally = (now: number): Tally<UsageFigures> => {
  const sums = { live: 0, over: 0, payloadBytes: 0, activeMillis: 0 }
  return {
    see: (entry) => {
      sums[isOver(entry, now) ? "over" : "live"] += 1
      sums.payloadBytes += entry.payloadBytes
      sums.activeMillis += entry.lastActivityMillis - entry.createdAtMillis
    },
    result: () => ({ ...sums })
  }
}
