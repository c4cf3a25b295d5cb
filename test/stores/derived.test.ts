/** Stores as a third party would write them: the six primitives over one map, everything else derived. */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import ts from "typescript"
import {
  ended,
  entryOf,
  isDueForDeletion,
  isFoundBy,
  isOver,
  matches
} from "../../src/core/record/record.js"
import type { Primitives, SessionRecord } from "../../src/SessionStore.js"
import * as Stores from "../../src/SessionStore.js"
import { make, SessionStore } from "../../src/SessionStore.js"
import * as SessionStoreTest from "../../src/SessionStoreTest.js"

const atNow = <A>(step: (now: number) => A): Effect.Effect<A> =>
  // The turn before each step gives parallel calls their chance to come between the steps of a derived method.
  Effect.zipRight(
    Effect.yieldNow(),
    Effect.clockWith((clock) => Effect.sync(() => step(clock.unsafeCurrentTimeMillis())))
  )

const sixPrimitives = (keepEndedMillis: number): Primitives => {
  const rows = new Map<string, SessionRecord>()
  const byPrevious = (id: string) => [...rows.values()].find(({ previous }) => previous?.id === id)
  const canReplace = (id: string, version: number, now: number) => {
    const row = rows.get(id)
    return row !== undefined && row.version === version && !isOver(row, now)
  }
  const removed = (id: string, now: number) => {
    const row = rows.get(id) ?? byPrevious(id)
    if (row === undefined) return undefined
    if (isDueForDeletion(row, keepEndedMillis, now)) rows.delete(row.id)
    else rows.set(row.id, ended(row, now))
    return isOver(row, now) ? undefined : entryOf(row)
  }
  return {
    find: (id) =>
      atNow((now) => {
        const row = rows.get(id) ?? byPrevious(id)
        return row !== undefined && isFoundBy(id, row, now) ? Option.some(row) : Option.none()
      }),
    insert: (record) =>
      atNow(() => {
        const free = !rows.has(record.id)
        if (free) rows.set(record.id, record)
        return free
      }),
    update: (record, expectedVersion) =>
      atNow((now) => {
        const fits = canReplace(record.id, expectedVersion, now)
        if (fits) rows.set(record.id, record)
        return fits
      }),
    move: (fromId, record, expectedVersion) =>
      atNow((now) => {
        const fits = canReplace(fromId, expectedVersion, now) && !rows.has(record.id)
        if (fits) {
          rows.delete(fromId)
          rows.set(record.id, record)
        }
        return fits
      }),
    remove: (id) => atNow((now) => Option.fromNullable(removed(id, now))),
    entries: (filter) =>
      Stream.unwrap(
        atNow((now) => {
          const summaries = [...rows.values()].map(entryOf)
          return Stream.fromIterable(summaries.filter((one) => matches(filter, one, now)))
        })
      )
  }
}

const days = 24 * 60 * 60 * 1000

SessionStoreTest.suite(
  "six primitives",
  Layer.sync(SessionStore, () => make(sixPrimitives(0))),
  {
    layerKeeping7Days: Layer.sync(SessionStore, () =>
      make(sixPrimitives(7 * days), { keepEnded: "7 days" })
    )
  }
)

/** The layer that the example of `SessionStore.make` exports. */
const layerOfExample = (): Layer.Layer<SessionStore> => {
  const source = readFileSync(new URL("../../src/SessionStore.ts", import.meta.url), "utf8")
  const [, documented = ""] = /Makes the whole service.*?```ts\n(.*?) \* ```/s.exec(source) ?? []
  const { outputText } = ts.transpileModule(documented.replace(/^ \* ?/gm, ""), {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 }
  })
  const exported: { layer?: Layer.Layer<SessionStore> } = {}
  const require = (name: string) =>
    name === "effect-session" ? { SessionStore: Stores } : createRequire(import.meta.url)(name)
  new Function("require", "exports", outputText)(require, exported)
  if (exported.layer === undefined) throw new Error("The example exports no layer.")
  return exported.layer
}

SessionStoreTest.suite("the example of SessionStore.make", layerOfExample())
