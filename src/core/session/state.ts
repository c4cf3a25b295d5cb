/**
 * What a session is during a request, as immutable data, and how it is read. Nothing here changes a state: that is
 * `operation.ts`. Times are milliseconds since the Unix epoch; `nowMillis` is always handed in.
 */
import type { Json, JsonObject } from "./json.js"
import { get as getPath } from "./path.js"

/** A flashed value. The id tells one flash from a later one of the same name. */
export interface FlashEntry {
  readonly id: string
  readonly value: Json
}

/** How long a session lives: as configured (`null`), until the browser ends, or for this many milliseconds. */
export type Lifetime = null | "browser" | number

/** True for a lifetime a session can have and a payload can hold. */
export const isLifetime = (lifetime: Lifetime): boolean =>
  typeof lifetime !== "number" || (lifetime > 0 && Number.isFinite(lifetime))

/** The state of a session. */
export interface State {
  readonly data: JsonObject
  /** Survives one request more. The name `oldInput` cannot collide with a key: keys have no empty segment. */
  readonly flash: Readonly<Record<string, FlashEntry>>
  /** Flash of this request alone; never stored. */
  readonly now: Readonly<Record<string, FlashEntry>>
  /** Instant of expiry by top-level key. */
  readonly ttl: Readonly<Record<string, number>>
  readonly csrfSecret: string
  readonly previousUrl: string | null
  readonly userId: string | null
  readonly lifetime: Lifetime
  /** The last login; `null` for a guest. */
  readonly authenticatedAtMillis: number | null
  /** Where the absolute timeout counts from: the login, before that the creation. */
  readonly absoluteFromMillis: number
}

/** The flash name of `flashInput`. */
export const oldInput = ""

// States are never changed, so all that begin share what they do not have yet.
const nothing = Object.freeze({})

/** The state of a session that begins now. */
export const initial = (csrfSecret: string, nowMillis: number): State => ({
  data: nothing,
  flash: nothing,
  now: nothing,
  ttl: nothing,
  csrfSecret,
  previousUrl: null,
  userId: null,
  lifetime: null,
  authenticatedAtMillis: null,
  absoluteFromMillis: nowMillis
})

/** True when the top-level key has a TTL that is over. */
export const isExpiredKey = (state: State, name: string, nowMillis: number): boolean => {
  if (!Object.hasOwn(state.ttl, name)) return false
  return (state.ttl[name] as number) <= nowMillis
}

/** The flash entry that shadows the top-level key, this request's own before a stored one. */
export const flashOf = (state: State, name: string): FlashEntry | undefined => {
  if (Object.hasOwn(state.now, name)) return state.now[name]
  return Object.hasOwn(state.flash, name) ? state.flash[name] : undefined
}

/** Reads a path as every reader sees it: live flash before data, nothing expired. `undefined` when missing. */
export const read = (
  state: State,
  path: ReadonlyArray<string>,
  nowMillis: number
): Json | undefined => {
  const name = path[0] as string
  const entry = flashOf(state, name)
  if (entry !== undefined) return getPath({ [name]: entry.value }, path)
  return isExpiredKey(state, name, nowMillis) ? undefined : getPath(state.data, path)
}

/** All user data and live flash values, by top-level key. */
export const all = (state: State, nowMillis: number): JsonObject => {
  const result: Record<string, Json> = {}
  for (const name of Object.keys(state.data)) {
    if (!isExpiredKey(state, name, nowMillis)) result[name] = state.data[name] as Json
  }
  for (const entries of [state.flash, state.now]) {
    for (const name of Object.keys(entries)) {
      if (name !== oldInput) result[name] = (entries[name] as FlashEntry).value
    }
  }
  return result
}

/**
 * The state a request goes on with once `stored` is what the store has: flash it was shown stays readable to its end,
 * even when this commit or that of a parallel request has aged it.
 */
export const carryOn = (shown: State, stored: State): State => {
  if (isEmpty(shown.flash) && isEmpty(shown.now) && isEmpty(stored.now)) return stored
  const left = flashIds(stored)
  const aged = Object.entries(shown.flash).filter(([, entry]) => !left.includes(entry.id))
  const now = aged.length === 0 ? shown.now : { ...Object.fromEntries(aged), ...shown.now }
  return { ...stored, now }
}

/** The state without what is for one request alone. */
export const withoutNow = (state: State): State =>
  isEmpty(state.now) ? state : { ...state, now: nothing }

const noIds: ReadonlyArray<string> = []

/** The ids of the stored flash entries. */
export const flashIds = (state: State): ReadonlyArray<string> =>
  isEmpty(state.flash) ? noIds : Object.values(state.flash).map((entry) => entry.id)

/** The state without keys that expired; the same state when none did. */
export const withoutExpired = (state: State, nowMillis: number): State => {
  if (isEmpty(state.ttl)) return state
  const expired = Object.keys(state.ttl).filter((name) => isExpiredKey(state, name, nowMillis))
  if (expired.length === 0) return state
  return { ...state, data: omit(state.data, expired), ttl: omit(state.ttl, expired) }
}

/** True for a record without keys. */
export const isEmpty = (record: Readonly<Record<string, unknown>>): boolean => {
  for (const _ in record) return false
  return true
}

/** A copy of a record without some of its own keys; the same record when it has none of them. */
export const omit = <A>(
  record: Readonly<Record<string, A>>,
  names: ReadonlyArray<string>
): Readonly<Record<string, A>> => {
  if (!names.some((name) => Object.hasOwn(record, name))) return record
  const result: Record<string, A> = { ...record }
  for (const name of names) delete result[name]
  return result
}
