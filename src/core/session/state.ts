/**
 * What a session is during a request, as immutable data. `read.ts` reads a state, `operation.ts` makes the next one. Times
 * are milliseconds since the Unix epoch.
 */
import type { Json, JsonObject } from "./json.js"

/** A flashed value. The id tells one flash from a later one of the same name. */
export interface FlashEntry {
  readonly id: string
  readonly value: Json
}

/** Flashed values by name. */
export type FlashEntries = Readonly<Record<string, FlashEntry>>

/** How long a session lives: as configured (`null`), until the browser ends, or for this many milliseconds. */
export type Lifetime = null | "browser" | number

/** True for a lifetime that a session can have and a payload can hold. */
export const isLifetime = (lifetime: Lifetime): boolean =>
  typeof lifetime !== "number" || (lifetime > 0 && Number.isFinite(lifetime))

/** The lock of a session: one request of it runs at a time while it is held. */
export interface Lock {
  readonly owner: string
  /** The lock lapses at this instant, whether or not its owner has ended. */
  readonly untilMillis: number
}

/** The state of a session. */
export interface State {
  readonly data: JsonObject
  /** Lives for one more request. The name `oldInput` cannot collide with a key: keys have no empty segment. */
  readonly flash: FlashEntries
  /** Flash of this request alone; never stored. */
  readonly now: FlashEntries
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
  readonly lock: Lock | null
}

// States are never changed, so all empty ones share this.
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
  absoluteFromMillis: nowMillis,
  lock: null
})
