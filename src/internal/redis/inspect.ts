/** What a server says of itself, for `doctor`. */
import * as Effect from "effect/Effect"
import { SessionConfigError, type SessionStoreError } from "../errors/errors.js"
import { toStoreError } from "./failure.js"
import type { Server } from "./model.js"
import { infoOf } from "./server.js"

type Told = Effect.Effect<string, SessionStoreError | SessionConfigError>

/** The oldest version that has all that the scripts call. */
const oldest = 6.2

const wrong = (reason: string) => new SessionConfigError({ field: "The server", reason })

/** Asks the server that has the keys which version it is, and whether it is the master. */
export const inspectServer = (server: Server, base: string): Told =>
  Effect.flatMap(info(server, base), (told) => {
    const version = told("redis_version") ?? "of an unknown version"
    const valkey = told("valkey_version")
    const name = valkey === undefined ? `Redis ${version}` : `Valkey ${valkey}`
    if (Number.parseFloat(version) < oldest) {
      return wrong(`is Redis ${version}. The store needs 6.2 or newer, or Valkey.`)
    }
    if (told("role") !== "master") {
      return wrong(
        "is a replica. Name the master, or the Sentinels: sessions are never read from a replica."
      )
    }
    return Effect.succeed(`${name}, the master, ${durabilityOf(told)}`)
  })

const durabilityOf = (told: Info): string =>
  told("aof_enabled") === "1"
    ? "keeps a log of what is written"
    : "keeps no log of what is written (appendonly no): a crash loses what is newer than its last snapshot"

/** Asks whether the server deletes sessions when its memory is full. */
export const inspectEviction = (server: Server, base: string): Told =>
  Effect.flatMap(info(server, base), (told) => {
    const policy = told("maxmemory_policy") ?? "noeviction"
    const isLimited = (told("maxmemory") ?? "0") !== "0"
    if (policy === "noeviction") {
      const limit = isLimited ? "when its memory is full, it refuses writes" : "there is no limit"
      return Effect.succeed(`the server never deletes a live session; ${limit}`)
    }
    return wrong(
      `deletes live sessions when its memory is full (maxmemory-policy ${policy}). Set it to noeviction, or give the sessions a server of their own.`
    )
  })

type Info = (field: string) => string | undefined

const info = (server: Server, base: string): Effect.Effect<Info, SessionStoreError> =>
  Effect.map(
    Effect.tryPromise({
      try: () => infoOf(server, base),
      catch: (cause) => toStoreError("connect", cause)
    }),
    (text) => (field) => new RegExp(`^${field}:(.*?)\\s*$`, "m").exec(text)?.[1]
  )
