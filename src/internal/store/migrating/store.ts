/**
 * A store over two stores, for a migration that logs nobody out. It reads both, writes to the new one, and ends sessions
 * in both. How one session is copied is in `copy.ts`.
 */
import { randomBytes } from "node:crypto"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { SessionEntry, SessionRecord } from "../../../core/record/record.js"
import { SessionConfigError, type SessionStoreError } from "../../errors/errors.js"
import type { Overrides, Primitives } from "../contract.js"
import { ownRecord } from "../revocations.js"
import type { Stores } from "./copy.js"
import { findOrCopy, isHidden } from "./copy.js"

/** Makes the primitives and overrides of the store over `from` and `to`. */
export const makeMigrating = (stores: Stores): Primitives & Overrides => {
  const { from, to } = stores
  const isTaken = (id: string) => Effect.map(from.find(id), Option.isSome)
  const copyOne = (id: string) =>
    Effect.flatMap(isTaken(id), (isInFrom) =>
      isInFrom ? findOrCopy(stores, id) : Effect.succeedNone
    )
  // A request finds a session, and so copies it, before it writes. A write without a find copies it after a miss.
  const writeOrCopy = (id: string, write: Effect.Effect<boolean, SessionStoreError>) =>
    Effect.flatMap(write, (written) =>
      written
        ? Effect.succeed(true)
        : Effect.flatMap(copyOne(id), (found) =>
            Option.isSome(found) ? write : Effect.succeed(false)
          )
    )
  return {
    find: (id) => findOrCopy(stores, id),
    insert: (record) =>
      Effect.flatMap(isTaken(record.id), (taken) =>
        taken ? Effect.succeed(false) : to.insert(record)
      ),
    update: (record, expectedVersion) => writeOrCopy(record.id, to.update(record, expectedVersion)),
    move: (fromId, record, expectedVersion) =>
      Effect.flatMap(isTaken(record.id), (taken) =>
        taken
          ? Effect.succeed(false)
          : writeOrCopy(fromId, to.move(fromId, record, expectedVersion))
      ),
    touch: (id, version, lastActivityMillis, expiresAtMillis) =>
      Effect.zipRight(copyOne(id), to.touch(id, version, lastActivityMillis, expiresAtMillis)),
    // It is copied first, so that `to` knows the session and can keep it as ended. A session that cannot be copied is
    // ended, too. Here and below `from` comes first, so that a session that is copied meanwhile is met in `to`.
    remove: (id) =>
      both(Effect.zipRight(Effect.ignore(copyOne(id)), from.remove(id)), to.remove(id), endedEntry),
    entries: (filter) => listed(from.entries(filter), to.entries(filter)),
    removeWhere: (filter, options) =>
      both(from.removeWhere(filter, options), to.removeWhere(filter, options), sum),
    revokeUser: (options) => both(from.revokeUser(options), to.revokeUser(options), sum),
    revokedWithin: (options) =>
      Effect.flatMap(to.revokedWithin(options), (revoked) =>
        revoked ? Effect.succeed(true) : from.revokedWithin(options)
      ),
    collect: (limit) =>
      Effect.flatMap(from.collect(limit), (collected) =>
        collected < limit
          ? Effect.map(to.collect(limit - collected), (rest) => collected + rest)
          : Effect.succeed(collected)
      )
  }
}

/** Does both, the second even if the first fails: a session ends in each store that can be reached. */
const both = <A, E, B>(
  first: Effect.Effect<A, E>,
  second: Effect.Effect<A, E>,
  combine: (first: A, second: A) => B
): Effect.Effect<B, E> =>
  Effect.flatMap(Effect.either(first), (one) =>
    Effect.flatMap(second, (other) =>
      Either.isLeft(one) ? Effect.fail(one.left) : Effect.succeed(combine(one.right, other))
    )
  )

const sum = (first: number, second: number): number => first + second

type Ended = Option.Option<SessionEntry>

const endedEntry = (inFrom: Ended, inTo: Ended): Ended =>
  Option.filter(
    Option.orElse(inTo, () => inFrom),
    (entry) => !isHidden(entry)
  )

/** Lists each session once. A session that is copied while `from` is listed is met in `to`. */
const listed = <E>(
  from: Stream.Stream<SessionEntry, E>,
  to: Stream.Stream<SessionEntry, E>
): Stream.Stream<SessionEntry, E> =>
  Stream.suspend(() => {
    const seen = new Set<string | null>()
    const inFrom = Stream.filter(from, (entry) => {
      if (isHidden(entry)) return false
      seen.add(entry.id)
      return true
    })
    const inTo = Stream.filter(
      to,
      (entry) => !isHidden(entry) && !seen.has(entry.id) && !seen.has(entry.previousId)
    )
    return Stream.concat(inFrom, inTo)
  })

/** How many sessions are listed before they are copied, and how many copies run at the same time. */
const batchSize = 1000
const concurrency = 8

/** Copies all sessions that are still in `from`, and gives how many there were. */
export const copyAll = (stores: Stores): Effect.Effect<number, SessionStoreError> =>
  Effect.gen(function* () {
    yield* refuseOneStore(stores)
    const unreadable = new Set<string>()
    let previous = new Set<string>()
    let copied = 0
    for (;;) {
      // Read to the end before the first copy, so that no store is changed while it is listed.
      const batch = yield* stores.from.entries({}).pipe(
        Stream.filter(({ id }) => !unreadable.has(id) && !previous.has(id)),
        Stream.take(batchSize),
        Stream.runCollect
      )
      if (Chunk.isEmpty(batch)) return copied
      const ids = Chunk.toReadonlyArray(batch).map(({ id }) => id)
      const done = yield* Effect.forEach(ids, (id) => clearOne(stores, id), { concurrency })
      for (const [index, id] of ids.entries()) if (done[index] === false) unreadable.add(id)
      copied += done.filter((isDone) => isDone).length
      previous = new Set(ids)
    }
  })

/** Copies a session if it is not copied yet, and clears its record in `from`. `false` when it cannot be read. */
const clearOne = (stores: Stores, id: string): Effect.Effect<boolean, SessionStoreError> =>
  Effect.gen(function* () {
    yield* findOrCopy(stores, id)
    const rest = yield* stores.from.find(id)
    if (Option.exists(rest, (record) => record.id === id)) yield* stores.from.remove(id)
    return true
  }).pipe(
    Effect.catchIf(
      ({ reason }) => reason === "corrupt",
      () =>
        Effect.as(Effect.logWarning(`The session ${id} cannot be read and is not copied.`), false)
    )
  )

/** Dies when `from` and `to` are one store: the copy would remove its sessions from `from`, that is from `to`. */
const refuseOneStore = ({ from, to }: Stores): Effect.Effect<void, SessionStoreError> =>
  Effect.gen(function* () {
    const probe = yield* aProbe
    yield* to.insert(probe)
    const found = yield* Effect.ensuring(from.find(probe.id), Effect.ignore(to.remove(probe.id)))
    if (Option.isNone(found)) return
    const reason = "is the same store as `from`: there is nothing to copy."
    return yield* Effect.die(new SessionConfigError({ field: "to", reason }))
  })

/** Makes a record that no cookie leads to, to try a store with. */
export const aProbe: Effect.Effect<SessionRecord> = Effect.map(Clock.currentTimeMillis, (now) =>
  ownRecord({
    id: randomBytes(20).toString("hex"),
    namespace: "effect-session/probe",
    nowMillis: now,
    expiresAtMillis: now + 60_000,
    version: 1,
    payload: ""
  })
)
