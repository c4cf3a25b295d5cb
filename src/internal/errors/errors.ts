/**
 * The errors of the library, each tagged and named for who can act on it. Public modules re-export those they raise.
 * Messages are sentences that name the operation and never contain a token, a cookie, a key of encryption or a payload.
 */
import type * as HttpServerRespondable from "@effect/platform/HttpServerRespondable"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Respond from "./answers.js"

/** Why a store failed, for the operator. */
export const StoreFailureReason = Schema.Literal(
  "unavailable",
  "timeout",
  "corrupt",
  "tooLarge",
  "unknown"
)

/**
 * The store could not do what was asked: for the operator. Unhandled it answers 503 with `Retry-After`.
 *
 * `operation` is the store's verb (`find`, `update`, ...); `cause` keeps what the driver said.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionStoreError
  extends Schema.TaggedError<SessionStoreError>("effect-session/SessionStore/SessionStoreError")(
    "SessionStoreError",
    {
      operation: Schema.String,
      reason: StoreFailureReason,
      cause: Schema.optional(Schema.Defect)
    }
  )
  implements HttpServerRespondable.Respondable
{
  override get message(): string {
    return `The session store failed to ${this.operation}: ${this.reason}.`
  }
  [Respond.symbol]() {
    return Effect.succeed(Respond.storeAway)
  }
}

/**
 * The recorded operations no longer fit what other requests committed meanwhile, or the contention lasted too long.
 * Nothing was stored. Unhandled it answers 409.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionConflict
  extends Schema.TaggedError<SessionConflict>("effect-session/Session/SessionConflict")(
    "SessionConflict",
    { operation: Schema.String, reason: Schema.String }
  )
  implements HttpServerRespondable.Respondable
{
  override get message(): string {
    return `The session changed meanwhile and ${this.operation} could not be repeated: ${this.reason}.`
  }
  [Respond.symbol]() {
    return Respond.respond(409, "The session changed meanwhile. Please try again.")
  }
}

/**
 * A login was refused: the user has as many sessions as allowed (`limit`), or the user's sessions were revoked after
 * this request began (`revoked`). Nothing was stored. Unhandled it answers 403.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionRefused
  extends Schema.TaggedError<SessionRefused>("effect-session/Session/SessionRefused")(
    "SessionRefused",
    { reason: Schema.Literal("limit", "revoked") }
  )
  implements HttpServerRespondable.Respondable
{
  override get message(): string {
    return this.reason === "limit"
      ? "The login was refused: the user has as many sessions as allowed."
      : "The login was refused: the user's sessions were revoked after this request began."
  }
  [Respond.symbol]() {
    return Respond.respond(403, "The login was refused.")
  }
}

/**
 * A stored value does not have the shape the schema asks for: for the developer. Unhandled it answers 500.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionDecodeError
  extends Schema.TaggedError<SessionDecodeError>("effect-session/Session/SessionDecodeError")(
    "SessionDecodeError",
    { key: Schema.String, cause: Schema.optional(Schema.Defect) }
  )
  implements HttpServerRespondable.Respondable
{
  override get message(): string {
    return `The value stored under "${this.key}" does not have the shape its schema asks for.`
  }
  [Respond.symbol]() {
    return Respond.respond(500, "The session could not be read.")
  }
}

/**
 * A value cannot be stored: not JSON, deeper than 32 levels, or larger than a payload may be. Nothing was stored.
 * Raised as a defect by the operations, as a typed error by `Session.commit`. Unhandled it answers 500.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionEncodeError
  extends Schema.TaggedError<SessionEncodeError>("effect-session/Session/SessionEncodeError")(
    "SessionEncodeError",
    { operation: Schema.String, key: Schema.String, reason: Schema.String }
  )
  implements HttpServerRespondable.Respondable
{
  override get message(): string {
    const of = this.key === "" ? "" : ` of "${this.key}"`
    return `Session.${this.operation}${of} cannot be stored: ${this.reason}.`
  }
  [Respond.symbol]() {
    return Respond.respond(500, "The session could not be stored.")
  }
}

/**
 * A key is not a path into the session: an empty segment, a prototype's name, a word on a list, too many segments.
 * Raised as a defect; `Session.isKey` checks keys that come from outside. Unhandled it answers 500.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionKeyError
  extends Schema.TaggedError<SessionKeyError>("effect-session/Session/SessionKeyError")(
    "SessionKeyError",
    { operation: Schema.String, key: Schema.String, reason: Schema.String }
  )
  implements HttpServerRespondable.Respondable
{
  override get message(): string {
    return `Session.${this.operation} cannot use the key "${this.key}": ${this.reason}.`
  }
  [Respond.symbol]() {
    return Respond.respond(500, "The session could not be used.")
  }
}

/**
 * An operation met a value of another kind, such as `increment` on a text. The data is unchanged.
 * Unhandled it answers 500.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionTypeError
  extends Schema.TaggedError<SessionTypeError>("effect-session/Session/SessionTypeError")(
    "SessionTypeError",
    { operation: Schema.String, key: Schema.String, reason: Schema.String }
  )
  implements HttpServerRespondable.Respondable
{
  override get message(): string {
    const on = this.key === "" ? "what it was given" : `"${this.key}"`
    return `Session.${this.operation} does not fit ${on}: ${this.reason}.`
  }
  [Respond.symbol]() {
    return Respond.respond(500, "The session could not be used.")
  }
}

/**
 * The user must prove again who they are: nobody is logged in (`guest`), or the last login is too long ago (`stale`).
 * Unhandled it answers 403: RFC 9110 has that for credentials that do not suffice, while a 401 must name a scheme.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionReauthenticationRequired
  extends Schema.TaggedError<SessionReauthenticationRequired>(
    "effect-session/Session/SessionReauthenticationRequired"
  )("SessionReauthenticationRequired", { reason: Schema.Literal("guest", "stale") })
  implements HttpServerRespondable.Respondable
{
  override get message(): string {
    return this.reason === "guest"
      ? "A login is required: nobody is logged in."
      : "A new login is required: the last one is too long ago."
  }
  [Respond.symbol]() {
    return Respond.respond(403, "Please log in again to do this.")
  }
}

/**
 * A setting is wrong: for who deploys. `field` names the setting, the message says what to do.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionConfigError extends Schema.TaggedError<SessionConfigError>(
  "effect-session/SessionConfig/SessionConfigError"
)("SessionConfigError", { field: Schema.String, reason: Schema.String }) {
  override get message(): string {
    return `The session setting ${this.field} ${this.reason}`
  }
}
