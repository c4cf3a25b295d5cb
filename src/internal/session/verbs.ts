/**
 * The operations on the session of a request, synchronous: they check keys and values, read the state, record what changes it. What does
 * not fit is thrown as the error of the public operation. `Session.ts` lifts them to Effects.
 */
import { makeSecret, mask, verify } from "../../core/http/csrf.js"
import { cleanPreviousUrl } from "../../core/http/previousUrl.js"
import { makeEntryId } from "../../core/record/token.js"
import { isFault } from "../../core/session/fault.js"
import { flashOf, oldInput, shadowIds } from "../../core/session/flash.js"
import { copy, fromUnknown, isObject, type Json, type JsonObject } from "../../core/session/json.js"
import { adding, type Change, pushing } from "../../core/session/operation.js"
import * as Path from "../../core/session/path.js"
import { all as allOf, read } from "../../core/session/read.js"
import { withoutSecrets } from "../../core/session/secretFields.js"
import type { FlashEntry, Lifetime } from "../../core/session/state.js"
import { now } from "../commit/RequestContext.js"
import {
  changeId,
  isRetired,
  type Life,
  type RequestSession,
  record,
  recordAll,
  startSession
} from "../commit/RequestSession.js"
import { SessionEncodeError } from "../errors/errors.js"
import { toSessionError } from "../errors/toSessionError.js"

/** Splits a key or throws. */
export const pathOf = (verb: string, key: Path.Key): ReadonlyArray<string> => {
  const path = Path.parse(key)
  if (isFault(path)) throw toSessionError(path, verb, Path.display(key))
  return path
}

const nameOf = (verb: string, key: Path.Key): string => {
  const name = Path.single(key)
  if (isFault(name)) throw toSessionError(name, verb, Path.display(key))
  return name
}

const valueOf = (session: RequestSession, verb: string, key: Path.Key, value: unknown): Json => {
  const json = fromUnknown(value, session.request.settings.maxPayloadBytes)
  if (isFault(json)) throw toSessionError(json, verb, Path.display(key))
  return json
}

/** The entries of an object that is given instead of a key and a value; those that are `undefined` are left out. */
export const entriesOf = (
  verb: string,
  object: object
): ReadonlyArray<readonly [string, unknown]> => {
  // A list or a Map has entries too, but not those that were meant.
  if (Object.prototype.toString.call(object) !== "[object Object]") {
    const reason = "it takes an object of entries, or a key and a value"
    throw new SessionEncodeError({ operation: verb, key: "", reason })
  }
  return Object.entries(object).filter(([, value]) => value !== undefined)
}

/** A list of keys however it was given. */
export type Keys = ReadonlyArray<Path.Key | ReadonlyArray<Path.Key>>

const keysOf = (keys: Keys): ReadonlyArray<Path.Key> =>
  // The two forms are told apart by `flat`.
  keys.flat() as ReadonlyArray<Path.Key>

const pathsOf = (verb: string, keys: Keys): ReadonlyArray<ReadonlyArray<string>> =>
  keysOf(keys).map((key) => pathOf(verb, key))

const at = (session: RequestSession, path: ReadonlyArray<string>): Json | undefined =>
  read(session.life.state, path, now(session.request))

/** The stored value itself: only for code that does not hand it out. */
export const peek = (session: RequestSession, verb: string, key: Path.Key): Json | undefined =>
  at(session, pathOf(verb, key))

/** A copy of the value, or `undefined`. */
export const get = (session: RequestSession, verb: string, key: Path.Key): Json | undefined => {
  const value = peek(session, verb, key)
  return value === undefined ? undefined : copy(value)
}

/** User data and live flash values. */
export const all = (session: RequestSession): JsonObject =>
  copy(allOf(session.life.state, now(session.request)))

/** The part of the data under some keys; a list stays a list, without gaps. */
export const only = (session: RequestSession, keys: Keys): JsonObject =>
  copy(Path.pick(allOf(session.life.state, now(session.request)), pathsOf("only", keys)))

/** The data without some keys, which name elements of a list as they stand before any is taken out. */
export const except = (session: RequestSession, keys: Keys): JsonObject =>
  copy(Path.removeAll(allOf(session.life.state, now(session.request)), pathsOf("except", keys)))

// The four below check every key before they read: the first that decides must not hide a bad one.

/** Whether every key is present and not null. */
export const has = (session: RequestSession, keys: Keys): boolean =>
  pathsOf("has", keys).every((path) => (at(session, path) ?? null) !== null)

/** Whether some key is present and not null. */
export const hasAny = (session: RequestSession, keys: Keys): boolean =>
  pathsOf("hasAny", keys).some((path) => (at(session, path) ?? null) !== null)

/** Whether every key is present, even if null. */
export const exists = (session: RequestSession, keys: Keys): boolean =>
  pathsOf("exists", keys).every((path) => at(session, path) !== undefined)

