/**
 * What is asked of a running fiber, and what is run beside it. Effect has slower ways for all of it; other versions of Effect
 * have other ways.
 */
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as LogLevel from "effect/LogLevel"
import * as Metric from "effect/Metric"
import * as MetricState from "effect/MetricState"
import type * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Tracer from "effect/Tracer"

/** A fiber that runs. */
export type RunningFiber = Fiber.RuntimeFiber<unknown, unknown>

/** One operation that makes the effect to run from the fiber that runs it. */
export const withFiber: <A, E = never, R = never>(
  make: (fiber: RunningFiber) => Effect.Effect<A, E, R>
) => Effect.Effect<A, E, R> = (make) => Effect.withFiberRuntime((fiber) => make(fiber))

/** One operation that makes the effect to run from the time. */
export const withNow = <A, E, R>(
  make: (nowMillis: number) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => withFiber((fiber) => make(nowOf(clockOf(fiber))))

/** The clock of a fiber. */
export const clockOf = (fiber: RunningFiber): Clock.Clock =>
  Context.get(fiber.getFiberRef(DefaultServices.currentServices), Clock.Clock)

/** What a clock shows. */
export const nowOf = (clock: Clock.Clock): number => clock.unsafeCurrentTimeMillis()

/** A service of a fiber whose effect needs it. */
export const serviceOf = <I, S>(fiber: RunningFiber, tag: Context.Tag<I, S>): S =>
  Context.unsafeGet(fiber.currentContext, tag)

/** The value of a reference where a fiber runs. */
export const referenceOf = <I, S>(fiber: RunningFiber, reference: Context.Reference<I, S>): S =>
  // A reference has a default, so any context will do.
  Context.get(fiber.currentContext as Context.Context<I>, reference)

/** Where a fiber reads the environment. */
export const configProviderOf = (fiber: RunningFiber): ConfigProvider.ConfigProvider =>
  Context.get(fiber.getFiberRef(DefaultServices.currentServices), ConfigProvider.ConfigProvider)

/** The span that a fiber runs in. */
export const spanOf = (fiber: RunningFiber): Option.Option<Tracer.AnySpan> =>
  Context.getOption(fiber.currentContext, Tracer.ParentSpan)

/** Counts one more, under the labels that a fiber's metrics carry. */
export const countOne = (fiber: RunningFiber, counter: Metric.Metric.Counter<number>): void =>
  counter.unsafeUpdate(1, fiber.getFiberRef(FiberRef.currentMetricLabels))

/** What a counter or a histogram has counted. Of a counter, `sum` and `max` are 0. */
export interface Counted {
  readonly count: number
  readonly sum: number
  readonly max: number
}

/** What the metrics of a name have counted, one for each set of labels. */
export const countedBy = (name: string): Effect.Effect<ReadonlyArray<Counted>> =>
  Effect.map(Metric.snapshot, (all) =>
    all.flatMap(({ metricKey, metricState }) => {
      if (metricKey.name !== name) return []
      if (MetricState.isHistogramState(metricState)) return [metricState]
      const isCounter = MetricState.isCounterState(metricState)
      return isCounter ? [{ count: Number(metricState.count), sum: 0, max: 0 }] : []
    })
  )

/** Whether the debug log is on where a fiber runs. */
export const logsDebug = (fiber: RunningFiber): boolean =>
  LogLevel.lessThanEqual(fiber.getFiberRef(FiberRef.currentMinimumLogLevel), LogLevel.Debug)

/** Whether a fiber still runs, and so waits for what it asked for. */
export const isRunning = (fiber: RunningFiber): boolean => fiber.unsafePoll() === null

/** Runs effects in fibers of their own, which belong to no caller. */
export type RunBeside = <A, E>(
  effect: Effect.Effect<A, E>,
  done?: (exit: Exit.Exit<A, E>) => void
) => void

/** Runs effects beside all callers with the loggers, the tracer and the clock of the fiber that asks for this. */
export const runBeside: Effect.Effect<RunBeside> = Effect.map(
  Effect.runtime<never>(),
  ({ fiberRefs }) => {
    const runtime = Runtime.updateFiberRefs(Runtime.defaultRuntime, () => fiberRefs)
    return (effect, done) => {
      const fiber = Runtime.runFork(runtime)(effect)
      if (done !== undefined) fiber.addObserver(done)
    }
  }
)
