/** Writes an event as a line of the audit log: JSON, under OpenTelemetry's attribute names where those exist. */
import type { SessionEvent } from "./event.js"

type FieldsOf<Event> = Event extends unknown ? keyof Event : never

type Field = Exclude<FieldsOf<SessionEvent>, "_tag" | "at">

/** Every field by the name it has in the log. What is not named here never gets into the log. */
export const attributes: Readonly<Record<Field, string>> = {
  id: "session.id",
  from: "session.previous_id",
  userId: "user.id",
  clientAddress: "client.address",
  count: "effect_session.count",
  attempts: "effect_session.attempts",
  reason: "effect_session.reason",
  guard: "effect_session.guard",
  policy: "effect_session.policy",
  actor: "effect_session.actor"
}

const line = (name: string, atMillis: number, more: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({
    timestamp: new Date(atMillis).toISOString(),
    "event.name": `session.${name}`,
    ...more
  })

/** Writes an event: `GuardTripped` becomes `session.guard_tripped`. */
export const auditLine = (event: SessionEvent): string => {
  const given: { readonly [F in Field]?: unknown } = event
  // `Object.entries` forgets that its texts are the fields.
  const named = Object.entries(attributes).map(([field, name]) => [name, given[field as Field]])
  const name = event._tag.replace(/(?<=[a-z])[A-Z]/g, "_$&").toLowerCase()
  return line(name, event.at.epochMillis, Object.fromEntries(named))
}

/** Writes that `count` events were dropped. */
export const droppedLine = (count: number, atMillis: number): string =>
  line("audit_dropped", atMillis, { [attributes.count]: count })
