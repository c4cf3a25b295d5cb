/**
 * The payload of a record: a state and the ids of recent commits as one JSON text, and back.
 *
 * Decoding checks every field it uses, because a payload may come from an older deploy, another program or a damaged
 * disk: what does not fit makes the whole payload invalid (`undefined`), never a half-read session.
 */

import { isList, isObject, type Json, maxDepth } from "../session/json.js"
import { isEmpty } from "../session/objects.js"
import { withoutExpired } from "../session/read.js"
import type { FlashEntry, Lifetime, Lock, State } from "../session/state.js"
import { commitIdLength, commitInstant, commitWriter, isOfWriter } from "./token.js"

/** How many top-level keys a session may hold. */
export const maxKeys = 256

/** How long a payload remembers the id of a commit. */
const commitMemoryMillis = 10_000

/** How many commit ids a payload remembers at most. They lie beside what `maxPayloadBytes` counts. */
const commitMemoryCount = 64

/** The client that a session was begun by: the one that logged in, before that the one that came first. */
export interface Origin {
  readonly ipAddress: string | null
  readonly userAgent: string | null
}

/** What a payload holds. */
export interface Envelope {
  readonly state: State
  /** The ids of the last commits of its recent writers, one after the other, the oldest first. */
  readonly commits: string
  readonly origin: Origin | null
}

/** Writes a payload as JSON text: `encodeState`, then `complete`. */
export const encode = ({ commits, origin, state }: Envelope, nowMillis: number): string =>
  complete(encodeState(state, nowMillis), commits, origin)

/**
 * Writes a state alone as JSON text, without expired keys and without what belongs to one request alone. Two states
 * whose texts are alike are stored alike.
 */
export const encodeState = (state: State, nowMillis: number): string => {
  const live = withoutExpired(state, nowMillis)
  return JSON.stringify({
    v: 1,
    d: live.data,
    f: isEmpty(live.flash) ? undefined : live.flash,
    t: isEmpty(live.ttl) ? undefined : live.ttl,
    c: live.csrfSecret,
    p: live.previousUrl ?? undefined,
    u: live.userId ?? undefined,
    l: live.lifetime ?? undefined,
    a: live.authenticatedAtMillis ?? undefined,
    s: live.absoluteFromMillis,
    k: live.lock === null ? undefined : [live.lock.owner, live.lock.untilMillis]
  })
}

/** Adds to the text of `encodeState` what is no part of the state, which makes it a payload. */
export const complete = (stateText: string, commits: string, origin: Origin | null): string => {
  const b = origin === null ? "" : `,"b":${JSON.stringify([origin.ipAddress, origin.userAgent])}`
  // The text is an object that has fields, so others go before its closing brace.
  // Ids need no escape, and `decode` takes no others.
  return `${stateText.slice(0, -1)}${b}${commits === "" ? "}" : `${commitsBegin}${commits}${commitsEnd}`}`
}

const commitsBegin = ',"o":"'
const commitsEnd = '"}'

/**
 * The ids with that of a new commit: of each writer of the last ten seconds the last one, and of 64 writers at most. A writer knows
 * what became of a commit before it begins another one, so nobody asks for an earlier one.
 */
export const remember = (ids: string, id: string | null, nowMillis: number): string => {
  if (id === null) return ids
  const recent = withoutOld(ids, nowMillis)
  const writer = commitWriter(id)
  for (let at = 0; at < recent.length; at += commitIdLength) {
    if (isOfWriter(recent, at, writer))
      return recent.slice(0, at) + recent.slice(at + commitIdLength) + id
  }
  return recent.slice(-(commitMemoryCount - 1) * commitIdLength) + id
}

/** Drops the ids that are over, which lie at the front, up to the first one that is not. */
const withoutOld = (ids: string, nowMillis: number): string => {
  // A clock that was wrong may have made some far in the future. What has no instant is over, too.
  const isRecent = (at: number) => Math.abs(commitInstant(ids, at) - nowMillis) < commitMemoryMillis
  let at = 0
  while (at < ids.length && !isRecent(at)) at += commitIdLength
  return ids.slice(at)
}

/** True when the two states would be stored alike. */
export const sameStored = (a: State, b: State, nowMillis: number): boolean =>
  a === b || encodeState(a, nowMillis) === encodeState(b, nowMillis)

