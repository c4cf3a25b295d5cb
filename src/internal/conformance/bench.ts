/**
 * What the tests of the conformance suite are written with: a fresh namespace and builders for each test, and the two
 * ways a test is registered.
 */
import { randomBytes, randomUUID } from "node:crypto"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { it } from "vitest"
import type { SessionEntry, SessionRecord } from "../../core/record/record.js"
import type { SessionStoreError } from "../errors/errors.js"
import type { Service } from "../store/contract.js"
import { SessionStore } from "../store/tag.js"

/** What a builder may be told about a record; everything else of the record can be given as well. */
export interface RecordOptions extends Partial<SessionRecord> {
  /** Milliseconds from now to the expiry; an hour by default, negative for a session that expired. */
  readonly expiresIn?: number
}

/** The means of one test. */
export interface Bench {
  readonly store: Service
  /** The instant the test began, by the clock the store reads. */
  readonly now: number
  /** A namespace of this test alone, so that tests can share one database. */
  readonly namespace: string
  readonly aRecord: (options?: RecordOptions) => SessionRecord
  /** Builds a record and inserts it. */
  readonly stored: (options?: RecordOptions) => Effect.Effect<SessionRecord, SessionStoreError>
  /** The ids in the namespace of this test that a listing shows. */
  readonly idsOf: (
    filter?: Parameters<Service["entries"]>[0]
  ) => Effect.Effect<ReadonlyArray<string>, SessionStoreError>
}

type Body = (bench: Bench) => Effect.Effect<void, SessionStoreError>

/** Registers tests: `test` by any clock, `timed` only where the store reads the `TestClock`. */
export interface Suite {
  readonly test: (name: string, body: Body) => void
  readonly timed: (name: string, body: Body) => void
}

/** A random id of the shape the library makes. */
export const anId = (): string => randomBytes(20).toString("hex")

/** Lets the `TestClock` go on. */
export const pass = (millis: number): Effect.Effect<void> => TestClock.adjust(millis)

export const second = 1000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour

/** The record after a commit: the next version, with changes. */
export const next = (record: SessionRecord, changes?: Partial<SessionRecord>): SessionRecord => ({
  ...record,
  version: record.version + 1,
  ...changes
})

/** The record as it is stored by a move to a new id, which leaves the old one in quarantine for five seconds. */
export const moved = (
  record: SessionRecord,
  now: number,
  changes?: Partial<SessionRecord>
): SessionRecord =>
  next(record, {
    id: anId(),
    previous: {
      id: record.id,
      kind: "quarantine",
      untilMillis: now + 5 * second,
      sealedToken: null
    },
    ...changes
  })

/** All summaries a filter lets through. */
export const listed = (
  store: Service,
  filter: Parameters<Service["entries"]>[0]
): Effect.Effect<ReadonlyArray<SessionEntry>, SessionStoreError> =>
  Effect.map(Stream.runCollect(store.entries(filter)), Chunk.toReadonlyArray)

/** Collects until nothing that is due is left, so that a test of `collect` starts from none. */
export const drained = (store: Service): Effect.Effect<void, SessionStoreError> =>
  Effect.flatMap(store.collect(1000), (collected) =>
    collected < 1000 ? Effect.void : drained(store)
  )

const makeBench = (store: Service, now: number): Bench => {
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
  return {
    store,
    now,
    namespace,
    aRecord,
    stored: (options) =>
      Effect.suspend(() => {
        const record = aRecord(options)
        return Effect.flatMap(store.insert(record), (inserted) =>
          inserted
            ? Effect.succeed(record)
            : Effect.dieMessage("The store refused to insert a record under a new id.")
        )
      }),
    idsOf: (filter) =>
      Effect.map(listed(store, { namespace, ...filter }), (summaries) =>
        summaries.map(({ id }) => id).sort()
      )
  }
}

/** Runs an effect that needs a store, as vitest wants it: a promise that rejects with the failure itself. */
export type RunWithStore = (
  effect: Effect.Effect<void, SessionStoreError, SessionStore>,
  signal: AbortSignal
) => Promise<void>

/** Makes the two ways to register a test on a store. */
export const makeSuite = (
  runWithStore: RunWithStore,
  clock: "test" | "live",
  timeoutMillis: number
): Suite => {
  const withBench = (body: Body) =>
    Effect.gen(function* () {
      const store = yield* SessionStore
      const now = yield* Clock.currentTimeMillis
      yield* body(makeBench(store, now))
    })
  const register =
    (runs: boolean): Suite["test"] =>
    (name, body) =>
      it.runIf(runs)(name, { timeout: timeoutMillis }, ({ signal }) =>
        runWithStore(withBench(body), signal)
      )
  return { test: register(true), timed: register(clock === "test") }
}
