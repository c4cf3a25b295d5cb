/** How the tests use a socket: a function for what comes, and a function that sends. */

import * as Effect from "effect/Effect"
import type * as Socket from "effect/socket/Socket"

type Data = Uint8Array | string

/** Reads messages until the socket is closed. */
export const runRaw = <A, E, R>(
  socket: Socket.Socket,
  handle: (data: Data) => Effect.Effect<A, E, R>
): Effect.Effect<void, Socket.SocketError | E, R> =>
  Effect.scoped(
    Effect.flatMap(socket.reader, ({ pull }) =>
      Effect.forever(
        Effect.flatMap(pull, (messages) => Effect.forEach(messages, handle, { discard: true }))
      )
    )
  )

export const run = runRaw

/** What sends a message. */
export const writerOf = (socket: Socket.Socket) =>
  Effect.map(
    socket.writer,
    ({ write }) =>
      (chunk: Data): Effect.Effect<void, Socket.SocketError> =>
        write(chunk)
  )
