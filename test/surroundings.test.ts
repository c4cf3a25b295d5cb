/**
 * Effect builds a layer value once for a whole app. Layers of this library that read their surroundings (a database, a store,
 * settings, the environment) read them wherever they are provided; layers that read nothing stay one.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { afterAll } from "vitest"
import * as EnvSessionStore from "../src/EnvSessionStore.js"
import * as FileSystemSessionStore from "../src/FileSystemSessionStore.js"
import * as SessionConfig from "../src/SessionConfig.js"
import * as SessionEvents from "../src/SessionEvents.js"
import * as SessionGc from "../src/SessionGc.js"
import * as SessionStore from "../src/SessionStore.js"
import * as SqlSessionStore from "../src/SqlSessionStore.js"
import { clientOf, lacksDriver } from "./support/sqlClients.js"
import { storeWith } from "./support/storeWith.js"

const directory = mkdtempSync(join(tmpdir(), "effect-session-surroundings-"))
afterAll(() => rmSync(directory, { recursive: true }))

/** Builds one app of two places, and gives what each of them has found. */
const inOneApp = <S, I, E>(
  find: Effect.Effect<S, never, I>,
  first: Layer.Layer<I, E>,
  second: Layer.Layer<I, E>
) =>
  Effect.gen(function* () {
    const found: Array<S> = []
    const place = (index: number, layer: Layer.Layer<I, E>) =>
      Layer.effectDiscard(
        Effect.map(find, (one) => {
          found[index] = one
        })
      ).pipe(Layer.provide(layer))
    yield* Layer.build(Layer.merge(place(0, first), place(1, second)))
    return [found[0], found[1]] as const
  })

const environment = (entries: Record<string, string>) =>
  Layer.setConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(entries))))

const database = () => Layer.orDie(clientOf(":memory:"))

const disk = () =>
  Layer.effect(
    FileSystem.FileSystem,
    Effect.map(FileSystem.FileSystem, (fs) => ({ ...fs }))
  ).pipe(Layer.provideMerge(NodeContext.layer))

/** A layer and how to make surroundings for it. */
const store = <E, R, E2>(
  name: string,
  layer: Layer.Layer<SessionStore.SessionStore, E, R>,
  surroundings: () => Layer.Layer<R, E2>
) => ({
  name,
  inTwo: () =>
    inOneApp(
      SessionStore.SessionStore,
      Layer.provide(layer, surroundings()),
      Layer.provide(layer, surroundings())
    ),
  inOne: () => {
    const same = surroundings()
    return inOneApp(
      SessionStore.SessionStore,
      Layer.provide(layer, same),
      Layer.provide(layer, same)
    )
  }
})

const inMemory = () => environment({ SESSION_DRIVER: "memory" })

const migrated = () => Layer.provideMerge(Layer.effectDiscard(SqlSessionStore.migrate), database())

const inDatabases = [
  store("SqlSessionStore.layer", SqlSessionStore.layer, migrated),
  store("SqlSessionStore.layerWith", SqlSessionStore.layerWith({ keepEnded: "1 day" }), migrated),
  store("SqlSessionStore.layerMigrated", SqlSessionStore.layerMigrated, database),
  store("SqlSessionStore.layerMigratedWith", SqlSessionStore.layerMigratedWith({}), database)
]

for (const { inOne, inTwo, name } of [
  ...(lacksDriver("sqlite") ? [] : inDatabases),
  store("EnvSessionStore.layer", EnvSessionStore.layer, inMemory),
  store("EnvSessionStore.layerWith", EnvSessionStore.layerWith({}), inMemory),
  store("FileSystemSessionStore.layer", FileSystemSessionStore.layer({ directory }), disk)
]) {
  describe(name, () => {
    it.scoped("is two stores in two surroundings", () =>
      Effect.gen(function* () {
        const [first, second] = yield* inTwo()

        expect(second).toBeDefined()
        expect(first).not.toBe(second)
      })
    )

    it.scoped("is one store where two places have the same surroundings", () =>
      Effect.gen(function* () {
        const [first, second] = yield* inOne()

        expect(second).toBeDefined()
        expect(first).toBe(second)
      })
    )

    it.scoped("is another store in another app", () =>
      Effect.gen(function* () {
        const [first] = yield* inOne()
        const [second] = yield* inOne()

        expect(first).not.toBe(second)
      })
    )
  })
}

describe("what reads nothing is one in one app", () => {
  it.scoped("SessionStore.layerMemory", () =>
    Effect.gen(function* () {
      const { layerMemory } = SessionStore
      const [first, second] = yield* inOneApp(
        SessionStore.SessionStore,
        Layer.provide(layerMemory, inMemory()),
        Layer.provide(layerMemory, inMemory())
      )

      expect(first).toBe(second)
    })
  )

  it.scoped("SessionEvents.layer", () =>
    Effect.gen(function* () {
      const [first, second] = yield* inOneApp(
        SessionEvents.SessionEvents,
        Layer.provide(SessionEvents.layer, inMemory()),
        Layer.provide(SessionEvents.layer, inMemory())
      )

      expect(first).toBe(second)
      expect(first).not.toBe(yield* SessionEvents.SessionEvents)
    })
  )
})

it.scoped("SessionConfig.layerEnv reads each environment that it is provided to", () =>
  Effect.gen(function* () {
    const named = (name: string) =>
      Layer.provide(SessionConfig.layerEnv, environment({ SESSION_COOKIE: name }))

    const [shop, admin] = yield* inOneApp(
      SessionConfig.SessionConfig,
      named("__Host-shop"),
      named("__Host-admin")
    )

    expect([shop?.cookie.name, admin?.cookie.name]).toEqual(["__Host-shop", "__Host-admin"])
  })
)

describe("SessionGc.layer", () => {
  /** A store that counts its collections. */
  const counting = (counts: Record<string, number>, name: string) =>
    storeWith((inner) => ({
      collect: (limit) => {
        counts[name] = (counts[name] ?? 0) + 1
        return inner.collect(limit)
      }
    }))

  it.scoped("collects in each store that it is provided to, and in each once", () =>
    Effect.gen(function* () {
      const counts: Record<string, number> = {}
      const shop = counting(counts, "shop")
      const place = (store: Layer.Layer<SessionStore.SessionStore>) =>
        Layer.empty.pipe(Layer.provide(SessionGc.layer), Layer.provide(store))

      yield* Layer.build(Layer.mergeAll(place(shop), place(shop), place(counting(counts, "admin"))))
      yield* TestClock.adjust("1 minute")

      expect(counts).toEqual({ shop: 1, admin: 1 })
    })
  )
})

describe("SessionEvents.layerAudit", () => {
  it.scoped("writes the events of each hub that it is provided to", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const audit = SessionEvents.layerAudit((written) => Effect.sync(() => lines.push(...written)))
      const place = (id: string) =>
        Layer.effectDiscard(
          SessionEvents.publish({
            _tag: "PayloadDiscarded",
            id,
            reason: "corrupt",
            at: DateTime.unsafeMake(0)
          })
        ).pipe(Layer.provide(audit), Layer.provide(Layer.fresh(SessionEvents.layer)))

      yield* Effect.scoped(Layer.build(Layer.merge(place("shop"), place("admin"))))

      const ids = lines.map((line) => /shop|admin/.exec(line)?.[0])
      expect(ids.sort()).toEqual(["admin", "shop"])
    })
  )
})
