/**
 * Memory stores with one fault each, as session libraries have had them: the history check must find every one.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { decode, encode } from "../../src/core/record/payload.js"
import type { SessionRecord } from "../../src/core/record/record.js"
import { layerMemory, type Service, SessionStore } from "../../src/SessionStore.js"

type Break = (store: Service) => Partial<Service>

/** Writes whatever the version of the row is. */
const overwrite = (store: Service, record: SessionRecord) =>
  Effect.flatMap(store.find(record.id), (found) =>
    Option.isSome(found) && found.value.id === record.id
      ? store.update({ ...record, version: found.value.version + 1 }, found.value.version)
      : Effect.succeed(false)
  )

const withoutFlashOf = (record: SessionRecord, stored: SessionRecord, nowMillis: number) => {
  const envelope = decode(record.payload)
  const before = decode(stored.payload)
  if (envelope === undefined || before === undefined) return record
  const kept = Object.entries(envelope.state.flash).filter(
    ([name]) => !Object.hasOwn(before.state.flash, name)
  )
  const state = { ...envelope.state, flash: Object.fromEntries(kept) }
  return { ...record, payload: encode({ ...envelope, state }, nowMillis) }
}

const breaks: Readonly<Record<string, Break>> = {
  "upsert instead of update": (store) => ({
    update: (record) =>
      Effect.flatMap(overwrite(store, record), (updated) =>
        updated ? Effect.succeed(true) : Effect.as(store.insert(record), true)
      )
  }),
  "no version check": (store) => ({ update: (record) => overwrite(store, record) }),
  // Ages what is stored at the commit, not what the request had seen.
  "ageing everything": (store) => ({
    update: (record, expectedVersion) =>
      Effect.flatMap(store.find(record.id), (found) =>
        store.update(
          Option.match(found, {
            onNone: () => record,
            onSome: (stored) => withoutFlashOf(record, stored, record.lastActivityMillis)
          }),
          expectedVersion
        )
      )
  }),
  "a move that leaves the old id": (store) => ({
    move: (fromId, record, expectedVersion) =>
      Effect.flatMap(store.find(fromId), (found) =>
        Effect.tap(store.move(fromId, record, expectedVersion), (moved) =>
          moved && Option.isSome(found) ? store.insert(found.value) : Effect.void
        )
      )
  }),
  "a removal that comes late": (store) => ({
    remove: (id) =>
      Effect.as(Effect.forkDaemon(Effect.delay(store.remove(id), "100 millis")), Option.none())
  }),
  "a write that is acknowledged and lost": (store) => ({
    update: (record, expectedVersion) =>
      record.version % 10 === 0 ? Effect.succeed(true) : store.update(record, expectedVersion)
  })
}

/** Not broken: as after a lost reply, what was written is found by its commit id. */
const denials: Break = (store) => {
  let writes = 0
  return {
    update: (record, expectedVersion) =>
      ++writes % 10 === 0
        ? Effect.as(store.update(record, expectedVersion), false)
        : store.update(record, expectedVersion)
  }
}

export const brokenNames = Object.keys(breaks).map((name) => `broken ${name}`)
export const denyingName = "broken in its answers alone"

/** A memory store of its own with the fault of that name. */
export const brokenStoreOf = (name: string): Layer.Layer<SessionStore> => {
  const change = name === denyingName ? denials : breaks[name.slice("broken ".length)]
  if (change === undefined) throw new Error(`There is no ${name}.`)
  return Layer.effect(
    SessionStore,
    Effect.map(SessionStore, (store) => ({ ...store, ...change(store) }))
  ).pipe(Layer.provide(Layer.fresh(layerMemory)))
}
