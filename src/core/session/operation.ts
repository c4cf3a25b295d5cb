/**
 * The operations of a session as data, and `apply`, which runs one on a state.
 *
 * An operation is recorded with all it needs (instants, ids, secrets), so that running it again on a newer state does the
 * same there.
 *
 * `seen` has the ids of the flash entries that were shown in place of the operation's keys when it was recorded. It reads and
 * removes only those, never a flash that a parallel request has set meanwhile. `own` is such an entry of this request alone;
 * it is not stored, so an operation that reads brings it along.
 */

import { Fault, isFault } from "./fault.js"
import { isDeeperThan, isList, type Json, maxDepth, tooDeep } from "./json.js"
import { omit, own } from "./objects.js"
import * as Path from "./path.js"
import { isExpiredKey } from "./read.js"
import {
  type FlashEntries,
  type FlashEntry,
  isLifetime,
  type Lifetime,
  type State
} from "./state.js"

type Segments = ReadonlyArray<string>
type Seen = ReadonlyArray<string>

/** What is written at a path. */
interface Writing {
  readonly path: Segments
  readonly seen: Seen
  readonly atMillis: number
}

/** What is written at a path after a look at what is there. */
interface Reading extends Writing {
  readonly own?: FlashEntry | undefined
}

/** One recorded operation. */
export type Operation =
  | (Writing & {
      readonly _tag: "put"
      readonly value: Json
      readonly ttlMillis: number | null
    })
  | (Reading & { readonly _tag: "putMissing"; readonly value: Json })
  | (Reading & { readonly _tag: "modify"; readonly change: Change })
  | { readonly _tag: "forget"; readonly paths: ReadonlyArray<Segments>; readonly seen: Seen }
  | { readonly _tag: "flush"; readonly csrfSecret: string }
  | { readonly _tag: "clearData" }
  | { readonly _tag: "flash" | "now"; readonly name: string; readonly entry: FlashEntry }
  | {
      readonly _tag: "keep"
      readonly name: string
      readonly entry: FlashEntry
      readonly seen: Seen
    }
  | { readonly _tag: "age"; readonly seen: Seen }
  | { readonly _tag: "csrf"; readonly secret: string }
  | { readonly _tag: "previousUrl"; readonly url: string | null }
  | { readonly _tag: "lifetime"; readonly lifetime: Lifetime }
  | {
      readonly _tag: "login"
      readonly userId: string
      readonly csrfSecret: string
      readonly atMillis: number
    }
  /** Asks for a session even if nothing is in it; changes nothing. */
  | { readonly _tag: "start" }
  | {
      readonly _tag: "lock"
      readonly owner: string
      readonly untilMillis: number
      readonly atMillis: number
    }
  | { readonly _tag: "unlock"; readonly owner: string }

/** A pure change of one value; it may run again on a newer state. */
export type Change = (current: Json | undefined) => Json | Fault

/** Runs an operation: the next state, or why it does not fit. The given state is never changed. */
export const apply = (state: State, operation: Operation): State | Fault => {
  switch (operation._tag) {
    case "put":
      return put(state, operation)
    case "putMissing": {
      const current = seenValue(state, operation)
      return (current ?? null) === null
        ? put(state, { ...operation, _tag: "put", ttlMillis: null })
        : state
    }
    case "modify": {
      const next = operation.change(seenValue(state, operation))
      return isFault(next) ? next : write(state, operation, next)
    }
    case "forget":
      return forget(state, operation.paths, operation.seen)
    case "flush":
      return flush(state, operation.csrfSecret)
    case "clearData":
      return { ...state, data: {}, ttl: {} }
    case "flash":
      return {
        ...state,
        flash: { ...state.flash, [operation.name]: operation.entry },
        now: omit(state.now, [operation.name])
      }
    case "now":
      return { ...state, now: { ...state.now, [operation.name]: operation.entry } }
    case "keep":
      return keep(state, operation.name, operation.entry, operation.seen)
    case "age":
      return { ...state, flash: withoutSeen(state.flash, Object.keys(state.flash), operation.seen) }
    case "csrf":
      return { ...state, csrfSecret: operation.secret }
    case "previousUrl":
      return { ...state, previousUrl: operation.url }
    case "lifetime":
      return isLifetime(operation.lifetime)
        ? { ...state, lifetime: operation.lifetime }
        : new Fault("encode", "a lifetime is a finite duration greater than 0")
    case "login":
      return login(state, operation)
    case "start":
      return state
    case "lock":
      return lock(state, operation)
    case "unlock":
      return state.lock?.owner === operation.owner ? { ...state, lock: null } : state
  }
}

