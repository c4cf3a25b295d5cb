/** The commands that end or remove sessions: `cleanup`, `clear`, `revoke`. */
import * as Prompt from "@effect/cli/Prompt"
import * as Effect from "effect/Effect"
import * as SessionAdmin from "../../SessionAdmin.js"
import { SessionStore } from "../../SessionStore.js"
import { CliError } from "./CliError.js"
import * as Format from "./format.js"
import * as Progress from "./progress.js"
import { withStore } from "./store.js"

interface Question {
  readonly json: boolean
  readonly namespace: string
}

const batch = 1000

/** `cleanup`: one garbage collection, for a cron job. */
export const cleanup = ({ json }: { readonly json: boolean }) =>
  withStore(
    Effect.flatMap(collectAll(json), (collected) =>
      Format.show(json, { collected }, () => `Removed ${Format.counted(collected, "session")}.`)
    )
  )

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
export const clear = ({ json, namespace, yes }: Question & { readonly yes: boolean }) =>
  withStore(
    Effect.gen(function* () {
      const store = yield* SessionStore
      const { sessions } = yield* store.count({ namespace })
      if (!yes) yield* confirmed(sessions)
      yield* showEnded(json)(yield* store.removeWhere({ namespace }))
    })
  )

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
