/** A store, a clock, and requests that run on both `Session` and the naive model and compare what they see. */
import { isDeepStrictEqual } from "node:util"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { expect } from "vitest"
import { isList, isObject, type Json, type JsonObject } from "../../src/core/session/json.js"
import { commit } from "../../src/internal/commit/commitPending.js"
import type { RequestContext } from "../../src/internal/commit/RequestContext.js"
import type { RequestSession } from "../../src/internal/commit/RequestSession.js"
import { compile } from "../../src/internal/config/compile.js"
import { load } from "../../src/internal/request/load.js"
import { toService } from "../../src/internal/session/tag.js"
import { makeMemory } from "../../src/internal/store/memory/store.js"
import * as Session from "../../src/Session.js"
import { SessionConfig } from "../../src/SessionConfig.js"
import { SessionEvents } from "../../src/SessionEvents.js"
import { LocalInstant, make as makeStore } from "../../src/SessionStore.js"
import { type Action, modelled, paths, real } from "./actions.js"
import { type Contents, empty, find, Misfit, Request, visible } from "./model.js"

/** A visitor: the session in a real store, and what the model says is in it. */
export class World {
  readonly time = { millis: 1_700_000_000_000 }
  /** What the model holds; `null` until something is stored. */
  stored: Contents | null = null
  /** Counts the ids the session has been moved to. */
  epoch = 0
  private token: string | null = null
  /** The model numbers its secrets: which text stands for which number. */
  private readonly secrets = new Map<number, string>()
  private readonly clock: Clock.Clock
  private readonly context: RequestContext

  constructor() {
    const { time } = this
    this.clock = Object.assign(Clock.make(), {
      unsafeCurrentTimeMillis: () => time.millis,
      currentTimeMillis: Effect.sync(() => time.millis)
    })
    this.context = {
      store: makeStore(makeMemory(0, undefined)),
      settings: compile(Effect.runSync(SessionConfig)),
      events: Effect.runSync(SessionEvents),
      clock: this.clock,
      began: LocalInstant.now(),
      ipAddress: () => null,
      userAgent: () => null
    }
  }

  run<A, E>(effect: Effect.Effect<A, E>): Promise<Exit.Exit<A, E>> {
    return Effect.runPromiseExit(Effect.withClock(effect, this.clock))
  }

  /** Begins a request of this visitor. */
  async begin(): Promise<Visit> {
    const { cookie } = this.context.settings
    const header = this.token === null ? undefined : `${cookie.name}=${this.token}`
    const session = Exit.getOrElse(await this.run(load(this.context, header)), () => {
      throw new Error("the request could not begin")
    })
    const contents = this.stored ?? empty(this.time.millis)
    return new Visit(this, session, contents, new Request(contents, () => this.time.millis))
  }

  /** The browser takes the cookie a response of this request would set. */
  keepCookie({ life: { position } }: RequestSession): void {
    if (position.stored !== null) this.token = position.token
  }

  expectSecret(number: number, text: string): void {
    const known = this.secrets.get(number)
    // A secret that nobody has asked for may not have been made yet.
    if (text === "") return
    if (known === undefined) same([...this.secrets.values()].includes(text), false)
    else same(text, known)
    this.secrets.set(number, text)
  }
}

/** What becomes of what a request did: stored, refused as a whole, or dropped with its session. */
export type Outcome = "done" | "conflict" | "gone"

/** One request on both. */
export class Visit {
  /** Which of the ids of the session this request works on. */
  private epoch: number
  private moves = false

  constructor(
    private readonly world: World,
    readonly session: RequestSession,
    /** What a session begins with that is not stored yet. */
    private readonly blank: Contents,
    readonly request: Request
  ) {
    this.epoch = world.epoch
  }

  private run<A, E>(effect: Effect.Effect<A, E, Session.Session>): Promise<Exit.Exit<A, E>> {
    return this.world.run(Effect.provideService(effect, Session.Session, toService(this.session)))
  }

  private read<A>(effect: Effect.Effect<A, never, Session.Session>): A {
    return Effect.runSync(Effect.provideService(effect, Session.Session, toService(this.session)))
  }

  /** Does one thing on both sides and compares what it gives and what can be seen afterwards. */
  async act(action: Action): Promise<void> {
    const expected = attempt(() => modelled(action, this.request, this.world.time))
    const exit = await this.run(real(action, this.world.time))

    same(named(exit), expected)
    if (action.kind === "login" || action.kind === "invalidate") this.moves = true
    if (action.kind === "login") this.store(false)
    if (action.kind === "commit") this.store(false)
    this.compare()
  }

  async actAll(actions: ReadonlyArray<Action>): Promise<void> {
    for (const action of actions) await this.act(action)
  }

