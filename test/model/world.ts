/** A store, a clock, and requests that run on both `Session` and the naive model and compare what they see. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { expect } from "vitest"
import type { Json } from "../../src/core/json.js"
import type { Cell, Surroundings } from "../../src/internal/cell.js"
import { commit } from "../../src/internal/commit.js"
import { makeMemory } from "../../src/internal/memoryStore.js"
import { open } from "../../src/internal/open.js"
import { compile } from "../../src/internal/settings.js"
import * as Session from "../../src/Session.js"
import { SessionConfig } from "../../src/SessionConfig.js"
import { LocalInstant, make as makeStore } from "../../src/SessionStore.js"
import { type Action, modelled, paths, real } from "./actions.js"
import { type Contents, empty, Misfit, Request, visible } from "./model.js"

/** A visitor: the session in a real store, and what the model says is in it. */
export class World {
  readonly time = { millis: 1_700_000_000_000 }
  /** What the model holds; `null` until something is stored. */
  stored: Contents | null = null
  private token: string | null = null
  /** The model numbers its secrets: which text stands for which number. */
  private readonly secrets = new Map<number, string>()
  private readonly clock: Clock.Clock
  private readonly surroundings: Surroundings

  constructor() {
    const { time } = this
    this.clock = Object.assign(Clock.make(), {
      unsafeCurrentTimeMillis: () => time.millis,
      currentTimeMillis: Effect.sync(() => time.millis)
    })
    this.surroundings = {
      store: makeStore(makeMemory(0, undefined)),
      compiled: compile(Effect.runSync(SessionConfig)),
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
    const { cookie } = this.surroundings.compiled
    const header = this.token === null ? undefined : `${cookie.name}=${this.token}`
    const cell = Exit.getOrElse(await this.run(open(this.surroundings, header)), () => {
      throw new Error("the request could not begin")
    })
    const contents = this.stored ?? empty(this.time.millis)
    return new Visit(this, cell, contents, new Request(contents, () => this.time.millis))
  }

  /** The browser takes the cookie a response of this request would set. */
  keepCookie(cell: Cell): void {
    if (cell.base !== null) this.token = cell.token
  }

  expectSecret(number: number, text: string): void {
    const known = this.secrets.get(number)
    if (known === undefined) expect([...this.secrets.values()]).not.toContain(text)
    else expect(text).toBe(known)
    this.secrets.set(number, text)
  }
}

/** One request on both. */
export class Visit {
  constructor(
    private readonly world: World,
    readonly cell: Cell,
    /** What a session begins with that is not stored yet. */
    private readonly blank: Contents,
    readonly request: Request
  ) {}

  private session<A, E>(effect: Effect.Effect<A, E, Session.Session>): Promise<Exit.Exit<A, E>> {
    return this.world.run(Effect.provideService(effect, Session.Session, this.cell))
  }

  /** Does one thing on both sides and compares what it gives and what can be seen afterwards. */
  async act(action: Action): Promise<void> {
    const expected = attempt(() => modelled(action, this.request, this.world.time))
    const exit = await this.session(real(action, this.world.time))

    expect(named(exit)).toEqual(expected)
    if (action.kind === "login") this.store(false)
    if (action.kind === "commit") this.store(true)
    await this.compare()
  }

  async actAll(actions: ReadonlyArray<Action>): Promise<void> {
    for (const action of actions) await this.act(action)
  }

  /** The end of the request. */
  async end(ages = true): Promise<void> {
    const exit = await this.world.run(commit(this.cell, { ages, operation: "commit" }))
    expect(named(exit)).toBe("done")
    this.store(ages)
    await this.compare()
  }

  private store(ages: boolean): void {
    const { world } = this
    // A request that wrote nothing stores nothing.
    if (this.cell.base === null) return
    world.stored = this.request.commit(world.stored ?? this.blank, ages)
    world.keepCookie(this.cell)
  }

  /** Compares everything a handler can read. */
  async compare(): Promise<void> {
    const { cell, request, world } = this
    const { contents } = request
    const expected = visible(contents, world.time.millis)
    const read = await this.session(
      Effect.all({
        all: Session.all,
        values: Effect.forEach(paths, (path) => Session.get(Session.path(...path))),
        has: Effect.forEach(paths, (path) => Session.has(Session.path(...path))),
        exists: Effect.forEach(paths, (path) => Session.exists(Session.path(...path))),
        missing: Effect.forEach(paths, (path) => Session.missing(Session.path(...path))),
        only: Session.only("a.x", "b"),
        except: Session.except("a.x", "b"),
        old: Session.old("field"),
        password: Session.old("password"),
        user: Session.userId,
        url: Session.previousUrl
      })
    )
    const values = paths.map((path) => request.get(path))
    expect(read).toEqual(
      Exit.succeed({
        all: expected,
        values: values.map(Option.fromNullable).map((option, at) =>
          // A stored null is there.
          values[at] === null ? Option.some(null) : option
        ),
        has: values.map((value) => value !== undefined && value !== null),
        exists: values.map((value) => value !== undefined),
        missing: values.map((value) => value === undefined),
        only: only(expected),
        except: except(expected),
        old: optionOf(request.old(["field"])),
        password: Option.none(),
        user: Option.fromNullable(contents.user),
        url: Option.fromNullable(contents.url)
      })
    )
    expect(cell.state.lifetime).toBe(contents.lifetime)
    expect(cell.state.authenticatedAtMillis).toBe(contents.loggedInAt)
    expect(cell.state.absoluteFromMillis).toBe(contents.absoluteFrom)
    world.expectSecret(contents.secret, cell.state.csrfSecret)
  }
}

const optionOf = (value: Json | undefined): Option.Option<Json> =>
  value === undefined ? Option.none() : Option.some(value)

/** The part under `a.x` and `b`. */
const only = ({ a, b }: Record<string, Json>): Record<string, Json> => {
  const x = plain(a)?.x
  return { ...(x === undefined ? {} : { a: { x } }), ...(b === undefined ? {} : { b }) }
}

const except = ({ b: _, ...rest }: Record<string, Json>): Record<string, Json> => {
  const object = plain(rest.a)
  if (object === undefined) return rest
  const { x: __, ...inner } = object
  return { ...rest, a: inner }
}

const plain = (value: Json | undefined): Record<string, Json> | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, Json>)
    : undefined

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
