/**
 * What spec sections 2 and 5 say, written down a second time as naively as possible: plain objects that are copied
 * whole and then changed in place. Nothing is shared with the code under test but the type `Json`.
 *
 * What a request does is kept as a list of functions over the stored session, each with the instants and the ids of
 * flash entries it saw; running them on what another request has stored is all that a replay is.
 */
import type { Json } from "../../src/core/session/json.js"

/** An operation that does not fit. */
export class Misfit extends Error {
  constructor(readonly kind: "key" | "encode" | "type") {
    super(kind)
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the naive model walks data whose shape nobody knows.
type Loose = any

export interface Entry {
  readonly id: number
  value: Json
}

/** Everything a session holds. `now` is of one request alone. */
export interface Contents {
  data: Record<string, Json>
  expires: Record<string, number>
  flash: Record<string, Entry>
  now: Record<string, Entry>
  secret: number
  url: string | null
  user: string | null
  lifetime: null | "browser" | number
  loggedInAt: number | null
  absoluteFrom: number
}

type Seen = ReadonlySet<number>
type Recorded = (contents: Contents) => void

/** The flash name of form input. */
const formInput = ""

let ids = 0
const fresh = (): number => ++ids

export const empty = (at: number): Contents => ({
  data: {},
  expires: {},
  flash: {},
  now: {},
  secret: fresh(),
  url: null,
  user: null,
  lifetime: null,
  loggedInAt: null,
  absoluteFrom: at
})

/** Copies plain data whole. */
const clone = <A>(value: A): A => {
  if (typeof value !== "object" || value === null) return value
  const copied = Array.isArray(value)
    ? value.map(clone)
    : Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, clone(inner)]))
  // A copy has the shape of what is copied.
  return copied as A
}

const isIndex = (segment: string): boolean =>
  String(Number(segment)) === segment && !/\D/.test(segment)

/** The value under a path. */
export const find = (value: Loose, path: ReadonlyArray<string>): Json | undefined => {
  let at = value
  for (const segment of path) {
    if (typeof at !== "object" || at === null) return undefined
    if (Array.isArray(at) && !isIndex(segment)) return undefined
    if (!Object.hasOwn(at, segment)) return undefined
    at = at[segment]
  }
  return at
}

const depth = (value: Loose): number =>
  typeof value === "object" && value !== null
    ? 1 + Math.max(0, ...Object.values(value).map(depth))
    : 0

const write = (root: Loose, path: ReadonlyArray<string>, value: Json): void => {
  let at = root
  path.forEach((segment, index) => {
    if (Array.isArray(at) && !(isIndex(segment) && Number(segment) <= at.length)) {
      throw new Misfit("key")
    }
    if (index === path.length - 1) {
      at[segment] = clone(value)
      return
    }
    const inner = Object.hasOwn(at, segment) ? at[segment] : undefined
    if (typeof inner !== "object" || inner === null) at[segment] = {}
    at = at[segment]
  })
}

/** Takes out everything the paths name, as it stood before: marks it first, then sweeps. */
const erase = (root: Loose, paths: ReadonlyArray<ReadonlyArray<string>>): void => {
  const marks: Array<{ parent: Loose; key: string; item: symbol }> = []
  for (const path of paths) {
    const parent = find(root, path.slice(0, -1)) as Loose
    const key = path[path.length - 1] as string
    if (find(root, path) !== undefined) marks.push({ parent, key, item: Symbol() })
  }
  const lists = new Set<Array<Loose>>()
  for (const { item, key, parent } of marks) {
    if (Array.isArray(parent)) {
      parent[Number(key)] = item
      lists.add(parent)
    } else delete parent[key]
  }
  for (const list of lists)
    list.splice(0, list.length, ...list.filter((x) => typeof x !== "symbol"))
}

const isOver = (contents: Contents, name: string, at: number): boolean =>
  Object.hasOwn(contents.expires, name) && (contents.expires[name] as number) <= at

