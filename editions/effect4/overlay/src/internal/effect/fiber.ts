/** What is asked of a running fiber, and what is run beside it. Effect has slower ways for all of it. */
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as LogLevel from "effect/LogLevel"
import * as Metric from "effect/Metric"
import type * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as References from "effect/References"
import * as Scheduler from "effect/Scheduler"
import * as Tracer from "effect/Tracer"

/** A fiber that runs. Its context is empty once it has ended. */
export type RunningFiber = Fiber.Fiber<unknown, unknown>

/** One operation that makes the effect to run from the fiber that runs it. */
export const withFiber = Effect.withFiber

/** One operation that makes the effect to run from the time. */
export const withNow = <A, E, R>(
  make: (nowMillis: number) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => Effect.withFiber((fiber) => make(nowOf(clockOf(fiber))))

/** The clock of a fiber. */
export const clockOf = (fiber: RunningFiber): Clock.Clock => fiber.getRef(Clock.Clock)

/** What a clock shows. */
export const nowOf = (clock: Clock.Clock): number => clock.currentTimeMillisUnsafe()

/** A service of a fiber whose effect needs it. */
export const serviceOf = <I, S>(fiber: RunningFiber, tag: Context.Key<I, S>): S =>
  Context.getUnsafe(fiber.context, tag)

/** The value of a reference where a fiber runs. */
export const referenceOf = <S>(fiber: RunningFiber, reference: Context.Reference<S>): S =>
  fiber.getRef(reference)

/** Where a fiber reads the environment. Effect reads it once for the whole process; here it is read each time. */
export const configProviderOf = ({ context }: RunningFiber): ConfigProvider.ConfigProvider =>
  context.mapUnsafe.has(ConfigProvider.ConfigProvider.key)
    ? Context.get(context, ConfigProvider.ConfigProvider)
    : ConfigProvider.fromEnv()

/** The span that a fiber runs in. */
export const spanOf = (fiber: RunningFiber): Option.Option<Tracer.AnySpan> =>
  Context.getOption(fiber.context as Context.Context<Tracer.ParentSpan>, Tracer.ParentSpan)

/** Counts one more, under the labels that a fiber's metrics carry. */
export const countOne = (fiber: RunningFiber, counter: Metric.Counter<number>): void =>
  counter.updateUnsafe(1, fiber.context)

/** What a counter or a histogram has counted. Of a counter, `sum` and `max` are 0. */
export interface Counted {
  readonly count: number
  readonly sum: number
  readonly max: number
}

/** What the metrics of a name have counted, one for each set of labels. */
export const countedBy = (name: string): Effect.Effect<ReadonlyArray<Counted>> =>
  Effect.map(Metric.snapshot, (all) =>
    all.flatMap((metric) => {
      if (metric.id !== name) return []
      if (metric.type === "Histogram") return [metric.state]
      return metric.type === "Counter"
        ? [{ count: Number(metric.state.count), sum: 0, max: 0 }]
        : []
    })
  )

/** Whether the debug log is on where a fiber runs. */
export const logsDebug = (fiber: RunningFiber): boolean =>
  LogLevel.isLessThanOrEqualTo(fiber.getRef(References.MinimumLogLevel), "Debug")

/** Whether a fiber still runs, and so waits for what it asked for. */
export const isRunning = (fiber: RunningFiber): boolean => fiber.pollUnsafe() === undefined

/** Runs effects in fibers of their own, which belong to no caller. */
export type RunBeside = <A, E>(
  effect: Effect.Effect<A, E>,
  done?: (exit: Exit.Exit<A, E>) => void
) => void

/** Runs effects beside all callers with the loggers, the tracer and the clock of the fiber that asks for this. */
export const runBeside: Effect.Effect<RunBeside> = Effect.withFiber(({ context }) => {
  const own = Context.omit(Tracer.ParentSpan)(
    surroundingsOf(context) as Context.Context<Tracer.ParentSpan>
  )
  const run = Effect.runForkWith(own)
  return Effect.succeed((effect, done) => {
    const fiber = run(effect)
    if (done !== undefined) fiber.addObserver(done)
  })
})

/** What was local to a fiber in Effect 3. Effect 4 keeps it in the context, beside the services of an app. */
const surroundings: ReadonlyArray<Context.Key<never, unknown> | typeof Tracer.ParentSpan> = [
  Clock.Clock,
  ConfigProvider.ConfigProvider,
  Console.Console,
  Metric.CurrentMetricAttributes,
  Metric.MetricRegistry,
  Random.Random,
  References.CurrentLogAnnotations,
  References.CurrentLoggers,
  References.CurrentLogLevel,
  References.CurrentLogSpans,
  References.LogToStderr,
  References.MinimumLogLevel,
  References.TracerEnabled,
  References.TracerSpanAnnotations,
  References.TracerSpanLinks,
  References.TracerTimingEnabled,
  References.UnhandledLogLevel,
  Scheduler.Scheduler,
  Tracer.MinimumTraceLevel,
  Tracer.ParentSpan,
  Tracer.Tracer
]

/** A context with nothing in it but the clock, the loggers, the tracer and the like. */
export const surroundingsOf = (context: Context.Context<never>): Context.Context<never> => {
  const found = new Map<string, unknown>()
  for (const { key } of surroundings) {
    if (context.mapUnsafe.has(key)) found.set(key, context.mapUnsafe.get(key))
  }
  return Context.makeUnsafe<never>(found)
}
