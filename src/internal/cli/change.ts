/** The commands that end or remove sessions: `cleanup`, `clear`, `revoke`. */
import { userInfo } from "node:os"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SessionAdmin from "../../SessionAdmin.js"
import * as SessionEvents from "../../SessionEvents.js"
import { SessionStore } from "../../SessionStore.js"
import { CliError, type Failure, toCliError } from "./CliError.js"
import { confirm } from "./confirm.js"
import * as Format from "./format.js"
import * as Progress from "./progress.js"
import { Run } from "./Run.js"
import { chosen, withStore } from "./store.js"

interface Question {
  readonly json: boolean
  /** The audit log to write to. */
  readonly log: string | undefined
  readonly namespace: string
}

const batch = 1000

/** `cleanup`: one garbage collection, for a cron job. */
export const cleanup = ({ json }: { readonly json: boolean }) =>
  withStore(
    Effect.gen(function* () {
      const store = yield* SessionStore
      const collected = yield* Progress.track(
        { doing: "Removed", advice: "To go on, run the command again." },
        (tell) =>
          Effect.gen(function* () {
            yield* tell(0)
            let [sum, last] = [0, batch]
            while (last >= batch) {
              last = yield* store.collect(batch)
              sum += last
              yield* tell(sum)
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

/** `clear`: logs everybody out. It does not count what it asks about, which would be a pass over the store of its own. */
export const clear = ({ json, log, namespace, yes }: Question & { readonly yes: boolean }) =>
  Effect.gen(function* () {
    const { description } = yield* chosen
    const all = `all sessions of the namespace ${namespace} (${description})`
    const asked = confirm(`End ${all}, and log everybody out?`, `To end ${all}, add --yes.`)
    const ended = Effect.onInterrupt(
      SessionAdmin.revokeAllWith({ namespace, actor: actorHere() }),
      () => sayLeft(namespace)
    )
    const cleared = Effect.flatMap(logged(log, ended), showEnded(json))
    yield* withStore(yes ? cleared : Effect.zipRight(asked, cleared))
  })

/** Says how many sessions are left; the store does not tell while it ends them. */
const sayLeft = (namespace: string) =>
  Effect.gen(function* () {
    const run = yield* Run
    const store = yield* SessionStore
    run.stopped = "Stopped. Some sessions have ended. To end the others, run the command again."
    const live = Effect.interruptible(store.count({ namespace }))
    const { sessions } = yield* Effect.timeout(live, "5 seconds")
    run.stopped = `Stopped when ${Format.counted(sessions, "session")} were left. To end them, run the command again.`
  }).pipe(Effect.ignore)

/** `revoke`: ends one session, or those of a user. */
export const revoke = ({
  except,
  id,
  json,
  log,
  namespace,
  user
}: Question & Readonly<Record<"except" | "id" | "user", string | undefined>>) => {
  const options = { namespace, actor: actorHere() }
  const end = <E extends Failure>(revoked: Effect.Effect<number, E, SessionStore>) =>
    withStore(Effect.flatMap(logged(log, revoked), showEnded(json)))
  if (user !== undefined && id === undefined) {
    return end(SessionAdmin.revokeUser(user, { ...options, except }))
  }
  if (user === undefined && id !== undefined && except === undefined) {
    return end(revokeOne(id, options))
  }
  const message =
    "Name either the id of a session, or --user and a user; --except goes with --user. Nothing was changed."
  return new CliError({ message })
}

const revokeOne = (id: string, options: SessionAdmin.Revocation) =>
  Effect.flatMap(SessionAdmin.revoke(id, options), (ended) =>
    ended
      ? Effect.succeed(1)
      : new CliError({
          message: `No live session of the namespace ${options.namespace} has the id ${id}. Nothing was changed.`
        })
  )

/** Runs what ends sessions, and appends what happened to an audit log where one is named. */
const logged = <A, E, R>(log: string | undefined, ended: Effect.Effect<A, E, R>) =>
  Effect.provide(
    ended,
    log === undefined ? Layer.empty : Layer.mapError(SessionEvents.layerAuditFile(log), toCliError)
  )

/** Who runs the command, for an event: `cli:` and the user of the operating system, by number where it has no name. */
const actorHere = (): string => {
  try {
    return `cli:${userInfo().username}`
  } catch {
    return `cli:${process.getuid?.()}`
  }
}