  /** The end of the request; gives what the model says has become of it. */
  async end(ages = true): Promise<Outcome> {
    const before = this.world.stored
    const exit = await this.world.run(commit(this.session, { ages }))
    if (this.world.epoch !== this.epoch) {
      // Who has nothing to store does not notice.
      expect(["gone", "nothing"]).toContain(named(exit))
      return "gone"
    }
    const fits = attempt(() => this.store(ages)) === undefined
    expect(fits ? ["done", "nothing"] : ["error SessionConflict"]).toContain(named(exit))
    if (fits) this.compare()
    else this.world.stored = before
    return fits ? "done" : "conflict"
  }

  private store(ages: boolean): void {
    const { world } = this
    // A request that wrote nothing stores nothing.
    if (this.session.life.position.stored === null) return
    world.stored = this.request.commit(world.stored ?? this.blank, ages, this.moves)
    world.keepCookie(this.session)
    if (!this.moves) return
    this.moves = false
    world.epoch += 1
    this.epoch = world.epoch
  }

  /** Compares everything a handler can read. */
  compare(): void {
    const { request, session, world } = this
    const { contents } = request
    const expected = visible(contents, world.time.millis)
    const read = this.read(
      Effect.all({
        all: Session.all,
        values: Effect.forEach(paths, (path) => Session.get(Session.path(...path))),
        has: Effect.forEach(paths, (path) => Session.has(Session.path(...path))),
        exists: Effect.forEach(paths, (path) => Session.exists(Session.path(...path))),
        missing: Effect.forEach(paths, (path) => Session.missing(Session.path(...path))),
        only: Session.only("a.x", "b", "l.1"),
        except: Session.except(["a.x", "b", "l.0", "l.1"]),
        old: Session.old("field"),
        password: Session.old("password"),
        user: Session.userId,
        url: Session.previousUrl
      })
    )
    const values = paths.map((path) => find(expected, path))
    const reads = {
      all: expected,
      values: values.map(optionOf),
      has: values.map((value) => value !== undefined && value !== null),
      exists: values.map((value) => value !== undefined),
      missing: values.map((value) => value === undefined),
      only: only(expected),
      except: except(expected),
      old: optionOf(request.old(["field"])),
      password: Option.none(),
      user: Option.fromNullable(contents.user),
      url: Option.fromNullable(contents.url)
    }
    same(read, reads)
    const { absoluteFromMillis, authenticatedAtMillis, lifetime } = session.life.state
    same(
      [lifetime, authenticatedAtMillis, absoluteFromMillis],
      [contents.lifetime, contents.loggedInAt, contents.absoluteFrom]
    )
    world.expectSecret(contents.secret, session.life.state.csrfSecret)
  }
}

/** As an assertion, but the one that explains itself is slow: only a difference comes to it. */
const same = (actual: unknown, expected: unknown): void => {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toEqual(expected)
}

const optionOf = (value: Json | undefined): Option.Option<Json> =>
  value === undefined ? Option.none() : Option.some(value)

/** The part under `a.x`, `b` and `l.1`. */
const only = ({ a, b, l }: Record<string, Json>): Record<string, Json> => ({
  ...(isObject(a) && a.x !== undefined ? { a: { x: a.x } } : {}),
  ...(b === undefined ? {} : { b }),
  ...(isObject(l) && l[1] !== undefined ? { l: { 1: l[1] } } : {}),
  ...(isList(l) && l[1] !== undefined ? { l: [l[1]] } : {})
})

/** The rest of it without `a.x`, `b`, `l.0` and `l.1`. */
const except = ({ b: _, a, l, ...rest }: Record<string, Json>): Record<string, Json> => {
  const result: Record<string, Json> = { ...rest }
  if (a !== undefined) result.a = isObject(a) ? without(a, "x") : a
  if (l !== undefined) result.l = isList(l) ? l.slice(2) : l
  if (isObject(l)) result.l = without(l, "0", "1")
  return result
}

const without = (object: JsonObject, ...names: ReadonlyArray<string>): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)))

/** What an operation gave, or the name of its error. */
const named = (exit: Exit.Exit<unknown, unknown>): unknown => {
  if (Exit.isSuccess(exit)) return exit.value
  const error = Cause.squash(exit.cause)
  return error instanceof Error && "_tag" in error ? `error ${String(error._tag)}` : error
}

const tags = { key: "SessionKeyError", encode: "SessionEncodeError", type: "SessionTypeError" }

const attempt = (body: () => unknown): unknown => {
  try {
    return body()
  } catch (error) {
    if (error instanceof Misfit) return `error ${tags[error.kind]}`
    throw error
  }
}