/** What every reader sees. */
export const visible = (contents: Contents, at: number): Record<string, Json> => {
  const result: Record<string, Json> = {}
  for (const [name, value] of Object.entries(contents.data)) {
    if (!isOver(contents, name, at)) result[name] = value
  }
  for (const [name, entry] of Object.entries({ ...contents.flash, ...contents.now })) {
    if (name !== formInput) result[name] = entry.value
  }
  return clone(result)
}

const dropExpired = (contents: Contents, name: string, at: number): void => {
  if (!isOver(contents, name, at)) return
  delete contents.data[name]
  delete contents.expires[name]
}

/** What is stored of it at this instant. */
const dropAllExpired = (contents: Contents, at: number): Contents => {
  const result = { ...clone(contents), now: {} }
  for (const name of Object.keys(result.expires)) dropExpired(result, name, at)
  return result
}

const dropFlash = (contents: Contents, name: string, seen: Seen): void => {
  for (const entries of [contents.flash, contents.now]) {
    if (Object.hasOwn(entries, name) && seen.has((entries[name] as Entry).id)) delete entries[name]
  }
}

/**
 * The value as an operation sees it that was recorded when it saw these flash entries. What is of its request alone
 * (`own`) no other request can change.
 */
const current = (
  contents: Contents,
  path: ReadonlyArray<string>,
  own: Entry | undefined,
  seen: Seen,
  at: number
) => {
  const name = path[0] as string
  const flashed = Object.hasOwn(contents.flash, name) ? contents.flash[name] : undefined
  const entry = own ?? (flashed !== undefined && seen.has(flashed.id) ? flashed : undefined)
  if (entry !== undefined) return find({ [name]: entry.value }, path)
  return isOver(contents, name, at) ? undefined : find(contents.data, path)
}

const store = (
  contents: Contents,
  path: ReadonlyArray<string>,
  value: Json,
  seen: Seen,
  at: number
): void => {
  if (path.length - 1 + depth(value) > 32) throw new Misfit("encode")
  dropExpired(contents, path[0] as string, at)
  write(contents.data, path, value)
  dropFlash(contents, path[0] as string, seen)
}

const forgetAll = (
  contents: Contents,
  paths: ReadonlyArray<ReadonlyArray<string>>,
  seen: Seen
): void => {
  erase(contents.data, paths)
  for (const name of Object.keys(contents.expires)) {
    if (!Object.hasOwn(contents.data, name)) delete contents.expires[name]
  }
  for (const entries of [contents.flash, contents.now]) {
    const seenValues: Record<string, Json> = {}
    for (const [name, entry] of Object.entries(entries)) {
      if (seen.has(entry.id)) seenValues[name] = entry.value
    }
    erase(seenValues, paths)
    for (const [name, entry] of Object.entries(entries)) {
      if (!seen.has(entry.id)) continue
      if (Object.hasOwn(seenValues, name)) entry.value = seenValues[name] as Json
      else delete entries[name]
    }
  }
}

/** One request on what is stored. */
export class Request {
  readonly contents: Contents
  readonly log: Array<Recorded> = []
  private readonly snapshot: Seen
  private aged = false
  /** The stored session as this request last saw it. */
  private base: Contents

  constructor(
    stored: Contents,
    private readonly clock: () => number
  ) {
    this.base = clone(stored)
    this.contents = { ...clone(stored), now: {} }
    this.snapshot = new Set(Object.values(stored.flash).map((entry) => entry.id))
  }

  /** Runs a step whole or not at all. */
  private atomically<A>(body: () => A): A {
    const before = clone(this.contents)
    const recorded = this.log.length
    try {
      return body()
    } catch (error) {
      Object.assign(this.contents, before)
      this.log.length = recorded
      throw error
    }
  }

  private record(step: Recorded): void {
    step(this.contents)
    this.log.push(step)
  }

