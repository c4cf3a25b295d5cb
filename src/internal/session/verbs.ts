/**
 * The verbs on data, flash and the previous URL. A verb checks its arguments, reads the state of the request's session, and
 * records what changes it. What does not fit is thrown as the error of the verb. `Session.ts` lifts verbs to Effects.
 */
import { cleanPreviousUrl } from "../../core/http/previousUrl.js"
import { makeEntryId } from "../../core/record/token.js"
import { flashOf, oldInput, shadowIds } from "../../core/session/flash.js"
import { copy, fromUnknown, isObject, type Json, type JsonObject } from "../../core/session/json.js"
import { own } from "../../core/session/objects.js"
import { adding, type Change, pushing } from "../../core/session/operation.js"
import * as Path from "../../core/session/path.js"
import { all as allOf, read } from "../../core/session/read.js"
import { withoutSecrets } from "../../core/session/secretFields.js"
import type { FlashEntry } from "../../core/session/state.js"
import { now } from "../commit/RequestContext.js"
import { type RequestSession, record, recordAll } from "../commit/RequestSession.js"
import {
  entriesOf,
  type Keys,
  keysOf,
  nameOf,
  pathOf,
  pathsOf,
  valueOf,
  wrongArgument
} from "./arguments.js"

type Segments = ReadonlyArray<string>

const at = (session: RequestSession, path: Segments): Json | undefined =>
  read(session.life.state, path, now(session.request))

/** The value itself, not a copy: only for code that does not hand it out. */
export const peek = (session: RequestSession, verb: string, key: Path.Key): Json | undefined =>
  at(session, pathOf(verb, key))

/** A copy of the value, or `undefined`. */
export const get = (session: RequestSession, verb: string, key: Path.Key): Json | undefined =>
  copied(peek(session, verb, key))

const copied = (value: Json | undefined): Json | undefined =>
  value === undefined ? undefined : copy(value)

/** User data and live flash values. */
export const all = (session: RequestSession): JsonObject =>
  copy(allOf(session.life.state, now(session.request)))

/** The data under some keys; a list stays a list, without gaps. */
export const only = (session: RequestSession, keys: Keys): JsonObject =>
  copy(Path.pick(allOf(session.life.state, now(session.request)), pathsOf("only", keys)))

/** The data without some keys. Indexes are those before anything is taken out. */
export const except = (session: RequestSession, keys: Keys): JsonObject =>
  copy(Path.removeAll(allOf(session.life.state, now(session.request)), pathsOf("except", keys)))

/** The questions about several keys: what each says to which of them are there. */
export const questions = {
  has: (there: ReadonlyArray<boolean>) => there.every(Boolean),
  hasAny: (there: ReadonlyArray<boolean>) => there.some(Boolean),
  exists: (there: ReadonlyArray<boolean>) => there.every(Boolean),
  missing: (there: ReadonlyArray<boolean>) => !there.some(Boolean)
}

/** Answers a question. Every key is read: the one that decides must not hide a bad one after it. */
export const ask = (session: RequestSession, verb: keyof typeof questions, keys: Keys): boolean =>
  questions[verb](pathsOf(verb, keys).map((path) => seenBy(verb, at(session, path)) !== undefined))

/** The verbs for which a stored null is as good as missing. */
const overlookNull = ["has", "hasAny", "push", "increment", "decrement", "remember"]

/** What a verb sees of a stored value. */
export const seenBy = (verb: string, value: Json | undefined): Json | undefined =>
  value === null && overlookNull.includes(verb) ? undefined : value

/** Stores a value; `ttlMillis` is the instant of its expiry. */
export const put = (
  session: RequestSession,
  verb: string,
  key: Path.Key,
  value: unknown,
  ttlMillis: number | null = null
): void => {
  const path = ttlMillis === null ? pathOf(verb, key) : [nameOf(verb, key)]
  record(session, verb, key, {
    _tag: "put",
    path,
    value: valueOf(session, verb, key, value),
    ttlMillis,
    seen: seenAt(session, [path]),
    atMillis: now(session.request)
  })
}

/** Stores every entry of an object, each key a path, or none where one is refused. */
export const putAll = (session: RequestSession, verb: string, object: object): void =>
  recordAll(session, () => {
    for (const [key, value] of entriesOf(verb, object)) put(session, verb, key, value)
  })

