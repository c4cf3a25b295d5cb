/**
 * Reads the beginning of a request's body and puts it back, so that the handler reads the body as if nobody had: as text, as
 * a form, as a stream, and through a copy of the request that a router made for a mounted prefix.
 */
import { IncomingMessage } from "node:http"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"

/** The beginning of a body; `complete` when that is all of it. */
export interface Peek {
  readonly bytes: Uint8Array
  readonly complete: boolean
}

const nothing: Peek = { bytes: new Uint8Array(0), complete: false }

/**
 * Reads up to `limit` bytes of the body, or somewhat more, and puts them back.
 *
 * It never fails. A body that was read before, or that the server cannot take back, looks empty. If the client goes away
 * meanwhile, the request is interrupted: there is nobody left to answer.
 */
export const peek = (
  { source }: HttpServerRequest.HttpServerRequest,
  limit: number
): Effect.Effect<Peek> => {
  if (source instanceof IncomingMessage) return peekNode(source, limit)
  return source instanceof Request ? peekWeb(source, limit) : Effect.succeed(nothing)
}

const peekNode = (source: IncomingMessage, limit: number): Effect.Effect<Peek> => {
  if (source.readableEnded || source.readableEncoding !== null) return Effect.succeed(nothing)
  const reading = Effect.async<Peek>((resume) => {
    const chunks: Array<Buffer> = []
    let size = 0
    const stop = () => {
      source.off("readable", onReadable)
      source.off("error", onGone)
      source.off("close", onGone)
    }
    const onGone = () => {
      stop()
      resume(Effect.interrupt)
    }
    const onReadable = () => {
      // Never a read of the empty buffer: after the last byte that would announce the end, and nothing could be put back.
      while (size < limit && source.readableLength > 0) {
        const chunk: Buffer = source.read()
        chunks.push(chunk)
        size += chunk.length
      }
      const complete = source.complete && source.readableLength === 0
      if (!complete && size < limit) return
      stop()
      const bytes = Buffer.concat(chunks)
      // In the same turn as the read that emptied the buffer, for the same reason.
      if (bytes.length > 0) source.unshift(bytes)
      resume(Effect.succeed({ bytes, complete }))
    }
    source.on("readable", onReadable)
    source.on("error", onGone)
    source.on("close", onGone)
    if (source.destroyed) onGone()
    else onReadable()
    return Effect.sync(stop)
  })
  return Effect.tap(reading, ({ complete }) => (complete ? Effect.void : drainAtTheEnd(source)))
}

/** A server itself reads what a handler left unread, but not once somebody has begun to read it. */
const drainAtTheEnd = (source: IncomingMessage): Effect.Effect<void> =>
  Effect.contextWithEffect((context: Context.Context<never>) =>
    // Servers give each request a scope that ends after its response, even where no type asks for it.
    Option.match(Context.getOption(context as Context.Context<unknown>, Scope.Scope), {
      onNone: () => Effect.void,
      onSome: (scope) =>
        Scope.addFinalizer(
          scope,
          Effect.sync(() => source.resume())
        )
    })
  )

const peekWeb = (source: Request, limit: number): Effect.Effect<Peek> => {
  // The clone is read here; the original keeps all of the body.
  const half = source.bodyUsed ? null : source.clone().body
  if (half === null) return Effect.succeed(nothing)
  const read = Effect.tryPromise(async (): Promise<Peek> => {
    const reader: ReadableStreamDefaultReader<Uint8Array> = half.getReader()
    const chunks: Array<Uint8Array> = []
    let size = 0
    while (size < limit) {
      const { done, value } = await reader.read()
      if (done) return { bytes: Buffer.concat(chunks), complete: true }
      chunks.push(value)
      size += value.length
    }
    // Waits for the original to be read, so nobody waits for it.
    reader.cancel().catch(() => {})
    return { bytes: Buffer.concat(chunks), complete: false }
  })
  return Effect.catchAll(read, () => Effect.interrupt)
}
