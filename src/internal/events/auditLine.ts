/** An event as a line of the audit log: JSON, under OpenTelemetry's names where those exist. */
import type { SessionEvent } from "./event.js"

type Attributes = Readonly<Record<string, string | number | undefined>>

const line = (name: string, atMillis: number, attributes: Attributes): string =>
  JSON.stringify({
    timestamp: new Date(atMillis).toISOString(),
    "event.name": `session.${name}`,
    ...attributes
  })

/** Writes an event. Every field is named here, so that nothing gets into the log that was not meant to. */
export const auditLine = (event: SessionEvent): string => line(...described(event))

/** Writes that `count` events found no room. */
export const droppedLine = (count: number, atMillis: number): string =>
  line("audit_dropped", atMillis, { "effect_session.count": count })

const described = (event: SessionEvent): readonly [string, number, Attributes] => {
  const { atMillis } = event
  switch (event._tag) {
    case "Created":
      return ["created", atMillis, { "session.id": event.id, ...actorOf(event) }]
    case "Regenerated":
      return [
        "regenerated",
        atMillis,
        {
          "session.id": event.id,
          "session.previous_id": event.from,
          ...actorOf(event),
          "effect_session.reason": event.reason
        }
      ]
    case "Destroyed":
      return ["destroyed", atMillis, { "session.id": event.id, ...actorOf(event) }]
    case "Expired":
      return ["expired", atMillis, { "effect_session.count": event.count }]
    case "Revoked":
      return [
        "revoked",
        atMillis,
        {
          "session.id": event.id,
          "user.id": event.userId,
          "effect_session.count": event.count
        }
      ]
    case "ConflictReplayed":
      return [
        "conflict_replayed",
        atMillis,
        { "session.id": event.id, "effect_session.attempts": event.attempts }
      ]
    case "InvalidId":
      return [
        "invalid_id",
        atMillis,
        { "client.address": event.clientAddress, "effect_session.reason": event.reason }
      ]
    case "CsrfRejected":
      return [
        "csrf_rejected",
        atMillis,
        { ...actorOf(event), "effect_session.reason": event.reason }
      ]
    case "GuardTripped":
      return [
        "guard_tripped",
        atMillis,
        {
          "session.id": event.id,
          ...actorOf(event),
          "effect_session.guard": event.guard,
          "effect_session.policy": event.policy
        }
      ]
    case "PayloadDiscarded":
      return [
        "payload_discarded",
        atMillis,
        { "session.id": event.id, "effect_session.reason": event.reason }
      ]
  }
}

const actorOf = (event: {
  readonly userId?: string | undefined
  readonly clientAddress?: string | undefined
}): Attributes => ({ "user.id": event.userId, "client.address": event.clientAddress })