  private seen(...names: ReadonlyArray<string>): Seen {
    const found = [this.contents.flash, this.contents.now].flatMap((entries) =>
      Object.entries(entries).flatMap(([name, entry]) => (names.includes(name) ? [entry.id] : []))
    )
    return new Set(found)
  }

  get(path: ReadonlyArray<string>): Json | undefined {
    return find(visible(this.contents, this.clock()), path)
  }

  put(path: ReadonlyArray<string>, value: Json, until: number = Number.POSITIVE_INFINITY): void {
    const at = this.clock()
    const name = path[0] as string
    const seen = this.seen(name)
    this.atomically(() =>
      this.record((contents) => {
        if (until <= at) return forgetAll(contents, [path], seen)
        store(contents, path, value, seen, at)
        if (path.length > 1) return
        if (until === Number.POSITIVE_INFINITY) delete contents.expires[name]
        else contents.expires[name] = until
      })
    )
  }

  putAll(entries: ReadonlyArray<readonly [ReadonlyArray<string>, Json]>): void {
    this.atomically(() => {
      for (const [path, value] of entries) this.put(path, value)
    })
  }

  replace(entries: ReadonlyArray<readonly [ReadonlyArray<string>, Json]>): void {
    this.atomically(() => {
      this.record((contents) => {
        contents.data = {}
        contents.expires = {}
      })
      this.putAll(entries)
    })
  }

  modify(path: ReadonlyArray<string>, change: (value: Json | undefined) => Json): Json {
    const at = this.clock()
    const seen = this.seen(path[0] as string)
    const own = clone(this.contents.now[path[0] as string])
    this.atomically(() =>
      this.record((contents) =>
        store(contents, path, change(clone(current(contents, path, own, seen, at))), seen, at)
      )
    )
    return this.get(path) as Json
  }

  push(path: ReadonlyArray<string>, value: Json): void {
    this.modify(path, (list) => {
      if (list === undefined || list === null) return [value]
      if (!Array.isArray(list)) throw new Misfit("type")
      return [...list, value]
    })
  }

  increment(path: ReadonlyArray<string>, by: number): Json {
    return this.modify(path, (number) => {
      const sum = number === undefined || number === null ? by : number
      if (typeof sum !== "number") throw new Misfit("type")
      const result = number === undefined || number === null ? by : sum + by
      if (!(Math.abs(result) <= Number.MAX_SAFE_INTEGER)) throw new Misfit("type")
      return result
    })
  }

  remember(path: ReadonlyArray<string>, value: Json): Json {
    const before = this.get(path)
    if (before !== undefined && before !== null) return before
    const at = this.clock()
    const seen = this.seen(path[0] as string)
    const own = clone(this.contents.now[path[0] as string])
    this.atomically(() =>
      this.record((contents) => {
        const there = current(contents, path, own, seen, at)
        if (there !== undefined && there !== null) return
        store(contents, path, value, seen, at)
        if (path.length === 1) delete contents.expires[path[0] as string]
      })
    )
    return this.get(path) as Json
  }

  forget(paths: ReadonlyArray<ReadonlyArray<string>>): void {
    const seen = this.seen(...paths.map((path) => path[0] as string))
    this.record((contents) => forgetAll(contents, paths, seen))
  }

  pull(path: ReadonlyArray<string>): Json | undefined {
    const value = this.get(path)
    if (value !== undefined) this.forget([path])
    return value
  }

  flush(): void {
    const secret = fresh()
    this.record((contents) => clear(contents, secret))
  }

  flash(name: string, value: Json): void {
    const id = fresh()
    this.record((contents) => {
      contents.flash[name] = { id, value: clone(value) }
      delete contents.now[name]
    })
  }

  now(name: string, value: Json): void {
    const id = fresh()
    this.record((contents) => {
      contents.now[name] = { id, value: clone(value) }
    })
  }

  flashInput(value: Json): void {
    this.flash(formInput, value)
  }

