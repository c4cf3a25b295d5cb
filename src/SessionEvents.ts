/**
 * What happens to sessions, as a stream: for audit logs, alerts and dashboards.
 *
 * Each event is also counted by the metric `effect_session_events` (tag `event`) and logged at debug level. An event
 * names sessions by their public id; it never holds a token or anything a session contains.
 *
 * @since 0.1.0
 */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { SessionConfigError } from "./internal/errors/errors.js"
import { audit } from "./internal/events/auditLog.js"
import type { SessionEvent } from "./internal/events/event.js"
import {
  listenerOf,
  makeHub,
  publish as publishEvent,
  SessionEvents
} from "./internal/events/hub.js"

export type {
  /**
   * One event; `atMillis` is milliseconds since the Unix epoch by Effect's `Clock`, `clientAddress` where the request came from as far as `SessionConfig.trustedProxies` reaches.
   *
   * @since 0.1.0
   * @category models
   */
  SessionEvent
} from "./internal/events/event.js"
export {
  /**
   * Where events are published. The default hub is one for the whole process, so nothing has to be provided.
   *
   * @since 0.1.0
   * @category tags
   */
  SessionEvents
} from "./internal/events/hub.js"

/**
 * Provides a hub of its own, so that one test does not see the events of another.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<never> = Layer.effect(SessionEvents, Effect.sync(makeHub))

/**
 * What can be changed about the audit log.
 *
 * @since 0.1.0
 * @category models
 */
export interface AuditOptions {
  /** How many events may wait to be written; what comes beyond is dropped and counted. Default 16384. */
  readonly capacity?: number | undefined
}

/**
 * Writes every event to an audit log: `write` gets JSON lines, without line ends, at most about 1000 at once.
 *
 * No request waits for the log. Events wait in memory, in order, until `write` has succeeded; when it fails it is called
 * again with the same lines a second later. When `capacity` events wait, newer ones are dropped; their number follows as
 * a line `session.audit_dropped`, and in the metric `effect_session_audit_dropped`. At its end the layer writes what
 * waits, and interrupts a `write` that takes longer than 5 seconds: provide it to the server, so that it ends after the
 * server.
 *
 * A line has `timestamp` (ISO 8601), `event.name` (`session.created`, `session.guard_tripped`, ...) and, where they
 * apply, the attributes of OpenTelemetry's conventions `session.id`, `session.previous_id`, `user.id`, `client.address`,
 * and beside them `effect_session.reason`, `.count`, `.attempts`, `.guard`, `.policy`. It holds no token and nothing of
 * what a session contains.
 *
 * @example
 * ```ts
 * import { Console } from "effect"
 * import { SessionEvents } from "effect-session"
 *
 * export const audit = SessionEvents.layerAudit((lines) => Console.log(lines.join("\n")))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerAudit = <E, R>(
  write: (lines: ReadonlyArray<string>) => Effect.Effect<void, E, R>,
  options: AuditOptions = {}
): Layer.Layer<never, never, R> => {
  const { capacity: most = 16_384 } = options
  if (!Number.isSafeInteger(most) || most < 1) {
    throw new SessionConfigError({ field: "capacity", reason: "must be a positive integer." })
  }
  return Layer.scopedDiscard(
    Effect.flatMap(SessionEvents, (hub) => audit(listenerOf(hub), write, most))
  )
}

/**
 * As `layerAudit`, appended to a file, which is opened anew for each batch, so that it may be rotated by renaming. It is
 * made with mode 0600. Fails when it cannot be written to.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerAuditFile = (
  path: string,
  options?: AuditOptions
): Layer.Layer<never, PlatformError, FileSystem.FileSystem> =>
  Layer.unwrapEffect(
    Effect.flatMap(FileSystem.FileSystem, (files) => {
      const append = (text: string) => files.writeFileString(path, text, { flag: "a", mode: 0o600 })
      const write = (lines: ReadonlyArray<string>) => append(`${lines.join("\n")}\n`)
      return Effect.as(append(""), layerAudit(write, options))
    })
  )

/**
 * The events from now on. A subscriber that falls more than 1024 events behind misses the oldest.
 *
 * @example
 * ```ts
 * import { Effect, Layer, Stream } from "effect"
 * import { SessionEvents } from "effect-session"
 *
 * export const audit = Layer.scopedDiscard(
 *   Effect.forkScoped(Stream.runForEach(SessionEvents.stream, (event) => Effect.logInfo(event)))
 * )
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const stream: Stream.Stream<SessionEvent> = Stream.unwrap(
  Effect.map(SessionEvents, (hub) => Stream.fromPubSub(hub))
)

/**
 * Publishes an event; never fails, never waits for a subscriber.
 *
 * @since 0.1.0
 * @category accessors
 */
export const publish: (event: SessionEvent) => Effect.Effect<void> = publishEvent