/** Whether every key is missing. */
export const missing = (session: RequestSession, keys: Keys): boolean =>
  pathsOf("missing", keys).every((path) => at(session, path) === undefined)

/** Stores a value; `ttlMillis` is the instant of its expiry. */
export const put = (
  session: RequestSession,
  key: Path.Key,
  value: unknown,
  ttlMillis: number | null = null
): void => {
  const path = ttlMillis === null ? pathOf("put", key) : [nameOf("put", key)]
  const json = valueOf(session, "put", key, value)
  const name = path[0] as string
  record(session, "put", key, {
    _tag: "put",
    path,
    value: json,
    ttlMillis,
    seen: shadowIds(session.life.state, [name]),
    atMillis: now(session.request)
  })
}

/** Stores every entry of an object, each key a path; checks all of them before the first is stored. */
export const putAll = (session: RequestSession, verb: string, object: object): void => {
  const entries = entriesOf(verb, object).map(([key, value]) => {
    pathOf(verb, key)
    return [key, valueOf(session, verb, key, value)] as const
  })
  recordAll(session, () => {
    for (const [key, value] of entries) put(session, key, value)
  })
}

/** Clears the data and stores an object. */
export const replace = (session: RequestSession, object: object): void =>
  recordAll(session, () => {
    record(session, "replace", "", { _tag: "clearData" })
    putAll(session, "replace", object)
  })

/** The flash in whose shadow an operation reads a path. */
const shadow = (session: RequestSession, path: ReadonlyArray<string>) => {
  const name = path[0] as string
  const own = Object.hasOwn(session.life.state.now, name) ? session.life.state.now[name] : undefined
  return { seen: shadowIds(session.life.state, [name]), own }
}

/** Changes a value by a pure function and gives the new one. */
export const modify = (
  session: RequestSession,
  verb: string,
  key: Path.Key,
  change: Change
): Json => {
  const path = pathOf(verb, key)
  record(session, verb, key, {
    _tag: "modify",
    path,
    change,
    ...shadow(session, path),
    atMillis: now(session.request)
  })
  return copy(read(session.life.state, path, now(session.request)) as Json)
}

/** A change from a function over JSON, whose result is checked. */
export const changing =
  (session: RequestSession, change: (current: Json | undefined) => unknown): Change =>
  (current) =>
    // A fault, not an exception: on a newer state it makes the commit a conflict.
    fromUnknown(
      change(current === undefined ? undefined : copy(current)),
      session.request.settings.maxPayloadBytes
    )

/** Appends to a list. */
export const push = (session: RequestSession, key: Path.Key, value: unknown): void => {
  modify(session, "push", key, pushing(valueOf(session, "push", key, value)))
}

/** Adds to a number. */
export const add = (session: RequestSession, verb: string, key: Path.Key, by: number): number =>
  // Adding gives a number or a fault, which is thrown.
  modify(session, verb, key, adding(by)) as number

/** Stores a value unless one is there by then. */
export const putMissing = (session: RequestSession, key: Path.Key, value: unknown): Json => {
  const path = pathOf("remember", key)
  record(session, "remember", key, {
    _tag: "putMissing",
    path,
    value: valueOf(session, "remember", key, value),
    ...shadow(session, path),
    atMillis: now(session.request)
  })
  return copy(read(session.life.state, path, now(session.request)) as Json)
}

/** Removes keys, flash too. */
export const forget = (session: RequestSession, verb: string, keys: Keys): void => {
  const paths = pathsOf(verb, keys)
  if (paths.length === 0) return
  const names = paths.map((path) => path[0] as string)
  record(session, verb, "", { _tag: "forget", paths, seen: shadowIds(session.life.state, names) })
}

/** Reads and removes. */
export const pull = (session: RequestSession, key: Path.Key): Json | undefined => {
  const value = get(session, "pull", key)
  if (value !== undefined) forget(session, "pull", [key])
  return value
}

/** Clears everything that belongs to the visitor; the id stays. */
export const flush = (session: RequestSession): void =>
  record(session, "flush", "", { _tag: "flush", csrfSecret: makeSecret() })

/** Flashes a value for this request and the next (`flash`), or for this one alone (`now`). */
export const flash = (
  session: RequestSession,
  kind: "flash" | "now",
  key: Path.Key,
  value: unknown
): void => {
  const name = nameOf(kind, key)
  const entry: FlashEntry = { id: makeEntryId(), value: valueOf(session, kind, key, value) }
  record(session, kind, name, { _tag: kind, name, entry })
}

/** Flashes every entry of an object, checking all before the first. */
export const flashAll = (session: RequestSession, object: object): void => {
  const entries = entriesOf("flash", object).map(
    ([key, value]) => [nameOf("flash", key), valueOf(session, "flash", key, value)] as const
  )
  for (const [name, value] of entries) flash(session, "flash", name, value)
}

