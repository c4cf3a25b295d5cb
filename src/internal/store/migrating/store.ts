/**
 * A store over two stores, for a migration that logs nobody out. It reads both, writes to the new one, and ends sessions
 * in both. How one session is handed over is in `handover.ts`.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { SessionEntry } from "../../../core/record/record.js"
import type { SessionStoreError } from "../../errors/errors.js"
import { collectBySteps } from "../collectAll.js"
import type { Overrides, Primitives } from "../contract.js"
import { findOrCopy, isHidden, type Stores } from "./handover.js"

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
    collect: (limit) => collectBySteps(limit, [from.collect, to.collect])
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
