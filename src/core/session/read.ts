/** How a state is read: live flash before data, and nothing that has expired. The caller gives the time. */

import { flashOf, oldInput } from "./flash.js"
import type { Json, JsonObject } from "./json.js"
import { isEmpty, omit, own } from "./objects.js"
import { get as getPath } from "./path.js"
import type { FlashEntry, State } from "./state.js"

/** True when the top-level key has expired. */
export const isExpiredKey = (state: State, name: string, nowMillis: number): boolean =>
  (own(state.ttl, name) ?? Number.POSITIVE_INFINITY) <= nowMillis

/** Reads a path; `undefined` when there is nothing. */
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

/** The state without expired keys; the same state when there are none. */
export const withoutExpired = (state: State, nowMillis: number): State => {
  if (isEmpty(state.ttl)) return state
  const expired = Object.keys(state.ttl).filter((name) => isExpiredKey(state, name, nowMillis))
  if (expired.length === 0) return state
  return { ...state, data: omit(state.data, expired), ttl: omit(state.ttl, expired) }
}
