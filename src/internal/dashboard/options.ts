/** What a dashboard is given, and what it is made of it. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { AuditEntry } from "../../SessionEvents.js"
import type { SessionStore } from "../../SessionStore.js"
import { SessionConfigError } from "../errors/errors.js"
import { type Counting, counter } from "./counting.js"
import { type Links, linksBelow, type Path } from "./links.js"

/**
 * What a dashboard shows, where, and to whom.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options<E = never, R = never, NamesR = never, HistoryR = never> {
  /**
   * The path of the page as a browser sees it, such as `/admin/sessions`. The other pages lie below it.
   *
   * Throws a `SessionConfigError` where it ends with `/` or has other characters than letters, digits, `/`, `-`, `_`, `.` and `~`.
   */
  readonly path: Path
  /**
   * Runs before every page, and nothing is asked of the store before it succeeds. It succeeds with the name or id of the
   * operator, who is the `actor` of the events. It fails with what the app answers to everybody else: a `HttpServerResponse`,
   * or an error of the app.
   */
  readonly guard: Effect.Effect<string, E, R>
  /** The way back to the app, in the header of every page. Default: none. */
  readonly home?: { readonly href: string; readonly title: string } | undefined
  /** Which sessions it is about. Default `session`. */
  readonly namespace?: string | undefined
  /**
   * Finds the names of users, to be shown with their ids. It is asked once for each page, with each id once. A user without
   * a name is shown by the id. Where it fails, the page shows ids and the failure is logged.
   */
  readonly namesOf?:
    | ((
        userIds: ReadonlyArray<string>
      ) => Effect.Effect<ReadonlyMap<string, string>, unknown, NamesR>)
    | undefined
  /**
   * Finds what happened to a session, the oldest event first, to be shown on its page. With the audit log of `SessionEvents` in
   * a file it is `SessionEvents.readAuditLog(path)`. Where it fails, the page says so and the failure is logged.
   */
  readonly history?:
    | ((id: string) => Effect.Effect<ReadonlyArray<AuditEntry>, unknown, HistoryR>)
    | undefined
}

/** The names of users by their ids. */
export type Names = ReadonlyMap<string, string>

/** A dashboard: what its pages need to answer a request. */
export interface Dashboard<R> {
  readonly links: Links
  readonly home: Options["home"]
  readonly namespace: string
  readonly namesOf: (userIds: Iterable<string>) => Effect.Effect<Names, never, R>
  /** The life of a session; none where it cannot be read. */
  readonly history:
    | ((id: string) => Effect.Effect<Option.Option<ReadonlyArray<AuditEntry>>, never, R>)
    | undefined
  readonly counting: Effect.Effect<Counting, never, SessionStore>
}

/** Checks the options. Throws a `SessionConfigError` where the path is none. */
export const prepare = <E, R, NamesR, HistoryR>({
  history,
  home,
  namesOf,
  namespace = "session",
  path
}: Options<E, R, NamesR, HistoryR>): Dashboard<NamesR | HistoryR> => {
  if (!/^(?:\/|(?:\/[\w.~-]+)+)$/.test(path)) {
    const reason = `must be a path such as "/admin/sessions", without "/" at its end: "${path}" is none.`
    throw new SessionConfigError({ field: "path", reason })
  }
  return {
    links: linksBelow(path),
    home,
    namespace,
    namesOf: (userIds) => {
      const ids = [...new Set(userIds)]
      return namesOf === undefined || ids.length === 0
        ? Effect.succeed(new Map())
        : Effect.map(
            orNone(
              "The names of users could not be found",
              Effect.suspend(() => namesOf(ids))
            ),
            Option.getOrElse((): Names => new Map())
          )
    },
    history:
      history === undefined
        ? undefined
        : (id) =>
            orNone(
              "The history of a session could not be read",
              Effect.suspend(() => history(id))
            ),
    counting: counter(namespace)
  }
}

/** What an effect gives; none where it fails or dies, which is logged. */
export const orNone = <A, E, R>(
  sentence: string,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<Option.Option<A>, never, R> =>
  Effect.asSome(effect).pipe(
    Effect.catchAllCause((cause) => Effect.as(Effect.logWarning(sentence, cause), Option.none()))
  )