  old(path: ReadonlyArray<string>): Json | undefined {
    const entry = this.contents.now[formInput] ?? this.contents.flash[formInput]
    return entry === undefined ? undefined : find(entry.value, path)
  }

  keep(names: ReadonlyArray<string> | "all"): void {
    const every = new Set([...Object.keys(this.contents.flash), ...Object.keys(this.contents.now)])
    for (const name of names === "all" ? every : names) {
      const shown = this.contents.now[name] ?? this.contents.flash[name]
      if (shown === undefined) continue
      const seen = this.seen(name)
      const entry = { id: fresh(), value: clone(shown.value) }
      this.record((contents) => {
        const there = contents.flash[name]
        if (there === undefined || seen.has(there.id)) contents.flash[name] = clone(entry)
        if (seen.has(contents.now[name]?.id as number)) delete contents.now[name]
      })
    }
  }

  regenerateToken(): void {
    const secret = fresh()
    this.record((contents) => {
      contents.secret = secret
    })
  }

  setPreviousUrl(url: string): void {
    if (this.contents.url === url) return
    this.record((contents) => {
      contents.url = url
    })
  }

  pullPreviousUrl(): string | null {
    const { url } = this.contents
    if (url !== null) {
      this.record((contents) => {
        contents.url = null
      })
    }
    return url
  }

  setLifetime(lifetime: "browser" | number): void {
    this.record((contents) => {
      contents.lifetime = lifetime
    })
  }

  login(user: string): void {
    const at = this.clock()
    const secret = fresh()
    const lifetime = this.contents.user === user ? this.contents.lifetime : null
    this.record((contents) => {
      if (contents.user !== null && contents.user !== user) clear(contents, secret)
      contents.user = user
      contents.secret = secret
      contents.loggedInAt = at
      contents.absoluteFrom = at
      contents.lifetime = lifetime
    })
  }

  /**
   * Stores what is pending: gives what the newest stored session becomes by it. The request goes on with that, and with
   * the flash it was shown, which stays readable to its end. Who changed nothing in what they saw came first, so what is
   * stored stays as it is. `moves`: the session gets another id, which is a change.
   */
  commit(newest: Contents, ages: boolean, moves: boolean): Contents {
    const dying = ages && !this.aged ? this.snapshot : new Set<number>()
    if (ages) this.aged = true
    if (this.log.length === 0 && dying.size === 0 && !moves) return newest
    const before = dropAllExpired(this.base, this.clock())
    const unchanged = !moves && text(this.result(this.base, dying)) === text(before)
    const result = unchanged ? this.result(this.base, dying) : this.result(newest, dying)
    if (unchanged) {
      this.goOn(result)
      return newest
    }
    this.base = clone(result)
    this.goOn(result)
    return result
  }

  private result(on: Contents, dying: Seen = new Set()): Contents {
    const result = { ...clone(on), now: {} }
    for (const step of this.log) step(result)
    for (const [name, entry] of Object.entries(result.flash)) {
      if (dying.has(entry.id)) delete result.flash[name]
    }
    return dropAllExpired(result, this.clock())
  }

  private goOn(result: Contents): void {
    const left = Object.values(result.flash).map((entry) => entry.id)
    const shown = Object.entries(this.contents.flash).filter(
      ([, entry]) => !left.includes(entry.id)
    )
    const now = { ...Object.fromEntries(shown), ...this.contents.now }
    Object.assign(this.contents, clone({ ...result, now }))
    this.log.length = 0
  }
}

const text = (contents: Contents): string => JSON.stringify(contents)

/** All that belongs to the visitor; how long the session lives is not part of it. */
const clear = (contents: Contents, secret: number): void => {
  contents.data = {}
  contents.expires = {}
  contents.flash = {}
  contents.now = {}
  contents.secret = secret
  contents.url = null
  contents.user = null
  contents.loggedInAt = null
}
