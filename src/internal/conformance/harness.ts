/**
 * What the tests of the conformance suite are written with: `test` and `timed`, the fixture that each test is given, and
 * small helpers. A test is a value, so that the suite can register it and another test can run it.
 */
import { randomBytes, randomUUID } from "node:crypto"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import type { YieldWrap } from "effect/Utils"
import type { SessionEntry, SessionFilter, SessionRecord } from "../../core/record/record.js"
import type { SessionStoreError } from "../errors/errors.js"
import type { Service } from "../store/contract.js"
import { SessionStore } from "../store/tag.js"

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

/** A record's fields to give; the builder fills in the others. */
export interface RecordOptions extends Partial<SessionRecord> {
  /** Milliseconds from now to the expiry: an hour by default, negative for a session that expired. */
  readonly expiresIn?: number
}

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
  /** Builds a record, inserts it and moves it to a new id. */
  readonly storedAndMoved: (
    options?: RecordOptions,
    changes?: Partial<SessionRecord>
  ) => StoreEffect<{ readonly old: SessionRecord; readonly current: SessionRecord }>
  /** Lists the ids in the namespace of this test, sorted. */
  readonly idsOf: (filter?: SessionFilter) => StoreEffect<ReadonlyArray<string>>
}

const makeFixture = (store: Service, now: number): Fixture => {
  const namespace = `suite-${randomUUID()}`
  const aRecord = ({ expiresIn = hour, ...given }: RecordOptions = {}): SessionRecord => ({
    id: anId(),
    namespace,
    userId: null,
    ipAddress: "192.0.2.7",
    userAgent: "conformance suite",
    createdAtMillis: now,
    lastActivityMillis: now,
    expiresAtMillis: now + expiresIn,
    endedAtMillis: null,
    version: 1,
    previous: null,
    payload: '{"data":{"visits":1}}',
    ...given
  })
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
    storedAndMoved: (options, changes) =>
      Effect.gen(function* () {
        const old = yield* stored(options)
        const current = moved(old, changes)
        yield* succeeds("move", store.move(old.id, current, old.version))
        return { old, current }
      }),
    idsOf: (filter) =>
      Effect.map(listed(store, { namespace, ...filter }), (entries) =>
        entries.map(({ id }) => id).sort()
      )
  }
}

const succeeds = (operation: string, done: StoreEffect<boolean>): StoreEffect<boolean> =>
  Effect.filterOrDieMessage(done, (done) => done, `The store refused the test's own ${operation}.`)

export const second = 1000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour

/** A random id of the shape the library makes. */
export const anId = (): string => randomBytes(20).toString("hex")

/** The record after a commit: the next version, with changes. */
export const next = (record: SessionRecord, changes?: Partial<SessionRecord>): SessionRecord => ({
  ...record,
  version: record.version + 1,
  ...changes
})

/**
 * The record after a commit that gives the session a new id. The old id is in quarantine until five seconds after the
 * session's last activity.
 */
export const moved = (record: SessionRecord, changes?: Partial<SessionRecord>): SessionRecord =>
  next(record, {
    id: anId(),
    previous: {
      id: record.id,
      kind: "quarantine",
      untilMillis: record.lastActivityMillis + 5 * second,
      sealedToken: null
    },
    ...changes
  })

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

/** Lets the `TestClock` go on. */
export const pass = (millis: number): Effect.Effect<void> => TestClock.adjust(millis)

/** Looks twice: a millisecond before `millis` have passed, and when they have. */
export const aroundInstant = <A>(
  millis: number,
  look: StoreEffect<A>
): StoreEffect<readonly [before: A, at: A]> =>
  Effect.all([Effect.zipRight(pass(millis - 1), look), Effect.zipRight(pass(1), look)])

/** Runs one effect for each item, all at once. */
export const inParallel = <A, B>(
  items: ReadonlyArray<A>,
  run: (item: A) => StoreEffect<B>
): StoreEffect<ReadonlyArray<B>> => Effect.forEach(items, run, { concurrency: "unbounded" })

/** Builds `length` values. */
export const times = <A>(length: number, build: (index: number) => A): ReadonlyArray<A> =>
  Array.from({ length }, (_, index) => build(index))
