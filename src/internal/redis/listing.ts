/** The calls about many sessions, which go through an index page by page, so that none of them holds up the server for long. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { matches, type SessionEntry, type SessionFilter } from "../../core/record/record.js"
import { withNow } from "../effect/fiber.js"
import type { SessionStoreError } from "../errors/errors.js"
import { collectBySteps } from "../store/collectAll.js"
import type {
  EntryPage,
  NamespaceFilter,
  Overrides,
  Primitives,
  Service
} from "../store/contract.js"
import type { Calls } from "./calls.js"
import { entryIn } from "./format.js"
import * as Scripts from "./scripts.js"

/** How many sessions the server reads in one step, which takes it about two milliseconds. */
const pageSize = 200

/** How many it ends in one step, which takes as long. */
const endedAtOnce = 50

/** Where a page begins: in an index, behind a member with a score, or at a score. */
interface Position {
  /** `l` is that of the numbers, `a` that of activity, `u` with the user that of the user's sessions. */
  readonly index: string
  readonly score: string
  readonly member: string
}

/** Lists the entries of a filter. */
export const entries =
  (calls: Calls): Primitives["entries"] =>
  (filter) =>
    Stream.flatMap(namespacesOf(calls, "entries", filter), (namespace) =>
      Stream.suspend(() => {
        const pages = new Pages(filter)
        return Stream.paginateChunkEffect(pages.first, (position) =>
          withNow((now) =>
            Effect.map(pageOf(calls, { ...filter, namespace }, position), ({ listed, next }) => {
              const fresh = pages.freshOf(position, listed)
              const matching = fresh.filter(({ entry }) => matches(filter, entry, now))
              const page = Chunk.unsafeFromArray(matching.map(({ entry }) => entry))
              return [page, pages.after(next)] as const
            })
          )
        )
      })
    )

/** Lists one page by number, the highest first. What the filter does not let through is passed over, step by step. */
export const page =
  (calls: Calls): NonNullable<Overrides["page"]> =>
  (filter, { after = "", limit }) =>
    withNow((now) => {
      const listed: Array<Listed> = []
      const step = (below: string): Effect.Effect<EntryPage, SessionStoreError> =>
        Effect.flatMap(pageBelow(calls, filter, below), ({ found, next }) => {
          for (const one of found) if (matches(filter, one.entry, now)) listed.push(one)
          return next !== "" && listed.length <= limit
            ? step(`(${next}`)
            : Effect.succeed(firstOf(listed, limit))
        })
      return step(/^\d{1,16}$/.test(after) ? `(${after}` : "+inf")
    })

/** The page that begins a list. One session more tells that there is another page. */
const firstOf = (listed: ReadonlyArray<Listed>, limit: number): EntryPage => {
  const last = listed.length > limit ? listed[limit - 1] : undefined
  return {
    entries: listed.slice(0, limit).map(({ entry }) => entry),
    next: Option.map(Option.fromNullable(last), ({ serial }) => serial)
  }
}

const pageBelow = ({ runLong }: Calls, { namespace, userId }: NamespaceFilter, below: string) =>
  Effect.flatMap(
    runLong("page", Scripts.pageBack, [namespace, userId ?? "", below, String(pageSize)]),
    (answer) => {
      const [next = "", ...texts] = textsIn(answer)
      return Effect.map(readable(texts), (found) => ({ found, next }))
    }
  )

interface Listed {
  readonly serial: string
  readonly entry: SessionEntry
}

/**
 * The pages of one listing. By activity, a session that is used comes again, further up. Where more come again than there are
 * sessions, they are used faster than they are listed, and the rest is listed by number, where each has its place.
 */
class Pages {
  readonly first: Position
  private readonly seen = new Set<string>()
  private again = 0

  constructor(filter: SessionFilter) {
    this.first = beginOf(filter)
  }

  /** What was not on an earlier page. */
  freshOf({ index }: Position, listed: ReadonlyArray<Listed>): ReadonlyArray<Listed> {
    // By number nothing comes twice.
    if (index !== "a" && this.seen.size === 0) return listed
    const fresh = listed.filter(({ serial }) => !this.seen.has(serial))
    if (index !== "a") return fresh
    for (const { serial } of fresh) this.seen.add(serial)
    this.again = fresh.length === 0 ? this.again + listed.length : 0
    return fresh
  }

