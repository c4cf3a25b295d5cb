/**
 * What the tests of the conformance suite are written with: `test` and `timed`, the fixture that each test is given, and
 * small helpers. A test is a value, so that the suite can register it and another test can run it.
 */
import { randomUUID } from "node:crypto"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { YieldWrap } from "effect/Utils"
import type { SessionEntry, SessionFilter, SessionRecord } from "../../core/record/record.js"
import type { SessionStoreError } from "../errors/errors.js"
import type { Service } from "../store/contract.js"
import { SessionStore } from "../store/tag.js"
import type { RecordOptions } from "./records.js"
import { moved, recordBuilder } from "./records.js"

/** What a call of the store is. */
export type StoreEffect<A> = Effect.Effect<A, SessionStoreError>

type Body = (fixture: Fixture) => Generator<YieldWrap<StoreEffect<unknown>>, void, never>

/** One claim about a store. */
export interface Test {
  readonly name: string
  readonly body: Body
  /** True for a test that lets time pass, which only a store that reads the `TestClock` can follow. */
  readonly needsTestClock: boolean
}

/** A test for a store that reads any clock. */
export const test = (name: string, body: Body): Test => ({ name, body, needsTestClock: false })

/** A test that lets time pass. */
export const timed = (name: string, body: Body): Test => ({ name, body, needsTestClock: true })

/** Runs a test with a fixture of its own. */
export const runTest = ({ body }: Test): Effect.Effect<void, SessionStoreError, SessionStore> =>
  Effect.gen(function* () {
    const store = yield* SessionStore
    const now = yield* Clock.currentTimeMillis
    yield* Effect.gen(() => body(makeFixture(store, now)))
  })

/** What one test is given. */
export interface Fixture {
  readonly store: Service
  /** The instant the test began, by the clock the store reads. */
  readonly now: number
  /** A namespace of this test alone, so that tests can share one database. */
  readonly namespace: string
  /** Builds a record. */
  readonly aRecord: (options?: RecordOptions) => SessionRecord
  /** Builds a record and inserts it. */
  readonly stored: (options?: RecordOptions) => StoreEffect<SessionRecord>
  /** Builds a record, inserts it at version 1 and moves it to a new id. */
  readonly aMove: (
    options?: RecordOptions,
    changes?: Partial<SessionRecord>
  ) => StoreEffect<{ readonly old: SessionRecord; readonly current: SessionRecord }>
  /** Lists the ids in the namespace of this test, sorted. */
  readonly idsOf: (filter?: SessionFilter) => StoreEffect<ReadonlyArray<string>>
}

const makeFixture = (store: Service, now: number): Fixture => {
  const namespace = `suite-${randomUUID()}`
  const aRecord = recordBuilder(namespace, now)
  const stored = (options?: RecordOptions) =>
    Effect.suspend(() => {
      const record = aRecord(options)
      return Effect.as(succeeds("insert", store.insert(record)), record)
    })
  return {
    store,
    now,
    namespace,
    aRecord,
    stored,
    aMove: (options, changes) =>
      Effect.flatMap(stored(options), (old) => {
        const current = moved(old, changes)
        return Effect.as(succeeds("move", store.move(old.id, current, 1)), { old, current })
      }),
    idsOf: (filter) =>
      Effect.map(listed(store, { namespace, ...filter }), (entries) =>
        entries.map(({ id }) => id).sort()
      )
  }
}

const succeeds = (operation: string, done: StoreEffect<boolean>): StoreEffect<boolean> =>
  Effect.filterOrDieMessage(done, (done) => done, `The store refused the test's own ${operation}.`)

/** Lists all entries that a filter lets through. */
export const listed = (
  store: Service,
  filter: SessionFilter
): StoreEffect<ReadonlyArray<SessionEntry>> =>
  Effect.map(Stream.runCollect(store.entries(filter)), Chunk.toReadonlyArray)

/** Collects until nothing that is due is left. */
export const drained = (store: Service): StoreEffect<void> =>
  Effect.flatMap(store.collect(1000), (collected) =>
    collected < 1000 ? Effect.void : drained(store)
  )

/** Runs one effect for each item, all at once. */
export const inParallel = <A, B>(
  items: ReadonlyArray<A>,
  run: (item: A) => StoreEffect<B>
): StoreEffect<ReadonlyArray<B>> => Effect.forEach(items, run, { concurrency: "unbounded" })

/** Builds `length` values. */
export const times = <A>(length: number, build: (index: number) => A): ReadonlyArray<A> =>
  Array.from({ length }, (_, index) => build(index))
