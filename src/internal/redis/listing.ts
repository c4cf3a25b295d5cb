/** The calls about many sessions, which go through an index page by page, so that none of them holds up the server for long. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { matches, type SessionEntry, type SessionFilter } from "../../core/record/record.js"
import { withNow } from "../effect/fiber.js"
import type { SessionStoreError } from "../errors/errors.js"
import type { Primitives, Service } from "../store/contract.js"
import type { Calls } from "./calls.js"
import { entryIn } from "./format.js"
import * as Scripts from "./scripts.js"

/** How many sessions the server reads in one step, which takes it about two milliseconds. */
const pageSize = 200

/** How many it ends in one step, which takes as long. */
const endedAtOnce = 50

/** Where a page begins: behind a member of the index with a score, or at a score. */
interface Position {
  readonly score: string
  readonly member: string
}

/** Lists the entries of a filter. */
export const entries =
  (calls: Calls): Primitives["entries"] =>
  (filter) =>
    Stream.flatMap(namespacesOf(calls, "entries", filter), (namespace) =>
      Stream.suspend(() => {
        // A session that is used while it is listed comes again, further up, maybe by another id.
        const seen = new Set<string>()
        return Stream.paginateChunkEffect(beginOf(filter), (position) =>
          withNow((now) =>
            Effect.flatMap(pageOf(calls, { ...filter, namespace }, position), ({ next, texts }) =>
              Effect.map(readable(texts), (listed) => {
                const fresh = listed.filter(({ entry, firstId }) => {
                  if (seen.has(firstId) || !matches(filter, entry, now)) return false
                  seen.add(firstId)
                  return true
                })
                const entriesOfPage = Chunk.unsafeFromArray(fresh.map(({ entry }) => entry))
                return [entriesOfPage, next] as const
              })
            )
          )
        )
      })
    )

const namespacesOf = (
  { runLong }: Calls,
  operation: string,
  { namespace }: SessionFilter
): Stream.Stream<string, SessionStoreError> =>
  namespace !== undefined
    ? Stream.succeed(namespace)
    : Stream.unwrap(
        Effect.map(runLong(operation, Scripts.namespaces, []), (names) =>
          Stream.fromIterable(textsIn(names))
        )
      )

/** No session that was active since an instant has a lower score. */
const beginOf = ({ activeSinceMillis }: SessionFilter): Position => ({
  score: activeSinceMillis === undefined ? "-inf" : String(activeSinceMillis),
  member: ""
})

const pageOf = ({ runLong }: Calls, filter: SessionFilter, position: Position) =>
  Effect.map(
    runLong("entries", Scripts.page, argumentsOf(filter, position, pageSize)),
    (answer) => {
      const [score = "", member = "", ...texts] = textsIn(answer)
      return { texts, next: nextOf(score, member) }
    }
  )

const argumentsOf = (
  { namespace = "", userId }: SessionFilter,
  { member, score }: Position,
  limit: number
) => [namespace, userId === undefined ? "" : `:${userId}`, score, member, String(limit)]

const nextOf = (score: string, member: string): Option.Option<Position> =>
  member === "" ? Option.none() : Option.some({ score, member })

const textsIn = (answer: unknown): ReadonlyArray<string> =>
  Array.isArray(answer) ? answer.map(String) : []

interface Listed {
  readonly entry: SessionEntry
  readonly firstId: string
}

/** Reads what can be read. A session that cannot is none for a listing, as it is none for `find`. */
const readable = (texts: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<Listed>> => {
  const listed: Array<Listed> = []
  for (const text of texts) {
    try {
      listed.push(entryIn(text))
    } catch {
      // It is counted below.
    }
  }
  const left = texts.length - listed.length
  const warning = `${left} sessions in Redis cannot be read; a listing leaves them out.`
  return left === 0 ? Effect.succeed(listed) : Effect.as(Effect.logWarning(warning), listed)
}

/** Ends the live sessions that a filter lets through. */
export const removeWhere =
  (calls: Calls, operation = "removeWhere"): Service["removeWhere"] =>
  (filter, options) => {
    if (filter.state === "over") return Effect.succeed(0)
    const { activeSinceMillis = Number.MIN_SAFE_INTEGER } = filter
    const page = (namespace: string) => (position: Position) =>
      Effect.map(
        calls.runLong(operation, Scripts.removePage, [
          ...argumentsOf({ ...filter, namespace }, position, endedAtOnce),
          String(activeSinceMillis),
          options?.except ?? ""
        ]),
        (answer) => {
          const [score = "", member = "", count] = textsIn(answer)
          return [Number(count), nextOf(score, member)] as const
        }
      )
    return Stream.runSum(
      Stream.flatMap(namespacesOf(calls, operation, filter), (namespace) =>
        Stream.paginateEffect(beginOf(filter), page(namespace))
      )
    )
  }

/** Collects at most `limit` sessions, and drops what the indexes still say of those that the server has deleted. */
export const collect =
  (calls: Calls): Service["collect"] =>
  (limit) =>
    Effect.gen(function* () {
      let count = 0
      const names = textsIn(yield* calls.runLong("collect", Scripts.namespaces, []))
      for (const namespace of names) {
        for (let seen = endedAtOnce; seen === endedAtOnce && count < limit; ) {
          const most = Math.min(endedAtOnce, limit - count)
          const answer = yield* calls.runLong("collect", Scripts.collect, [namespace, String(most)])
          const [collected, looked] = textsIn(answer).map(Number)
          count += collected ?? 0
          seen = looked === most ? endedAtOnce : 0
        }
      }
      return count
    })