/** Reads a payload; `undefined` when it is not one. Of a key that stands twice in an object the last counts. */
export const decode = (payload: string): Envelope | undefined => {
  const parsed = parse(payload)
  if (!isObject(parsed) || parsed.v !== 1 || !isStorable(parsed, maxPayloadDepth)) return undefined
  const { a, b, c, d, f, k, l, o, p, s, t, u } = parsed
  if (!isObject(d) || typeof c !== "string" || typeof s !== "number") return undefined
  const flash = decodeFlash(f)
  const ttl = decodeTtl(t)
  const commits = decodeCommits(o, payload)
  const origin = decodeOrigin(b)
  const lifetime = decodeLifetime(l)
  const lock = decodeLock(k)
  if (flash === undefined || ttl === undefined || lock === undefined) return undefined
  if (commits === undefined || origin === undefined || lifetime === undefined) return undefined
  if (!isOptional(p, "string") || !isOptional(u, "string") || !isOptional(a, "number")) {
    return undefined
  }
  const state: State = {
    data: d,
    flash,
    now: {},
    ttl,
    csrfSecret: c,
    previousUrl: p ?? null,
    userId: u ?? null,
    lifetime,
    authenticatedAtMillis: a ?? null,
    absoluteFromMillis: s,
    lock
  }
  return { state, commits, origin }
}

const parse = (text: string): Json | undefined => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** How deep a payload can be: its own object, the flash, an entry of it, then the value. */
const maxPayloadDepth = maxDepth + 3

/**
 * True for what this library can have written. JSON text from elsewhere may be nested without end, hold a key
 * `__proto__`, or a number that is infinite once it is read; none of them may reach the code of an application.
 */
const isStorable = (value: Json, levels: number): boolean => {
  if (typeof value === "number") return Number.isFinite(value)
  if (typeof value !== "object" || value === null) return true
  if (levels === 0) return false
  if (isList(value)) {
    for (const item of value) if (!isStorable(item, levels - 1)) return false
    return true
  }
  // Every payload comes through here: `in` is the fastest way over keys, and JSON text makes no inherited ones.
  for (const key in value) {
    if (key === "__proto__" || !isStorable(value[key] as Json, levels - 1)) return false
  }
  return true
}

function isOptional(value: Json | undefined, type: "string"): value is string | undefined
function isOptional(value: Json | undefined, type: "number"): value is number | undefined
function isOptional(value: Json | undefined, type: string): boolean {
  return value === undefined || typeof value === type
}

const decodeFlash = (value: Json | undefined): Readonly<Record<string, FlashEntry>> | undefined => {
  if (value === undefined) return {}
  if (!isObject(value)) return undefined
  for (const entry of Object.values(value)) {
    if (!isObject(entry) || typeof entry.id !== "string" || entry.value === undefined) {
      return undefined
    }
  }
  // Every entry was checked just above.
  return value as unknown as Readonly<Record<string, FlashEntry>>
}

const decodeTtl = (value: Json | undefined): Readonly<Record<string, number>> | undefined => {
  if (value === undefined) return {}
  if (!isObject(value)) return undefined
  if (Object.values(value).some((instant) => typeof instant !== "number")) return undefined
  // Every value was checked just above.
  return value as Readonly<Record<string, number>>
}

const decodeCommits = (value: Json | undefined, payload: string): string | undefined => {
  if (value === undefined) return ""
  if (typeof value !== "string" || value.length % commitIdLength !== 0) return undefined
  // What stands at the end as `complete` writes it can be written so again. To look at each character would cost more than the rest.
  const at = payload.length - value.length - commitsEnd.length
  const isWritten =
    payload.startsWith(value, at) &&
    payload.startsWith(commitsBegin, at - commitsBegin.length) &&
    payload.endsWith(commitsEnd)
  return isWritten || /^[\w-]*$/.test(value) ? value : undefined
}

const decodeLock = (value: Json | undefined): Lock | null | undefined => {
  if (value === undefined) return null
  if (!isList(value)) return undefined
  const [owner, untilMillis] = value
  return typeof owner === "string" && typeof untilMillis === "number"
    ? { owner, untilMillis }
    : undefined
}

const decodeOrigin = (value: Json | undefined): Origin | null | undefined => {
  if (value === undefined) return null
  if (!isList(value)) return undefined
  const [ipAddress = null, userAgent = null] = value
  if (ipAddress !== null && typeof ipAddress !== "string") return undefined
  if (userAgent !== null && typeof userAgent !== "string") return undefined
  return { ipAddress, userAgent }
}

const decodeLifetime = (value: Json | undefined): Lifetime | undefined => {
  if (value === undefined) return null
  if (value === "browser") return "browser"
  return typeof value === "number" && value > 0 ? value : undefined
}

/** The number of top-level keys that a state stores at an instant, data and flash together. */
export const keyCount = (state: State, nowMillis: number): number =>
  Object.keys(withoutExpired(state, nowMillis).data).length + Object.keys(state.flash).length
