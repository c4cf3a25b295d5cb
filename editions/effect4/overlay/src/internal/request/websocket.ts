/**
 * Notices when the connection of a request becomes a websocket: its head leaves then, and no cookie can be sent any more.
 */

import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as Socket from "effect/socket/Socket"

type Request = HttpServerRequest.HttpServerRequest

/** Calls `accepted` when the handshake of a request that asks for one is done. */
export const watchUpgrade = (request: Request, accepted: () => void): void => {
  if (request.headers.upgrade !== undefined) watch(request, accepted)
}

/** Changes the request itself: on every mount the handler finds this object, or a copy that `modify` has made of it. */
const watch = (request: Request, accepted: () => void): Request => {
  const { modify, upgrade, upgradeWith } = request
  const watching = Effect.map((socket: Socket.Socket) => watched(socket, accepted))
  shadow(request, "upgrade", watching(upgrade))
  shadow(request, "upgradeWith", (options) => watching(upgradeWith.call(request, options)))
  shadow(request, "modify", (options) => watch(modify.call(request, options), accepted))
  return request
}

/** A request that lets nothing be changed stays as it is, and is committed like any other. */
const shadow = <Name extends "upgrade" | "upgradeWith" | "modify">(
  request: Request,
  name: Name,
  value: Request[Name]
): void => {
  Reflect.defineProperty(request, name, { value, configurable: true, writable: true })
}

/** The handshake is made when the reader is taken. A write waits until then, and may be done before the reader has it. */
const watched = (socket: Socket.Socket, accepted: () => void): Socket.Socket => {
  const noting = Effect.sync(accepted)
  return {
    ...socket,
    reader: Effect.tap(socket.reader, noting),
    writer: Effect.map(socket.writer, ({ write, writeAll }) => ({
      write: (chunk) => Effect.tap(write(chunk), noting),
      writeAll: (chunks) => Effect.tap(writeAll(chunks), noting)
    }))
  }
}
