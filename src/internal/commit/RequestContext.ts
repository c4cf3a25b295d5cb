/** What does not change during a request: the store, the settings, the clock, where events go, who the client is. */

import type * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as PubSub from "effect/PubSub"
import type { CompiledSettings } from "../config/compile.js"
import { nowOf } from "../effect/fiber.js"
import type { SessionEvent } from "../events/event.js"
import { publishTo } from "../events/hub.js"
import type { LocalInstant, Service } from "../store/contract.js"

/** The surroundings of one request. */
export interface RequestContext {
  readonly store: Service
  readonly settings: CompiledSettings
  readonly clock: Clock.Clock
  readonly began: LocalInstant
  readonly events: PubSub.PubSub<SessionEvent>
  /** The client's address and agent, worked out when they are asked for. */
  readonly ipAddress: () => string | null
  readonly userAgent: () => string | null
  /** The host the request was sent to, where there is a request. */
  readonly host?: (() => string | undefined) | undefined
}

/** The instant an operation happens at. */
export const now = ({ clock }: RequestContext): number => nowOf(clock)

/** An event before it is dated. */
export type UndatedEvent = SessionEvent extends infer Event
  ? Event extends SessionEvent
    ? Omit<Event, "at">
    : never
  : never

/** Publishes an event of this request, dated now. */
export const publishEvent = (context: RequestContext, event: UndatedEvent): Effect.Effect<void> =>
  // Every member of the union lacks just its date.
  publishTo(context.events, { at: DateTime.unsafeMake(now(context)), ...event } as SessionEvent)

/** The fields of an event that name a user and where the request came from, as far as they are known. */
export const clientOf = (
  context: RequestContext,
  userId: string | null
): { readonly userId?: string; readonly clientAddress?: string } => {
  const clientAddress = context.ipAddress()
  if (clientAddress === null) return userId === null ? {} : { userId }
  return userId === null ? { clientAddress } : { userId, clientAddress }
}