/** Keeps flash values one request more: the named ones, or all. */
export const keep = (session: RequestSession, keys: Keys): void => {
  const names =
    keys.length === 0
      ? [
          ...new Set([
            ...Object.keys(session.life.state.flash),
            ...Object.keys(session.life.state.now)
          ])
        ]
      : keysOf(keys).map((key) => nameOf("keep", key))
  for (const name of names) {
    const shown = flashOf(session.life.state, name)
    if (shown === undefined) continue
    const entry: FlashEntry = { id: makeEntryId(), value: shown.value }
    record(session, "keep", name, {
      _tag: "keep",
      name,
      entry,
      seen: shadowIds(session.life.state, [name])
    })
  }
}

/** Flashes form input for the next request, without what looks like a password or a token. */
export const flashInput = (session: RequestSession, object: object): void => {
  const input = valueOf(session, "flashInput", "", object)
  if (!isObject(input)) {
    const reason = "it takes an object of fields"
    throw new SessionEncodeError({ operation: "flashInput", key: "", reason })
  }
  const entry: FlashEntry = { id: makeEntryId(), value: withoutSecrets(input) }
  record(session, "flashInput", "", { _tag: "flash", name: oldInput, entry })
}

/** Reads flashed form input. */
export const old = (session: RequestSession, key: Path.Key): Json | undefined => {
  const path = pathOf("old", key)
  const input = flashOf(session.life.state, oldInput)?.value
  if (!isObject(input)) return undefined
  const value = Path.get(input, path)
  return value === undefined ? undefined : copy(value)
}

/** Makes sure that a session is stored, even an empty one. */
export const start = (session: RequestSession): void => startSession(session, "start")

/** A new id and CSRF token; the old id is quarantined. */
export const regenerate = (
  session: RequestSession,
  reason: "regenerate" | "invalidate"
): string => {
  if (reason === "regenerate") start(session)
  record(session, reason, "", { _tag: "csrf", secret: makeSecret() })
  return changeId(session, "quarantine", reason)
}

/** A new id; the old one stays an alias for a while, or is quarantined with `destroy`. */
export const migrate = (session: RequestSession, destroy: boolean): string => {
  const { life } = session
  if (isRetired(life) || (!destroy && isOnTheMove(life))) return life.id
  startSession(session, "migrate")
  return changeId(session, destroy ? "quarantine" : "alias", "migrate")
}

/** True while the client's id leads to a newer one, which it has not been handed yet. */
const isOnTheMove = ({ change, position: { stored, tokenFrom } }: Life): boolean =>
  change !== null ||
  tokenFrom === "alias" ||
  (tokenFrom === "here" && stored?.record.previous?.kind === "alias")

/** Clears everything and gives a new id. */
export const invalidate = (session: RequestSession): string => {
  flush(session)
  return regenerate(session, "invalidate")
}

/** A masked CSRF token; there is a session from then on. */
export const csrfToken = (session: RequestSession): string => {
  if (session.life.phase === "open") startSession(session, "csrfToken")
  return mask(session.life.state.csrfSecret)
}

/** Whether a token was made from this session's secret. */
export const verifyToken = (session: RequestSession, token: string): boolean =>
  verify(session.life.state.csrfSecret, token)

/** A new CSRF secret. */
export const regenerateToken = (session: RequestSession): void =>
  record(session, "regenerateToken", "", { _tag: "csrf", secret: makeSecret() })

/** Remembers a URL of this origin; `false` when it is not one. */
export const setPreviousUrl = (session: RequestSession, url: string, origin?: string): boolean => {
  const clean =
    typeof url === "string" ? cleanPreviousUrl(url, origin ?? ownOrigin(session, url)) : undefined
  if (clean === undefined) return false
  if (session.life.state.previousUrl !== clean) {
    record(session, "setPreviousUrl", "", { _tag: "previousUrl", url: clean })
  }
  return true
}

/** This request's own origin, with the scheme of the URL: a proxy may hide which one the browser sees. */
const ownOrigin = (session: RequestSession, url: string): string | undefined => {
  const scheme = /^https?:/i.exec(url)?.[0]
  const host = scheme === undefined ? undefined : session.request.host?.()
  return host === undefined ? undefined : `${scheme}//${host}`
}

/** The remembered URL, checked again. */
export const previousUrl = (session: RequestSession): string | undefined =>
  session.life.state.previousUrl === null
    ? undefined
    : cleanPreviousUrl(session.life.state.previousUrl)

/** How long this session lives from now on. */
export const setLifetime = (session: RequestSession, lifetime: Lifetime): void =>
  record(session, "setLifetime", "", { _tag: "lifetime", lifetime })
