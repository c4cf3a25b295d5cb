/**
 * The payload of a record: a state and the ids of recent commits as one JSON text, and back.
 *
 * Decoding checks every field it uses, because a payload may come from an older deploy, another program or a damaged
 * disk: what does not fit makes the whole payload invalid (`undefined`), never a half-read session.
 */
import { isList, isObject, type Json, maxDepth } from "./json.js"
import type { FlashEntry, Lifetime, State } from "./state.js"
import { withoutExpired } from "./state.js"

/** How many top-level keys a session may hold. */
export const maxKeys = 256

/** How long a payload remembers the ids of its commits. */
const commitMemoryMillis = 10_000

/** How many commit ids a payload remembers at most, so that a busy session does not grow by its own commits. */
const commitMemoryCount = 32

/** A commit that a payload has seen: its id and when. */
export interface CommitMark {
  readonly id: string
  readonly atMillis: number
}

/** What a payload holds. */
export interface Envelope {
  readonly state: State
  readonly commits: ReadonlyArray<CommitMark>
}

/**
 * Writes a state and the ids of recent commits as JSON text: `encodeState`, then `withCommits`.
 */
export const encode = (
  state: State,
  commits: ReadonlyArray<CommitMark>,
  nowMillis: number
): string => withCommits(encodeState(state, nowMillis), commits)

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
    s: live.absoluteFromMillis
  })
}

/** Adds the ids of recent commits to the text of `encodeState`, which makes it a payload. */
export const withCommits = (stateText: string, commits: ReadonlyArray<CommitMark>): string => {
  if (commits.length === 0) return stateText
  const marks = commits.map((mark) => [mark.id, mark.atMillis])
  // The text is an object that has fields, so another one goes before its closing brace.
  return `${stateText.slice(0, -1)},"o":${JSON.stringify(marks)}}`
}

/** The commit ids to keep, with a new one: those of the last ten seconds, the newest 32 of them. */
export const remember = (
  commits: ReadonlyArray<CommitMark>,
  id: string,
  nowMillis: number
): ReadonlyArray<CommitMark> => [
  ...commits
    .filter((mark) => nowMillis - mark.atMillis < commitMemoryMillis)
    .slice(1 - commitMemoryCount),
  { id, atMillis: nowMillis }
]

/** True when the two states would be stored alike. */
export const sameStored = (a: State, b: State, nowMillis: number): boolean =>
  a === b || encodeState(a, nowMillis) === encodeState(b, nowMillis)

/** Reads a payload; `undefined` when it is not one. Of a key that stands twice in an object the last counts. */
export const decode = (payload: string): Envelope | undefined => {
  const parsed = parse(payload)
  if (!isObject(parsed) || parsed.v !== 1 || !isStorable(parsed, maxPayloadDepth)) return undefined
  const { a, c, d, f, l, o, p, s, t, u } = parsed
  if (!isObject(d) || typeof c !== "string" || typeof s !== "number") return undefined
  const flash = decodeFlash(f)
  const ttl = decodeTtl(t)
  const commits = decodeCommits(o)
  const lifetime = decodeLifetime(l)
  if (flash === undefined || ttl === undefined) return undefined
  if (commits === undefined || lifetime === undefined) return undefined
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
    absoluteFromMillis: s
  }
  return { state, commits }
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

const isEmpty = (record: Readonly<Record<string, unknown>>): boolean => {
  for (const _ in record) return false
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

const decodeCommits = (value: Json | undefined): ReadonlyArray<CommitMark> | undefined => {
  if (value === undefined) return []
  if (!Array.isArray(value)) return undefined
  const marks: Array<CommitMark> = []
  for (const mark of value as ReadonlyArray<Json>) {
    if (!Array.isArray(mark) || typeof mark[0] !== "string" || typeof mark[1] !== "number") {
      return undefined
    }
    marks.push({ id: mark[0], atMillis: mark[1] })
  }
  return marks
}

const decodeLifetime = (value: Json | undefined): Lifetime | undefined => {
  if (value === undefined) return null
  if (value === "browser") return "browser"
  return typeof value === "number" && value > 0 ? value : undefined
}

/**
 * The number of top-level keys a state would store, data and flash together; with an instant, without keys that have
 * expired by then.
 */
export const keyCount = (state: State, nowMillis = Number.NEGATIVE_INFINITY): number =>
  Object.keys(withoutExpired(state, nowMillis).data).length + Object.keys(state.flash).length
