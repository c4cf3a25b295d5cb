/** The commands that end or remove sessions: `cleanup`, `clear`, `revoke`. */
import * as Effect from "effect/Effect"
import * as SessionAdmin from "../../SessionAdmin.js"
import { SessionStore } from "../../SessionStore.js"
import { CliError } from "./CliError.js"
import { confirm } from "./confirm.js"
import * as Format from "./format.js"
import * as Progress from "./progress.js"
import { Run } from "./Run.js"
import { chosen, withStore } from "./store.js"

interface Question {
  readonly json: boolean
  readonly namespace: string
}

const batch = 1000

/** `cleanup`: one garbage collection, for a cron job. */
export const cleanup = ({ json }: { readonly json: boolean }) =>
  withStore(
    Effect.gen(function* () {
      const store = yield* SessionStore
      // Counting is a pass of its own, so only somebody who watches is told the total.
      const over = Progress.isWatched() ? yield* store.count({ state: "over" }) : undefined
      const collected = yield* Progress.track(
        { doing: "Removed", advice: "To go on, run the command again." },
        (tell) =>
          Effect.gen(function* () {
            yield* tell(0, over?.sessions)
            let [sum, last] = [0, batch]
            while (last >= batch) {
              last = yield* store.collect(batch)
              sum += last
              yield* tell(sum, over?.sessions)
            }
            return sum
          })
      )
      yield* Format.show(
        json,
        { collected },
        () => `Removed ${Format.counted(collected, "session")}.`
      )
    })
  )

const showEnded = (json: boolean) => (revoked: number) =>
  Format.show(json, { revoked }, () => `Ended ${Format.counted(revoked, "session")}.`)

/** `clear`: logs everybody out. */
export const clear = ({ json, namespace, yes }: Question & { readonly yes: boolean }) =>
  Effect.gen(function* () {
    const { description } = yield* chosen
    yield* withStore(
      Effect.gen(function* () {
        const store = yield* SessionStore
        const live = Effect.map(store.count({ namespace }), ({ sessions }) => sessions)
        if (!yes) {
          const sessions = yield* live
          if (sessions === 0) return yield* showEnded(json)(0)
          const ended = `${Format.counted(sessions, "session")} of ${description}`
          yield* confirm(`End ${ended}, and log everybody out?`, `To end ${ended}, add --yes.`)
        }
        const revoked = yield* Effect.onInterrupt(store.removeWhere({ namespace }), () =>
          sayLeft(live)
        )
        yield* showEnded(json)(revoked)
      })
    )
  })

/** Says how many sessions are left; the store does not tell while it ends them. */
const sayLeft = (live: Effect.Effect<number, unknown>) =>
  Effect.gen(function* () {
    const run = yield* Run
    run.stopped = "Stopped. Some sessions have ended. To end the others, run the command again."
    const left = yield* Effect.timeout(Effect.interruptible(live), "5 seconds")
    run.stopped = `Stopped when ${Format.counted(left, "session")} were left. To end them, run the command again.`
  }).pipe(Effect.ignore)

/** `revoke`: ends one session, or those of a user. */
export const revoke = ({
  except,
  id,
  json,
  namespace,
  user
}: Question & Readonly<Record<"except" | "id" | "user", string | undefined>>) => {
  if (user !== undefined && id === undefined) {
    const revoked = SessionAdmin.revokeUser(user, { namespace, except })
    return withStore(Effect.flatMap(revoked, showEnded(json)))
  }
  if (user === undefined && id !== undefined && except === undefined) {
    return withStore(Effect.flatMap(revokeOne(id, namespace), showEnded(json)))
  }
  const message =
    "Name either the id of a session, or --user and a user; --except goes with --user. Nothing was changed."
  return new CliError({ message })
}

const revokeOne = (id: string, namespace: string) =>
  Effect.flatMap(SessionAdmin.revoke(id, { namespace }), (ended) =>
    ended
      ? Effect.succeed(1)
      : new CliError({
          message: `No live session of the namespace ${namespace} has the id ${id}. Nothing was changed.`
        })
  )