/** The first of several operations that does not fit, and why. A class, because `instanceof` is quick beside states of any shape. */
export class Misfit {
  constructor(
    readonly operation: Operation,
    readonly fault: Fault
  ) {}
}

/**
 * Runs operations in order; the first that does not fit ends it. A change that throws does not fit this state: on the one it
 * was recorded on it did not.
 */
export const applyAll = (state: State, operations: ReadonlyArray<Operation>): State | Misfit => {
  let next = state
  for (const operation of operations) {
    const result = reapply(next, operation)
    if (isFault(result)) return new Misfit(operation, result)
    next = result
  }
  return next
}

const reapply = (state: State, operation: Operation): State | Fault => {
  try {
    return apply(state, operation)
  } catch {
    return new Fault("type", "its function throws on what is stored now")
  }
}

/** A change that adds to a number; missing or null counts as 0. */
export const adding =
  (by: number): Change =>
  (current) => {
    if (current !== undefined && current !== null && typeof current !== "number") {
      return new Fault("type", "it holds something that is not a number")
    }
    const sum = (current ?? 0) + by
    return Number.isFinite(sum) && Math.abs(sum) <= Number.MAX_SAFE_INTEGER
      ? sum
      : new Fault("type", "the result is not a safe finite number")
  }

/** A change that appends to a list; missing or null becomes a list of one. */
export const pushing =
  (value: Json): Change =>
  (current) => {
    if (current === undefined || current === null) return [value]
    return isList(current)
      ? [...current, value]
      : new Fault("type", "it holds something that is not a list")
  }

const put = (state: State, operation: Extract<Operation, { _tag: "put" }>): State | Fault => {
  const { atMillis, path, seen, value } = operation
  const name = path[0] as string
  // JSON cannot store an infinity; a value that never expires has no expiry.
  const ttlMillis = operation.ttlMillis === Number.POSITIVE_INFINITY ? null : operation.ttlMillis
  if (ttlMillis !== null && ttlMillis <= atMillis) return forget(state, [path], seen)
  const written = write(state, operation, value)
  if (isFault(written) || path.length > 1) return written
  if (ttlMillis !== null) return { ...written, ttl: { ...written.ttl, [name]: ttlMillis } }
  return Object.hasOwn(written.ttl, name) ? { ...written, ttl: omit(written.ttl, [name]) } : written
}

/** Writes to the data and removes the seen flash of that name. A value that had expired under the name is dropped first. */
const write = (state: State, { atMillis, path, seen }: Writing, value: Json): State | Fault => {
  const name = path[0] as string
  if (isDeeperThan(value, maxDepth + 1 - path.length)) return tooDeep()
  const expired = isExpiredKey(state, name, atMillis)
  const data = Path.set(expired ? omit(state.data, [name]) : state.data, path, value)
  if (isFault(data)) return data
  // Every write comes through here, and naming the fields costs a fraction of a spread.
  return {
    data,
    flash: withoutSeen(state.flash, [name], seen),
    now: withoutSeen(state.now, [name], seen),
    ttl: expired ? omit(state.ttl, [name]) : state.ttl,
    csrfSecret: state.csrfSecret,
    previousUrl: state.previousUrl,
    userId: state.userId,
    lifetime: state.lifetime,
    authenticatedAtMillis: state.authenticatedAtMillis,
    absoluteFromMillis: state.absoluteFromMillis,
    lock: state.lock
  }
}

