/** The commands that end or remove sessions: `cleanup`, `clear`, `revoke`. */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Prompt from "@effect/cli/Prompt"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SessionAdmin from "../../SessionAdmin.js"
import { SessionStore } from "../../SessionStore.js"
import { CliError } from "./CliError.js"
import * as Format from "./format.js"
import { json, namespace, optionalText } from "./options.js"
import * as Progress from "./progress.js"
import { withStore } from "./store.js"

const batch = 1000

/** `cleanup`: one garbage collection, for a cron job. */
export const cleanup = Command.make("cleanup", { json }, ({ json }) =>
  withStore(
    Effect.flatMap(collectAll(json), (collected) =>
      Format.show(json, { collected }, () => `Removed ${Format.counted(collected, "session")}.`)
    )
  )
).pipe(Command.withDescription("Removes the sessions that are over, in small batches."))

const collectAll = (json: boolean) =>
  Effect.gen(function* () {
    const store = yield* SessionStore
    const { sessions } = yield* store.count({ state: "over" })
    const progress = Progress.begin("Removing", sessions, json)
    let [collected, last] = [0, batch]
    while (last >= batch) {
      last = yield* store.collect(batch)
      collected += last
      yield* progress.show(collected)
    }
    yield* progress.end
    return collected
  })

const showEnded = (json: boolean) => (revoked: number) =>
  Format.show(json, { revoked }, () => `Ended ${Format.counted(revoked, "session")}.`)

/** `clear`: logs everybody out. */
export const clear = Command.make(
  "clear",
  {
    json,
    namespace,
    yes: Options.boolean("yes").pipe(
      Options.withAlias("y"),
      Options.withDescription("Do not ask first.")
    )
  },
  ({ json, namespace, yes }) =>
    withStore(
      Effect.gen(function* () {
        const store = yield* SessionStore
        const { sessions } = yield* store.count({ namespace })
        if (!yes) yield* confirmed(sessions)
        const revoked = yield* SessionAdmin.revokeAllWith({ namespace })
        yield* showEnded(json)(revoked)
      })
    )
).pipe(Command.withDescription("Ends all sessions, which logs everybody out. Asks first."))

const unchanged = new CliError({ message: "Nothing was changed." })

const confirmed = (sessions: number) => {
  const ended = Format.counted(sessions, "session")
  return process.stdin.isTTY === true
    ? Prompt.confirm({ message: `End ${ended} and log everybody out?` }).pipe(
        Effect.catchTag("QuitException", () => unchanged),
        Effect.filterOrFail(
          (answer) => answer,
          () => unchanged
        )
      )
    : new CliError({ message: `To end ${ended}, add --yes. ${unchanged.message}` })
}

/** `revoke`: ends one session, or those of a user. */
export const revoke = Command.make(
  "revoke",
  {
    json,
    namespace,
    id: Args.optional(Args.text({ name: "id" }).pipe(Args.withDescription("The id of a session."))),
    user: optionalText("user", "End all sessions of this user."),
    except: optionalText("except", "With --user: the id of a session that goes on.")
  },
  ({ except, id, json, namespace, user }) => {
    if (user !== undefined && Option.isNone(id)) {
      const revoked = SessionAdmin.revokeUser(user, { namespace, except })
      return withStore(Effect.flatMap(revoked, showEnded(json)))
    }
    if (user === undefined && Option.isSome(id) && except === undefined) {
      return withStore(Effect.flatMap(revokeOne(id.value, namespace), showEnded(json)))
    }
    const message =
      "Name either the id of a session, or --user and a user; --except goes with --user. Nothing was changed."
    return new CliError({ message })
  }
).pipe(Command.withDescription("Ends a session, or all sessions of a user."))

const revokeOne = (id: string, namespace: string) =>
  Effect.flatMap(SessionAdmin.revoke(id, { namespace }), (ended) =>
    ended
      ? Effect.succeed(1)
      : new CliError({
          message: `No live session of the namespace ${namespace} has the id ${id}. Nothing was changed.`
        })
  )
