/** What the middleware stands on, whatever request comes, and what a cell knows of its request. */
import { IncomingMessage } from "node:http"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { clientAddress, userAgentText } from "../../core/http/address.js"
import type { Surroundings } from "../commit/cell.js"
import { type Compiled, compile } from "../config/settings.js"
import { SessionConfig } from "../config/tag.js"
import { SessionEvents } from "../events/hub.js"
import type { LocalInstant, Service } from "../store/contract.js"
import { localNow } from "../store/revocations.js"
import { SessionStore } from "../store/tag.js"

/** The store, the settings and the hub of a middleware. */
export interface Place {
  readonly store: Service
  readonly compiled: Compiled
  readonly events: Surroundings["events"]
}

/** The fiber of a request. */
export type Running = Fiber.RuntimeFiber<unknown, unknown>

/** Finds the place of an app that runs in this fiber; events go to the hub of the fiber. */
export const placeOf = (fiber: Running): Place => ({
  // The type of whoever calls this says that the store is provided.
  store: Context.unsafeGet(fiber.currentContext, SessionStore),
  compiled: compile(Context.get(fiber.currentContext as Context.Context<never>, SessionConfig)),
  events: undefined
})

/** The place of a layer: what it is built with holds for all its requests. */
export const built: Effect.Effect<() => Place, never, SessionStore> = Effect.map(
  Effect.all([SessionStore, SessionConfig, SessionEvents]),
  ([store, settings, events]) => {
    const place: Place = { store, compiled: compile(settings), events }
    return () => place
  }
)

/** Puts the request of the running fiber into a place. */
export const surround = (fiber: Running, place: Place): RequestSurroundings =>
  new RequestSurroundings(
    place,
    Context.get(fiber.getFiberRef(DefaultServices.currentServices), Clock.Clock),
    Context.unsafeGet(fiber.currentContext, HttpServerRequest.HttpServerRequest)
  )

/** What a cell knows of its request. */
export class RequestSurroundings implements Surroundings {
  readonly store: Service
  readonly compiled: Compiled
  readonly events: Surroundings["events"]
  readonly began: LocalInstant = localNow()
  private address: string | null | undefined

  constructor(
    place: Place,
    readonly clock: Clock.Clock,
    readonly request: HttpServerRequest.HttpServerRequest
  ) {
    this.store = place.store
    this.compiled = place.compiled
    this.events = place.events
  }

  ipAddress(): string | null {
    if (this.address === undefined) {
      const socket = peerOf(this.request)
      const forwardedFor = this.request.headers["x-forwarded-for"]
      const { isTrustedProxy: isTrusted } = this.compiled
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

/** The host a request was sent to. A web handler is given it in the URL, mostly without the header. */
export const hostOf = ({
  headers,
  originalUrl
}: HttpServerRequest.HttpServerRequest): string | undefined =>
  headers.host ?? /^https?:\/\/([^/?#]+)/i.exec(originalUrl)?.[1]

/** The socket's own peer: `remoteAddress` is whatever `HttpMiddleware.xForwardedHeaders` was told by anybody. */
const peerOf = ({ remoteAddress, source }: HttpServerRequest.HttpServerRequest) =>
  source instanceof IncomingMessage
    ? source.socket.remoteAddress
    : Option.getOrUndefined(remoteAddress)