const forget = (state: State, paths: ReadonlyArray<Segments>, seen: Seen): State => {
  const data = Path.removeAll(state.data, paths)
  const gone = paths.map(([name]) => name as string).filter((name) => !Object.hasOwn(data, name))
  return {
    ...state,
    data,
    ttl: omit(state.ttl, gone),
    flash: forgetIn(state.flash, paths, seen),
    now: forgetIn(state.now, paths, seen)
  }
}

const forgetIn = (
  entries: FlashEntries,
  paths: ReadonlyArray<Segments>,
  seen: Seen
): FlashEntries => {
  const names = seenNames(
    entries,
    paths.map(([name]) => name as string),
    seen
  )
  if (names.length === 0) return entries
  const valueOf = (name: string) => (entries[name] as FlashEntry).value
  const left = Path.removeAll(Object.fromEntries(names.map((name) => [name, valueOf(name)])), paths)
  const changed = Object.entries(left).map(([name, value]) => [name, { ...entries[name], value }])
  const gone = names.filter((name) => !Object.hasOwn(left, name))
  return { ...omit(entries, gone), ...Object.fromEntries(changed) }
}

/** The names under which there is an entry that was seen. */
const seenNames = (entries: FlashEntries, names: ReadonlyArray<string>, seen: Seen) =>
  seen.length === 0 ? [] : names.filter((name) => isSeen(entries, name, seen))

const withoutSeen = (entries: FlashEntries, names: ReadonlyArray<string>, seen: Seen) =>
  seen.length === 0 ? entries : omit(entries, seenNames(entries, names, seen))

const isSeen = (entries: FlashEntries, name: string, seen: Seen): boolean => {
  const entry = own(entries, name)
  return entry !== undefined && seen.includes(entry.id)
}

const seenValue = (state: State, operation: Reading): Json | undefined => {
  const { atMillis, path, seen } = operation
  const name = path[0] as string
  const entry = operation.own ?? (isSeen(state.flash, name, seen) ? state.flash[name] : undefined)
  if (entry !== undefined) return Path.get({ [name]: entry.value }, path)
  return isExpiredKey(state, name, atMillis) ? undefined : Path.get(state.data, path)
}

const keep = (state: State, name: string, entry: FlashEntry, seen: Seen): State => {
  const newer = Object.hasOwn(state.flash, name) && !isSeen(state.flash, name, seen)
  return {
    ...state,
    flash: newer ? state.flash : { ...state.flash, [name]: entry },
    now: withoutSeen(state.now, [name], seen)
  }
}

const flush = (state: State, csrfSecret: string): State => ({
  ...state,
  data: {},
  flash: {},
  now: {},
  ttl: {},
  csrfSecret,
  previousUrl: null,
  userId: null,
  authenticatedAtMillis: null
})

const login = (state: State, operation: Extract<Operation, { _tag: "login" }>): State => {
  const { atMillis, csrfSecret, userId } = operation
  const foreign = state.userId !== null && state.userId !== userId
  return {
    ...(foreign ? flush(state, csrfSecret) : state),
    csrfSecret,
    userId,
    authenticatedAtMillis: atMillis,
    absoluteFromMillis: atMillis,
    lifetime: null
  }
}

const lock = (state: State, operation: Extract<Operation, { _tag: "lock" }>): State | Fault => {
  const { atMillis, owner, untilMillis } = operation
  const held =
    state.lock !== null && state.lock.owner !== owner && state.lock.untilMillis > atMillis
  return held
    ? new Fault("busy", "another request of the session is still running")
    : { ...state, lock: { owner, untilMillis } }
}
