/**
 * Flash: values that live for this request and the next one.
 *
 * Flash is kept beside the data. Each entry has an id that tells it from a later flash of the same name, so a request ages
 * and removes exactly the entries it has seen.
 */

import { isEmpty, own } from "./objects.js"
import type { FlashEntries, FlashEntry, State } from "./state.js"

/** The flash name of `flashInput`. */
export const oldInput = ""

/** The flash entry that is shown in place of the data of a top-level key, this request's own before a stored one. */
export const flashOf = (state: State, name: string): FlashEntry | undefined =>
  own(state.now, name) ?? own(state.flash, name)

/**
 * The state a request goes on with once `stored` is in the store. Flash that it was shown stays readable to its end, even
 * if this commit or that of a parallel request has aged it.
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
  isEmpty(state.now) ? state : { ...state, now: noEntries }

const noEntries: FlashEntries = Object.freeze({})
const noIds: ReadonlyArray<string> = []

/** The ids of the stored flash entries. */
export const flashIds = (state: State): ReadonlyArray<string> =>
  isEmpty(state.flash) ? noIds : Object.values(state.flash).map((entry) => entry.id)

/** The ids of the flash entries that are shown in place of the data of these top-level keys. */
export const shadowIds = (state: State, names: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (isEmpty(state.flash) && isEmpty(state.now)) return noIds
  return names.flatMap((name) =>
    [own(state.now, name), own(state.flash, name)].flatMap((entry) => entry?.id ?? [])
  )
}

/** The ids of all flash entries, stored ones and those of this request alone. */
export const allFlashIds = (state: State): ReadonlyArray<string> =>
  [...Object.values(state.flash), ...Object.values(state.now)].map(({ id }) => id)