/** Clears the data and stores an object. */
export const replace = (session: RequestSession, object: object): void =>
  recordAll(session, () => {
    record(session, "replace", "", { _tag: "clearData" })
    putAll(session, "replace", object)
  })

/** The ids of the flash that the session shows in place of the data at some paths. */
const seenAt = ({ life }: RequestSession, paths: ReadonlyArray<Segments>): ReadonlyArray<string> =>
  // A path has at least one segment.
  shadowIds(
    life.state,
    paths.map((path) => path[0] as string)
  )

/** What an operation that reads a path needs: the flash seen there, and the instant. */
const reading = (session: RequestSession, path: Segments) => {
  const { state } = session.life
  return {
    path,
    seen: seenAt(session, [path]),
    own: own(state.now, path[0] as string),
    atMillis: now(session.request)
  }
}

/** Changes a value by a pure function and gives the new one. */
export const modify = (
  session: RequestSession,
  verb: string,
  key: Path.Key,
  change: Change
): Json => {
  const path = pathOf(verb, key)
  record(session, verb, key, { _tag: "modify", change, ...reading(session, path) })
  // The operation has just written it.
  return copy(at(session, path) as Json)
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

/** Stores a value where it is missing or null, and gives the one that is stored then. */
export const putMissing = (session: RequestSession, key: Path.Key, value: unknown): Json => {
  const path = pathOf("remember", key)
  record(session, "remember", key, {
    _tag: "putMissing",
    value: valueOf(session, "remember", key, value),
    ...reading(session, path)
  })
  // There is one now, written here or before.
  return copy(at(session, path) as Json)
}

/** Removes keys, flash too. */
export const forget = (session: RequestSession, verb: string, keys: Keys): void => {
  const paths = pathsOf(verb, keys)
  if (paths.length === 0) return
  record(session, verb, "", { _tag: "forget", paths, seen: seenAt(session, paths) })
}

/** Reads and removes. */
export const pull = (session: RequestSession, key: Path.Key): Json | undefined => {
  const value = get(session, "pull", key)
  if (value !== undefined) forget(session, "pull", [key])
  return value
}

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

/** Flashes every entry of an object, or none where one is refused. */
export const flashAll = (session: RequestSession, object: object): void =>
  recordAll(session, () => {
    for (const [key, value] of entriesOf("flash", object)) flash(session, "flash", key, value)
  })

/** Keeps flash values for one more request: the named ones, or all. */
export const keep = (session: RequestSession, keys: Keys): void => {
  const { state } = session.life
  const names =
    keys.length === 0
      ? Object.keys({ ...state.flash, ...state.now })
      : keysOf(keys).map((key) => nameOf("keep", key))
  for (const name of names) {
    const shown = flashOf(session.life.state, name)
    if (shown === undefined) continue
    const entry: FlashEntry = { id: makeEntryId(), value: shown.value }
    record(session, "keep", name, { _tag: "keep", name, entry, seen: seenAt(session, [[name]]) })
  }
}

/**
 * Flashes form input for the next request, without fields that are named like passwords or tokens. The names come from
 * outside, so none of them is an error.
 */
export const flashInput = (session: RequestSession, object: object): void => {
  const input = valueOf(session, "flashInput", "", object, "leaveOut")
  if (!isObject(input)) throw wrongArgument("flashInput", "it takes an object of fields")
  const entry: FlashEntry = { id: makeEntryId(), value: withoutSecrets(input) }
  record(session, "flashInput", "", { _tag: "flash", name: oldInput, entry })
}

/** Reads flashed form input: a text is the name of a field as it was sent, whatever it looks like. */
export const old = (session: RequestSession, key: Path.Key): Json | undefined => {
  const path = typeof key === "string" ? [key] : pathOf("old", key)
  const input = flashOf(session.life.state, oldInput)?.value
  if (!isObject(input)) return undefined
  return copied(Path.get(input, path))
}

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

/** The remembered URL, which is forgotten. */
export const pullPreviousUrl = (session: RequestSession): string | undefined => {
  const url = previousUrl(session)
  if (url !== undefined) record(session, "pullPreviousUrl", "", { _tag: "previousUrl", url: null })
  return url
}
