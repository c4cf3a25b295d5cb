/**
 * Tells when the connection of a request has become a websocket. What the client asks for says nothing about it, and
 * neither does the response: only the socket of the request does, once it is open.
 */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as Socket from "@effect/platform/Socket"
import * as Effect from "effect/Effect"

type Request = HttpServerRequest.HttpServerRequest

/**
 * Calls `accepted` when the handshake of this request has succeeded, maybe more than once. A request that asks for no
 * upgrade is left as it is: no server can upgrade it.
 */
export const watchUpgrade = (request: Request, accepted: () => void): void => {
  if (request.headers.upgrade !== undefined) watch(request, accepted)
}

/** Changes the request itself: on every mount the handler finds this object, or a copy that `modify` has made of it. */
const watch = (request: Request, accepted: () => void): Request => {
  const { modify, upgrade } = request
  shadow(
    request,
    "upgrade",
    Effect.map(upgrade, (socket) => watched(socket, accepted))
  )
  shadow(request, "modify", (options) => watch(modify.call(request, options), accepted))
  return request
}

/** A request that lets nothing be changed stays as it is, and is committed like any other. */
const shadow = <Name extends "upgrade" | "modify">(
  request: Request,
  name: Name,
  value: Request[Name]
): void => {
  Reflect.defineProperty(request, name, { value, configurable: true, writable: true })
}

/** The handshake is made when the socket is run, not when it is taken. */
const watched = (socket: Socket.Socket, accepted: () => void): Socket.Socket => ({
  ...socket,
  run: (handler, options) => socket.run(after(accepted, handler), opening(accepted, options)),
  runRaw: (handler, options) => socket.runRaw(after(accepted, handler), opening(accepted, options)),
  // A write waits until the socket is open, and may be done before `onOpen` runs.
  writer: Effect.map(socket.writer, (write) => (chunk) => Effect.tap(write(chunk), accepted))
})

/** A first message may come before `onOpen` runs. */
const after =
  <Data, A>(accepted: () => void, handler: (data: Data) => A) =>
  (data: Data): A => {
    accepted()
    return handler(data)
  }

type RunOptions = Parameters<Socket.Socket["run"]>[1]

const opening = (accepted: () => void, options: RunOptions): RunOptions => ({
  ...options,
  onOpen: Effect.zipRight(Effect.sync(accepted), options?.onOpen ?? Effect.void)
})
