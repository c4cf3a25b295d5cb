/** The commands that end sessions: `cleanup`, `clear`, `revoke`. */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Prompt from "@effect/cli/Prompt"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SessionAdmin from "../../SessionAdmin.js"
import { SessionStore } from "../../SessionStore.js"
import { json, namespace, yes } from "./options.js"
import * as Present from "./present.js"
import { Problem } from "./problem.js"
import * as Progress from "./progress.js"
import { withStore } from "./store.js"

const batch = 1000

/** `cleanup`: what the collecting fiber of a server does, now; for a cron job. */
export const cleanup = Command.make("cleanup", { json }, ({ json }) =>
  withStore(
    Effect.flatMap(collectAll(json), (collected) =>
      Present.show(
        json,
        { collected },
        () => `Collected ${Present.counted(collected, "session")} that had ended.`
      )
    )
  )
).pipe(Command.withDescription("Removes sessions that are over, in small batches."))

const collectAll = (json: boolean) =>
  Effect.gen(function* () {
    const store = yield* SessionStore
    const { sessions } = yield* store.count({ state: "over" })
    const progress = Progress.begin("Collecting", sessions, json)
    let collected = 0
    while (true) {
      const some = yield* store.collect(batch)
      collected += some
      yield* progress.advance(some)
      if (some < batch) break
    }
    yield* progress.end
    return collected
  })

/** `clear`: everybody out. */
export const clear = Command.make("clear", { json, namespace, yes }, ({ json, namespace, yes }) =>
  withStore(
    Effect.gen(function* () {
      const store = yield* SessionStore
      const { sessions } = yield* store.count({ namespace })
      if (!yes) yield* confirmed(sessions)
      const revoked = yield* SessionAdmin.revokeAllWith({ namespace })
      yield* Present.show(json, { revoked }, () => `Ended ${Present.counted(revoked, "session")}.`)
    })
  )
).pipe(Command.withDescription("Ends all sessions: everybody is logged out. Asks first."))

const unchanged = new Problem({ message: "Nothing was changed." })

const confirmed = (sessions: number) => {
  const ended = Present.counted(sessions, "session")
  if (process.stdin.isTTY !== true) {
    const message = `This would end ${ended}: say --yes. ${unchanged.message}`
    return new Problem({ message })
  }
  return Prompt.confirm({ message: `End ${ended}? Everybody is logged out.` }).pipe(
    Effect.catchTag("QuitException", () => unchanged),
    Effect.filterOrFail(
      (answer) => answer,
      () => unchanged
    )
  )
}

/** `revoke`: one session, or those of a user. */
export const revoke = Command.make(
  "revoke",
  {
    json,
    namespace,
    id: Args.optional(Args.text({ name: "id" }).pipe(Args.withDescription("The id of a session."))),
    user: Options.optional(
      Options.text("user").pipe(Options.withDescription("All sessions of this user."))
    ),
    except: Options.optional(
      Options.text("except").pipe(
        Options.withDescription("With --user: the id of a session that goes on.")
      )
    )
  },
  ({ except, id, json, namespace, user }) =>
    Effect.gen(function* () {
      const revoked = yield* withStore(
        revocation(
          namespace,
          Option.getOrUndefined(id),
          Option.getOrUndefined(user),
          Option.getOrUndefined(except)
        )
      )
      yield* Present.show(json, { revoked }, () => `Ended ${Present.counted(revoked, "session")}.`)
    })
).pipe(Command.withDescription("Ends a session, or all sessions of a user."))

const revocation = (
  namespace: string,
  id: string | undefined,
  user: string | undefined,
  except: string | undefined
) => {
  if ((id === undefined) === (user === undefined)) {
    return new Problem({
      message: "Say what to revoke: the id of a session, or --user and a user. Nothing was changed."
    })
  }
  if (id !== undefined && except !== undefined) {
    return new Problem({ message: "--except goes with --user only. Nothing was changed." })
  }
  if (user !== undefined) return SessionAdmin.revokeUser(user, { namespace, except })
  // One of the two is given.
  return Effect.flatMap(SessionAdmin.revoke(id as string, { namespace }), (ended) =>
    ended
      ? Effect.succeed(1)
      : new Problem({ message: `There is no live session ${id} in the namespace ${namespace}.` })
  )
}
