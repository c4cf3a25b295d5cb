/**
 * What happens to sessions, as a stream: for audit logs, alerts and dashboards.
 *
 * The metric `effect_session_events` (tag `event`) counts each event, and the debug log shows it. An event names sessions
 * by their public id. It never holds a token or anything a session contains.
 *
 * @since 0.1.0
 */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { referenceOf } from "./internal/effect/fiber.js"
import { oncePer } from "./internal/effect/oncePer.js"
import { SessionConfigError } from "./internal/errors/errors.js"
import { writeAuditLog } from "./internal/events/auditLog.js"
import type { SessionEvent } from "./internal/events/event.js"
import { makeHub, publish as publishEvent, SessionEvents } from "./internal/events/hub.js"
import { type AuditEntry, readLife } from "./internal/events/readAudit.js"

export type {
  /**
   * Something that happened to a session: what, when (`at`, by Effect's `Clock`), to which session (`id`), who and from
   * where.
   *
   * `userId` is the user of the session; a guest's has none. `clientAddress` is where the request came from, as far as
   * `SessionConfig.trustedProxies` reaches. `reason` says why.
   *
   * @since 0.1.0
   * @category models
   */
  SessionEvent
} from "./internal/events/event.js"
export {
  /**
   * The hub in force. The default is one hub for the whole process, so nothing has to be provided.
   *
   * @since 0.1.0
   * @category tags
   */
  SessionEvents
} from "./internal/events/hub.js"
export type {
  /**
   * A line of the audit log, read: an event with its `name` (`session.logged_in`) in place of `_tag`. Each field means what
   * it means in the `SessionEvent`.
   *
   * @since 0.1.0
   * @category models
   */
  AuditEntry
} from "./internal/events/readAudit.js"

/**
 * Provides a hub of its own, so that one test does not see the events of another. Provided in several places of an app, it
 * is one hub.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { SessionEvents, SessionStore } from "effect-session"
 *
 * export const layer = Layer.merge(SessionStore.layerMemory, SessionEvents.layer)
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<never> = Layer.effect(SessionEvents, Effect.sync(makeHub))

/**
 * The options of an audit log.
 *
 * @since 0.1.0
 * @category models
 */
export interface AuditOptions {
  /** How many events may wait to be written. Beyond that new ones are dropped and counted. Default 16384. */
  readonly capacity?: number | undefined
}

/**
 * Writes every event to an audit log.
 *
 * `write` gets lines of JSON without line ends, at most about 1000 at once. A line has `timestamp` (ISO 8601),
 * `event.name` (`session.created`, `session.guard_tripped`, ...) and, where they apply, OpenTelemetry's attributes
 * `session.id`, `session.previous_id`, `user.id` and `client.address`, and beside them `effect_session.count`,
 * `.attempts`, `.reason`, `.guard`, `.policy` and `.actor`. It holds no token and nothing of what a session contains.
 *
 * It writes the events of the hub in force where it is provided, once for each hub. No request waits for the log. Events wait in memory, in order, until `write` has succeeded. When it fails, it is called
 * with the same lines a second later. When `capacity` events wait, newer ones are dropped: a line
 * `session.audit_dropped` and the metric `effect_session_audit_dropped` tell how many.
 *
 * When the layer closes, it writes what still waits, for at most 5 seconds. Provide it to the server, so that it closes
 * after the server.
 *
 * Throws a `SessionConfigError` when `capacity` is not a positive integer.
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
  { capacity = 16_384 }: AuditOptions = {}
): Layer.Layer<never, never, R> => {
  if (!Number.isSafeInteger(capacity) || capacity < 1) {
    throw new SessionConfigError({ field: "capacity", reason: "must be a positive integer." })
  }
  return perHub(
    Layer.scopedDiscard(Effect.flatMap(SessionEvents, (hub) => writeAuditLog(hub, write, capacity)))
  )
}

/**
 * Appends every event to a file, as `layerAudit` does.
 *
 * The file is made with mode 0600. It is opened anew for each write, so that it can be rotated by renaming.
 *
 * The layer fails with a `PlatformError` when the file cannot be written to.
 *
 * @example
 * ```ts
 * import { NodeContext } from "@effect/platform-node"
 * import { Layer } from "effect"
 * import { SessionEvents } from "effect-session"
 *
 * export const audit = SessionEvents.layerAuditFile("audit.jsonl").pipe(Layer.provide(NodeContext.layer))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerAuditFile = (
  path: string,
  options?: AuditOptions
): Layer.Layer<never, PlatformError, FileSystem.FileSystem> =>
  perHub(
    Layer.unwrapEffect(
      Effect.flatMap(FileSystem.FileSystem, (files) => {
        const append = (text: string) =>
          files.writeFileString(path, text, { flag: "a", mode: 0o600 })
        const write = (lines: ReadonlyArray<string>) => append(`${lines.join("\n")}\n`)
        return Effect.as(append(""), layerAudit(write, options))
      })
    )
  )

/**
 * Reads from an audit log what happened to a session, the oldest event first, also under the ids that it had before.
 *
 * The file is read once, from its end to the line where the session was created, and never held in memory. Lines that
 * are not JSON count as missing. Of more than 1000 events it gives the newest. An event that names no session, such as
 * the end of all sessions of a user, is not part of it.
 *
 * Fails with a `PlatformError` when the file cannot be read.
 *
 * @example
 * ```ts
 * import { Console, Effect } from "effect"
 * import { SessionEvents } from "effect-session"
 *
 * const lifeOf = SessionEvents.readAuditLog("audit.jsonl")
 *
 * export const show = (id: string) =>
 *   Effect.flatMap(lifeOf(id), Effect.forEach(({ at, name }) => Console.log(at, name)))
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const readAuditLog =
  (path: string) =>
  (id: string): Effect.Effect<ReadonlyArray<AuditEntry>, PlatformError, FileSystem.FileSystem> =>
    readLife(path, id)

const perHub = <A, E, R>(layer: Layer.Layer<A, E, R>): Layer.Layer<A, E, R> =>
  oncePer((fiber) => referenceOf(fiber, SessionEvents), layer)

/**
 * The events from now on. A subscriber that falls more than 1024 events behind misses the oldest.
 *
 * @example
 * ```ts
 * import { Effect, Layer, Stream } from "effect"
 * import { SessionEvents } from "effect-session"
 *
 * export const log = Layer.scopedDiscard(
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
 * Publishes an event to the hub in force; never fails, never waits for a subscriber.
 *
 * @since 0.1.0
 * @category accessors
 */
export const publish: (event: SessionEvent) => Effect.Effect<void> = publishEvent
