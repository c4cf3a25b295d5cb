/**
 * Requests in flight of a store. A store that closes while they still need it would fail them, and which layer closes first
 * depends on the order in which an app provides its layers. So the store itself waits.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { RunningFiber } from "../effect/fiber.js"
import type { Service } from "./contract.js"

/** How long a store waits for requests in flight before it closes. */
const longestWaitMillis = 10_000

/**
 * The requests that use one store, by the fiber that answers each. A request is over when its fiber ends or its scope closes.
 * The fiber is asked first: a finalizer in every scope would cost more than the rest of this. Only a body that is sent bit by bit
 * may outlive the fiber, so it is counted by itself.
 */
class InFlight {
  private readonly requests = new Map<object, Scope.Scope>()
  private onEmpty = (): void => {}

  enter(fiber: RunningFiber, scope: Scope.Scope): void {
    if (!this.requests.has(fiber)) fiber.addObserver(() => this.leave(fiber))
    this.requests.set(fiber, scope)
  }

  enterBody(scope: Scope.Scope): Effect.Effect<void> {
    const body = {}
    this.requests.set(body, scope)
    return this.leaveWith(body, scope)
  }

  private leave(request: object): void {
    this.requests.delete(request)
    if (this.requests.size === 0) this.onEmpty()
  }

  /** Where the scope is closed already, at once. */
  private leaveWith(request: object, scope: Scope.Scope): Effect.Effect<void> {
    return Scope.addFinalizer(
      scope,
      Effect.sync(() => this.leave(request))
    )
  }

  /** Waits until no request is left, by the system's timer. Gives how many are. */
  readonly ended: Effect.Effect<number> = Effect.suspend(() =>
    Effect.zipRight(
      Effect.forEach([...this.requests], ([request, scope]) => this.leaveWith(request, scope), {
        discard: true
      }),
      this.emptied
    )
  )

  private readonly emptied: Effect.Effect<number> = Effect.async((resume) => {
    if (this.requests.size === 0) return resume(Effect.succeed(0))
    const done = () => {
      clearTimeout(timer)
      resume(Effect.succeed(this.requests.size))
    }
    const timer = setTimeout(done, longestWaitMillis)
    // A request that a deadline runs in a fiber of its own goes on in another one, which enters at once.
    this.onEmpty = () => {
      setImmediate(() => {
        if (this.requests.size === 0) done()
      })
    }
  })
}

const key = Symbol("effect-session/inFlight")

/** A property, so that a copy of the service with other calls has it too. */
type Counting = Service & { readonly [key]?: InFlight }

/** Lets a store be closed only when no request is in flight, or after ten seconds. */
export const closeLast = <S extends Service>(service: S): Effect.Effect<S, never, Scope.Scope> =>
  Effect.suspend(() => {
    const inFlight = new InFlight()
    return Effect.as(
      Effect.addFinalizer(() => Effect.flatMap(inFlight.ended, reportLeft)),
      { ...service, [key]: inFlight }
    )
  })

const reportLeft = (left: number): Effect.Effect<void> =>
  left === 0
    ? Effect.void
    : Effect.logWarning(`The session store closes although ${left} requests still run.`)

/** Counts the request of a fiber among those that its store waits for, if the store waits for any. */
export const enter = (store: Service, fiber: RunningFiber): void =>
  entering(store, fiber, (inFlight, scope) => inFlight.enter(fiber, scope))

/** Counts the body of a response by itself, until all of it is sent. */
export const enterBody = (store: Service, fiber: RunningFiber): Effect.Effect<void> =>
  entering(store, fiber, (inFlight, scope) => inFlight.enterBody(scope)) ?? Effect.void

const entering = <A>(
  store: Service,
  fiber: RunningFiber,
  enter: (inFlight: InFlight, scope: Scope.Scope) => A
): A | undefined => {
  const inFlight = (store as Counting)[key]
  if (inFlight === undefined) return undefined
  const scope = Context.getOption(fiber.currentContext, Scope.Scope)
  return Option.isSome(scope) ? enter(inFlight, scope.value) : undefined
}
