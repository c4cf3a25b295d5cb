/** The context of a request: what the middleware stands on, and what is known of the client. */

import { IncomingMessage } from "node:http"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { clientAddress, userAgentText } from "../../core/http/address.js"
import type { RequestContext } from "../commit/RequestContext.js"
import { type CompiledSettings, compile } from "../config/compile.js"
import { SessionConfig } from "../config/tag.js"
import { clockOf, type RunningFiber, referenceOf, serviceOf } from "../effect/fiber.js"
import { requestOf } from "../effect/requestFiber.js"
import { SessionEvents } from "../events/hub.js"
import type { LocalInstant, Service } from "../store/contract.js"
import { inTime } from "../store/deadline.js"
import { localNow } from "../store/revocations.js"
import { SessionStore } from "../store/tag.js"

/** The store, the settings and the hub of a middleware. */
export interface MiddlewareContext {
  readonly store: Service
  readonly settings: CompiledSettings
  readonly events: RequestContext["events"]
}

/** Finds the context of the middleware that a request runs through. */
export type FindContext = (fiber: RunningFiber) => MiddlewareContext

/** An app finds its context where it runs. */
export const contextOf: FindContext = (fiber) => ({
  store: inTime(serviceOf(fiber, SessionStore)),
  settings: compile(referenceOf(fiber, SessionConfig)),
  events: referenceOf(fiber, SessionEvents)
})

/** A layer finds its context where it is built; that holds for all its requests. */
export const builtContext: Effect.Effect<FindContext, never, SessionStore> = Effect.map(
  Effect.all([SessionStore, SessionConfig, SessionEvents]),
  ([store, settings, events]) => {
    const context = { store: inTime(store), settings: compile(settings), events }
    return () => context
  }
)

/** Makes the context of the request that a fiber answers. */
export const requestContextOf = (
  fiber: RunningFiber,
  context: MiddlewareContext
): HttpRequestContext => new HttpRequestContext(context, clockOf(fiber), requestOf(fiber))

/** The context of a request that came over HTTP. */
export class HttpRequestContext implements RequestContext {
  readonly store: Service
  readonly settings: CompiledSettings
  readonly events: RequestContext["events"]
  readonly began: LocalInstant = localNow()
  private address: string | null | undefined

  constructor(
    { events, settings, store }: MiddlewareContext,
    readonly clock: Clock.Clock,
    readonly request: HttpServerRequest.HttpServerRequest
  ) {
    this.store = store
    this.settings = settings
    this.events = events
  }

  ipAddress(): string | null {
    if (this.address === undefined) {
      const socket = peerOf(this.request)
      const forwardedFor = this.request.headers["x-forwarded-for"]
      const { isTrustedProxy: isTrusted } = this.settings
      this.address = clientAddress({ socket, forwardedFor, isTrusted }) ?? null
    }
    return this.address
  }

  userAgent(): string | null {
    return userAgentText(this.request.headers["user-agent"]) ?? null
  }

  host(): string | undefined {
    return hostOf(this.request)
  }
}

/** The host a request was sent to. HTTP/2 has it in a header of its own, a web handler in the URL. */
export const hostOf = ({
  headers,
  originalUrl
}: HttpServerRequest.HttpServerRequest): string | undefined =>
  headers[":authority"] ?? headers.host ?? /^https?:\/\/([^/?#]+)/i.exec(originalUrl)?.[1]

/** The socket's own peer: `remoteAddress` is what `HttpMiddleware.xForwardedHeaders` was told by anybody. */
const peerOf = ({ remoteAddress, source }: HttpServerRequest.HttpServerRequest) =>
  source instanceof IncomingMessage
    ? source.socket.remoteAddress
    : Option.getOrUndefined(remoteAddress)