  after(next: Option.Option<Position>): Option.Option<Position> {
    return Option.map(next, (position) =>
      position.index === "a" && this.again > this.seen.size ? beginByNumber : position
    )
  }
}

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

const beginByNumber: Position = { index: "l", score: "-inf", member: "" }

const beginOf = ({ activeSinceMillis, userId }: SessionFilter): Position => {
  if (userId !== undefined) return { ...beginByNumber, index: `u${userId}` }
  // No session that was active since then has a lower score.
  return activeSinceMillis === undefined
    ? beginByNumber
    : { index: "a", score: `${activeSinceMillis}`, member: "" }
}

const pageOf = ({ runLong }: Calls, filter: SessionFilter, position: Position) =>
  Effect.flatMap(
    runLong("entries", Scripts.page, argumentsOf(filter, position, pageSize)),
    (answer) => {
      const [score = "", member = "", ...texts] = textsIn(answer)
      const next = nextOf({ ...position, score, member })
      return Effect.map(readable(texts), (listed) => ({ listed, next }))
    }
  )

const argumentsOf = (
  { namespace = "" }: SessionFilter,
  { index, member, score }: Position,
  limit: number
) => [namespace, index, score, member, String(limit)]

const nextOf = (position: Position): Option.Option<Position> =>
  position.member === "" ? Option.none() : Option.some(position)

const textsIn = (answer: unknown): ReadonlyArray<string> =>
  Array.isArray(answer) ? answer.map(String) : []

/** Reads what can be read. A session that cannot is none for a listing, as it is none for `find`. */
const readable = (texts: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<Listed>> => {
  const listed: Array<Listed> = []
  for (let at = 0; at < texts.length; at += 2) {
    try {
      listed.push({ serial: texts[at] ?? "", entry: entryIn(texts[at + 1] ?? "") })
    } catch {
      // It is counted below.
    }
  }
  const left = texts.length / 2 - listed.length
  const warning = `${left} sessions in Redis cannot be read; a listing leaves them out.`
  return left === 0 ? Effect.succeed(listed) : Effect.as(Effect.logWarning(warning), listed)
}

/** Ends the live sessions that a filter lets through. */
export const removeWhere =
  (calls: Calls, operation = "removeWhere"): Service["removeWhere"] =>
  (filter, options) => {
    if (filter.state === "over") return Effect.succeed(0)
    const { activeSinceMillis = Number.MIN_SAFE_INTEGER, ...others } = filter
    const page = (namespace: string) => (position: Position) =>
      Effect.map(
        calls.runLong(operation, Scripts.removePage, [
          ...argumentsOf({ namespace }, position, endedAtOnce),
          String(activeSinceMillis),
          options?.except ?? ""
        ]),
        (answer) => {
          const [score = "", member = "", count] = textsIn(answer)
          return [Number(count), nextOf({ ...position, score, member })] as const
        }
      )
    return Stream.runSum(
      Stream.flatMap(namespacesOf(calls, operation, filter), (namespace) =>
        Stream.paginateEffect(beginOf(others), page(namespace))
      )
    )
  }

/** Collects at most `limit` sessions, and drops what the indexes still say of those that the server has deleted. */
export const collect =
  (calls: Calls): Service["collect"] =>
  (limit) =>
    Effect.flatMap(calls.runLong("collect", Scripts.namespaces, []), (names) =>
      collectBySteps(
        limit,
        textsIn(names).map((namespace) => (left) => collectIn(calls, namespace, left))
      )
    )

const collectIn = (
  calls: Calls,
  namespace: string,
  limit: number
): Effect.Effect<number, SessionStoreError> => {
  const most = Math.min(endedAtOnce, limit)
  return Effect.flatMap(
    calls.runLong("collect", Scripts.collect, [namespace, String(most)]),
    (answer) => {
      const [collected = 0, looked = 0] = textsIn(answer).map(Number)
      return looked < most || collected >= limit
        ? Effect.succeed(collected)
        : collectBySteps(limit, [
            () => Effect.succeed(collected),
            (left) => collectIn(calls, namespace, left)
          ])
    }
  )
}
