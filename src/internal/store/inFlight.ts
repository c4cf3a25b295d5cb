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
 * The fiber is asked first: a finalizer in every scope would cost more than the rest of this.
 */
class InFlight {
  private readonly requests = new Map<RunningFiber, Scope.Scope>()
  private onEmpty = (): void => {}

  enter(fiber: RunningFiber, scope: Scope.Scope): void {
    if (!this.requests.has(fiber)) fiber.addObserver(() => this.leave(fiber))
    this.requests.set(fiber, scope)
  }

  private leave(fiber: RunningFiber): void {
    this.requests.delete(fiber)
    if (this.requests.size === 0) this.onEmpty()
  }

  /** Waits until no request is left, by the system's timer. Gives how many are. */
  readonly ended: Effect.Effect<number> = Effect.suspend(() =>
    Effect.zipRight(
      Effect.forEach(
        [...this.requests],
        ([fiber, scope]) =>
          Scope.addFinalizer(
            scope,
            Effect.sync(() => this.leave(fiber))
          ),
        { discard: true }
      ),
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
export const enter = (store: Service, fiber: RunningFiber): void => {
  const scope = Context.getOption(fiber.currentContext, Scope.Scope)
  if (Option.isSome(scope)) (store as Counting)[key]?.enter(fiber, scope.value)
}
