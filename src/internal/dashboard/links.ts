/** The addresses of the pages. What they are about stands in the query, so that any text can be said there. */

/** What an ending is about: one session, all sessions of a user, or those that a session's user has beside it. */
export type Target =
  | { readonly kind: "session"; readonly id: string }
  | { readonly kind: "user"; readonly userId: string }
  | { readonly kind: "others"; readonly id: string }

/** Which sessions a list shows, and from where. */
export interface Shown {
  readonly userId?: string | undefined
  readonly recent?: boolean | undefined
  readonly after?: string | undefined
}

/** A path as routers want it. */
export type Path = `/${string}`

/** The addresses of one dashboard. */
export interface Links {
  /** The path of the overview, which the pages of users and sessions are told apart from by their query. */
  readonly home: Path
  readonly style: Path
  /** The path of the page that asks before it ends something. */
  readonly ending: Path
  readonly list: (shown: Shown) => string
  readonly session: (id: string) => string
  readonly end: (target: Target) => string
  /** The page to be shown when so many sessions were ended. */
  readonly ended: (count: number, of: { userId?: string; session?: string }) => string
}

/** Makes the addresses below a path. */
export const linksBelow = (path: Path): Links => {
  const base = path === "/" ? "" : path
  const ending: Path = `${base}/end`
  return {
    home: path,
    style: `${base}/style.css`,
    ending,
    list: ({ after, recent, userId }) =>
      `${withQuery(path, { user: userId, active: recent === true ? "1" : undefined, after })}${after === undefined ? "" : "#sessions"}`,
    session: (id) => withQuery(path, { session: id }),
    end: (target) => withQuery(ending, queryOf(target)),
    ended: (count, { session, userId }) =>
      withQuery(path, { user: userId, session, ended: String(count) })
  }
}

type Query = Readonly<Record<string, string | undefined>>

const queryOf = (target: Target): Query =>
  target.kind === "user" ? { user: target.userId } : { [target.kind]: target.id }

const withQuery = (path: string, query: Query): string => {
  const given = Object.entries(query).filter(
    (entry): entry is [string, string] => entry[1] !== undefined
  )
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`
}

/** Reads from a query what is to be ended. */
export const targetOf = (query: URLSearchParams): Target | undefined => {
  const [userId, session, others] = ["user", "session", "others"].map((name) => query.get(name))
  if (userId) return { kind: "user", userId }
  if (session) return { kind: "session", id: session }
  return others ? { kind: "others", id: others } : undefined
}

/** The query of a URL. */
export const queryIn = (url: string): URLSearchParams => {
  const at = url.indexOf("?")
  return new URLSearchParams(at < 0 ? "" : url.slice(at))
}
