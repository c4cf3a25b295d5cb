/**
 * The figures of the overview. Counting a million sessions takes longer than a page may, so it is done beside the requests:
 * once at a time, and not again for half a minute. A request waits for it a moment, and else shows what was counted last.
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as SessionAdmin from "../../SessionAdmin.js"
import { type Service, SessionStore } from "../../SessionStore.js"
import { runBeside } from "../effect/fiber.js"

/** What was counted. */
export interface Counted {
  readonly at: DateTime.Utc
  /** Of the last day. */
  readonly day: SessionAdmin.Figures
  /** Of the last quarter of an hour. */
  readonly active: { readonly sessions: number; readonly users: number }
}

/** What is known at present. */
export interface Counting {
  readonly last: Counted | undefined
  /** `counting`: newer figures are on their way. `failed`: the store could not be asked. */
  readonly state: "fresh" | "counting" | "failed"
}

/** How far back "active" reaches. */
export const recently = "15 minutes"

const keptMillis = 30_000
const patience = "100 millis"
const suspects = 10

/** The count of one store: what it gave last, and the one that runs. */
interface Count {
  last: Counted | undefined
  running: Deferred.Deferred<boolean> | undefined
}

/** Makes what counts the sessions of a namespace. */
export const counter = (namespace: string): Effect.Effect<Counting, never, SessionStore> => {
  // One dashboard may be mounted with several stores, as in tests.
  const counts = new WeakMap<Service, Count>()
  return Effect.gen(function* () {
    const store = yield* SessionStore
    const count = counts.get(store) ?? { last: undefined, running: undefined }
    counts.set(store, count)
    const now = yield* Clock.currentTimeMillis
    if (count.last !== undefined && now - count.last.at.epochMillis < keptMillis) {
      return { last: count.last, state: "fresh" }
    }
    const running = yield* started(
      count,
      Effect.provideService(measured(namespace), SessionStore, store)
    )
    const done = yield* Effect.timeoutOption(Deferred.await(running), patience)
    if (done._tag === "None") return { last: count.last, state: "counting" }
    return { last: count.last, state: done.value ? "fresh" : "failed" }
  })
}

/** Starts to count, unless it is being done: no request that goes away stops it for the others. */
const started = (count: Count, measure: Effect.Effect<Counted, unknown>) =>
  Effect.map(runBeside, (run) => {
    if (count.running !== undefined) return count.running
    const done = Deferred.unsafeMake<boolean>(FiberId.none)
    count.running = done
    run(measure, (exit) => {
      count.running = undefined
      if (Exit.isSuccess(exit)) count.last = exit.value
      Deferred.unsafeDone(done, Exit.succeed(Exit.isSuccess(exit)))
    })
    return done
  })

const measured = (namespace: string) =>
  Effect.gen(function* () {
    const day = yield* SessionAdmin.figures({ namespace, within: "1 day" })
    const sessions = yield* SessionAdmin.countActive({ namespace, within: recently })
    const users = yield* SessionAdmin.countActiveUsers({ namespace, within: recently })
    const at = yield* DateTime.now
    const suspicious = day.suspicious.slice(0, suspects)
    return { at, day: { ...day, suspicious }, active: { sessions, users } }
  }).pipe(
    Effect.tapErrorCause((cause) => Effect.logWarning("The sessions could not be counted", cause))
  )
