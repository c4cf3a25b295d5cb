/**
 * A process of its own that works on a filesystem store: `<mode> <directory> <argument>`. What it writes to the standard
 * output is written at once, so that what the parent has read before it kills this process has happened.
 */
import { once } from "node:events"
import { writeSync } from "node:fs"
import { createInterface } from "node:readline"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { SessionRecord } from "../../../src/core/record/record.js"
import * as FileSystemSessionStore from "../../../src/FileSystemSessionStore.js"
import { SessionStore } from "../../../src/SessionStore.js"

const [mode, directory = "", argument = ""] = process.argv.slice(2)

const say = (line: string) => Effect.sync(() => writeSync(1, `${line}\n`))

const next = (record: SessionRecord): SessionRecord => ({
  ...record,
  version: record.version + 1,
  payload: String(Number(record.payload) + 1).padEnd(2000)
})

/** The id the session is moved to: the last two digits go round. */
const nextId = (id: string): string =>
  id.slice(0, 38) + ((Number.parseInt(id.slice(38), 16) + 1) % 256).toString(16).padStart(2, "0")

/** Writes one session for ever, moves it to the next id now and then, and says what was written. */
const write = (id: string): Effect.Effect<void, unknown, SessionStore> =>
  Effect.gen(function* () {
    const store = yield* SessionStore
    const record = Option.getOrThrow(yield* store.find(id))
    const changed = next(record)
    const moves = Number(changed.payload) % 3 === 0
    const to = moves ? nextId(id) : id
    const written = moves
      ? yield* store.move(id, { ...changed, id: to, previous: null }, record.version)
      : yield* store.update(changed, record.version)
    if (!written) return yield* Effect.fail("A write missed that nobody contends with.")
    yield* say(`${to} ${changed.payload.trim()}`)
    return yield* write(to)
  })

/** Adds 1 to the number in a session, again and again. */
const increment = (id: string, times: number): Effect.Effect<void, unknown, SessionStore> =>
  Effect.gen(function* () {
    if (times === 0) return yield* say("done")
    const store = yield* SessionStore
    const record = Option.getOrThrow(yield* store.find(id))
    const updated = yield* store.update(next(record), record.version)
    return yield* increment(id, updated ? times - 1 : times)
  })

/** Updates once; behind a slow rename it stands still right before the new file gets its name. */
const update = (id: string): Effect.Effect<void, unknown, SessionStore> =>
  Effect.gen(function* () {
    const store = yield* SessionStore
    const record = Option.getOrThrow(yield* store.find(id))
    const exit = yield* Effect.either(store.update(next(record), record.version))
    yield* say(exit._tag === "Right" ? `updated ${exit.right}` : `failed ${exit.left.reason}`)
  })

/** Revokes a user. */
const revoke = (userId: string): Effect.Effect<void, unknown, SessionStore> =>
  Effect.flatMap(SessionStore, (store) =>
    Effect.zipRight(store.revokeUser({ namespace: "faults", userId }), say("revoked"))
  )

/** A `FileSystem` whose `rename` says that it was reached and waits for the argument's milliseconds first. */
const slowRename = Layer.effect(
  FileSystem.FileSystem,
  Effect.map(FileSystem.FileSystem, (fs) => ({
    ...fs,
    rename: (from: string, to: string) =>
      say("holding").pipe(Effect.zipRight(Effect.sleep(300)), Effect.zipRight(fs.rename(from, to)))
  }))
)

/** Says that it is ready, and goes on with the line it is told. */
const told = Effect.zipRight(
  say("ready"),
  Effect.promise(async () => {
    const reader = createInterface({ input: process.stdin })
    const [line] = await once(reader, "line")
    reader.close()
    process.stdin.destroy()
    return String(line)
  })
)

const programs: Record<string, Effect.Effect<void, unknown, SessionStore>> = {
  write: Effect.flatMap(told, (ids) =>
    Effect.forEach(ids.split(","), write, { concurrency: "unbounded", discard: true })
  ),
  increment: Effect.zipRight(say("ready"), increment(argument, 500)),
  revoke: revoke(argument),
  hold: update(argument),
  update: update(argument)
}

const files = Layer.merge(
  mode === "hold" ? Layer.provide(slowRename, NodeFileSystem.layer) : NodeFileSystem.layer,
  NodePath.layer
)
const program = programs[mode ?? ""] ?? Effect.fail(`There is no mode ${mode}.`)

Effect.runPromise(
  Effect.provide(
    program,
    FileSystemSessionStore.layer({ directory, fsync: false }).pipe(Layer.provide(files))
  )
).catch((cause) => {
  writeSync(1, `error ${String(cause)}\n`)
  process.exit(1)
})
