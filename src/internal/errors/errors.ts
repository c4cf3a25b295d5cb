/**
 * The errors of the library, each tagged. Public modules re-export those they raise.
 *
 * A name that ends in `Error` is for the developer or the operator: something is wrong that one of them can repair. Any
 * other name says how a request ended (`SessionConflict`, `SessionRefused`), which the app may want to answer itself.
 *
 * Messages are sentences that name the operation. They never contain a token, a cookie, an encryption key or a payload.
 *
 * Each error says what an HTTP client is told of it, and how it is encoded. A `cause` is in neither: it may hold the text of
 * a driver, with the name of a host or of a user. It stays on the error, for logs.
 */
import type * as HttpServerRespondable from "@effect/platform/HttpServerRespondable"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Answers from "./answers.js"
import { whenEncoded } from "./whenEncoded.js"

/** Why a store failed. */
export const StoreFailureReason = Schema.Literal(
  "unavailable",
  "timeout",
  "corrupt",
  "tooLarge",
  "unknown"
)

/**
 * The store could not do what was asked: for the operator. Unhandled it is logged, and answers 503 with `Retry-After`.
 *
 * `operation` is the verb of the store or the session (`find`, `commit`, ...). `cause` keeps what the driver said, for logs:
 * it is no part of the schema, so it is never sent to a client. Where a request encodes the error, as an `HttpApi` that declares
 * it does, the error is logged with its cause.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionStoreError
  extends Schema.TaggedError<SessionStoreError>("effect-session/SessionStore/SessionStoreError")(
    "SessionStoreError",
    { operation: Schema.String, reason: StoreFailureReason },
    Answers.storeAway.annotations("SessionStoreError")
  )
  implements HttpServerRespondable.Respondable
{
  /** Encoded it goes on without its cause, so it is logged then. */
  static override readonly ast = whenEncoded(super.ast, ({ logged }: SessionStoreError) => logged)
  // What is decoded has no cause, and `told` is all that the schema knows.
  // @effect-diagnostics-next-line overriddenSchemaConstructor:off
  constructor(
    {
      cause,
      ...told
    }: {
      readonly operation: string
      readonly reason: typeof StoreFailureReason.Type
      readonly cause?: unknown
    },
    options?: Schema.MakeOptions
  ) {
    super(told, options)
    if (cause !== undefined) Object.defineProperty(this, "cause", { value: cause })
  }
  override get message(): string {
    return `The session store failed to ${this.operation}: ${this.reason}.`
  }
  /** @internal */
  get logged(): Effect.Effect<void> {
    return Effect.logError("A request ended with a failure of the session store", Cause.fail(this))
  }
  [Answers.symbol]() {
    return Effect.zipRight(this.logged, Answers.storeAway.respond)
  }
}

/**
 * Another request of the session came first, and nothing was stored. Unhandled it answers 409.
 *
 * Either what this request recorded no longer fits what is stored now, or too many requests wrote at once, or, with
 * `serialize`, another request still held the lock.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionConflict
  extends Schema.TaggedError<SessionConflict>("effect-session/Session/SessionConflict")(
    "SessionConflict",
    { operation: Schema.String, reason: Schema.String },
    Answers.conflicted.annotations("SessionConflict")
  )
  implements HttpServerRespondable.Respondable
{
  override get message(): string {
    return `Another request of the session came first, so ${this.operation} could not be done: ${this.reason}.`
  }
  [Answers.symbol]() {
    return Answers.conflicted.respond
  }
}

const refused = Answers.answer(403, "The login was refused.", "SessionRefused")

/**
 * A login was refused. Unhandled it answers 403.
 *
 * `limit`: the user has as many sessions as `maxSessionsPerUser` allows, with `onLimit: "reject"`. `revoked`: the user's
 * sessions were revoked after this request began. Nobody is logged in.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionRefused
  extends Schema.TaggedError<SessionRefused>("effect-session/Session/SessionRefused")(
    "SessionRefused",
    { reason: Schema.Literal("limit", "revoked") },
    refused.annotations("SessionRefused")
  )
  implements HttpServerRespondable.Respondable
{
  override get message(): string {
    return this.reason === "limit"
      ? "The login was refused: the user has as many sessions as allowed."
      : "The login was refused: the user's sessions were revoked after this request began."
  }
  [Answers.symbol]() {
    return refused.respond
  }
}

const unread = Answers.answer(500, "The session could not be read.", "SessionDecodeError")

/**
 * A stored value does not have the shape that its schema asks for: for the developer. Unhandled it answers 500.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionDecodeError
  extends Schema.TaggedError<SessionDecodeError>("effect-session/Session/SessionDecodeError")(
    "SessionDecodeError",
    { key: Schema.String },
    unread.annotations("SessionDecodeError")
  )
  implements HttpServerRespondable.Respondable
{
  override get message(): string {
    return `The value stored under "${this.key}" does not have the shape its schema asks for.`
  }
  [Answers.symbol]() {
    return unread.respond
  }
}

/**
 * A value cannot be stored: it is not JSON, deeper than 32 levels, or larger than a payload may be. Unhandled it answers
 * 500.
 *
 * A defect where an operation is given such a value, a failure of `Session.commit` where the whole payload is too large.
 * Nothing was stored.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionEncodeError
  extends Schema.TaggedError<SessionEncodeError>("effect-session/Session/SessionEncodeError")(
    "SessionEncodeError",
    { operation: Schema.String, key: Schema.String, reason: Schema.String },
    Answers.unstored.annotations("SessionEncodeError")
  )
  implements HttpServerRespondable.Respondable
{
  override get message(): string {
    const of = this.key === "" ? "" : ` of "${this.key}"`
    return `Session.${this.operation}${of} cannot be stored: ${this.reason}.`
  }
  [Answers.symbol]() {
    return Answers.unstored.respond
  }
}

const misused = "The session could not be used."

const badKey = Answers.answer(500, misused, "SessionKeyError")

/**
 * A key is not a path into the session: it has an empty segment, the name of a prototype, a word on a list, or too many
 * segments. Unhandled it answers 500.
 *
 * Always a defect. `Session.isKey` checks keys that come from outside.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionKeyError
  extends Schema.TaggedError<SessionKeyError>("effect-session/Session/SessionKeyError")(
    "SessionKeyError",
    { operation: Schema.String, key: Schema.String, reason: Schema.String },
    badKey.annotations("SessionKeyError")
  )
  implements HttpServerRespondable.Respondable
{
  override get message(): string {
    return `Session.${this.operation} cannot use the key "${this.key}": ${this.reason}.`
  }
  [Answers.symbol]() {
    return badKey.respond
  }
}

const badType = Answers.answer(500, misused, "SessionTypeError")

/**
 * An operation does not fit what it met or what it was given. The data is unchanged. Unhandled it answers 500.
 *
 * A failure where the stored value is of another kind, such as for `increment` of a text. A defect where an argument is
 * wrong, such as an empty user id or something that is not a duration.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionTypeError
  extends Schema.TaggedError<SessionTypeError>("effect-session/Session/SessionTypeError")(
    "SessionTypeError",
    { operation: Schema.String, key: Schema.String, reason: Schema.String },
    badType.annotations("SessionTypeError")
  )
  implements HttpServerRespondable.Respondable
{
  override get message(): string {
    const on = this.key === "" ? "what it was given" : `"${this.key}"`
    return `Session.${this.operation} does not fit ${on}: ${this.reason}.`
  }
  [Answers.symbol]() {
    return badType.respond
  }
}

const unauthenticated = Answers.answer(401, "Please log in.", "SessionUnauthenticated")

/**
 * Nobody is logged in. Unhandled it answers 401.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionUnauthenticated
  extends Schema.TaggedError<SessionUnauthenticated>(
    "effect-session/Session/SessionUnauthenticated"
  )("SessionUnauthenticated", {}, unauthenticated.annotations("SessionUnauthenticated"))
  implements HttpServerRespondable.Respondable
{
  override get message(): string {
    return "A login is required: nobody is logged in."
  }
  [Answers.symbol]() {
    return unauthenticated.respond
  }
}

const reauthenticate = Answers.answer(
  403,
  "Please log in again to do this.",
  "SessionReauthenticationRequired"
)

/**
 * The user must log in again: nobody is logged in (`guest`), or the last login is too long ago (`stale`). Unhandled it
 * answers 403.
 *
 * RFC 9110 has 403 for credentials that do not suffice. Where any login will do, `SessionUnauthenticated` answers 401.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionReauthenticationRequired
  extends Schema.TaggedError<SessionReauthenticationRequired>(
    "effect-session/Session/SessionReauthenticationRequired"
  )(
    "SessionReauthenticationRequired",
    { reason: Schema.Literal("guest", "stale") },
    reauthenticate.annotations("SessionReauthenticationRequired")
  )
  implements HttpServerRespondable.Respondable
{
  override get message(): string {
    return this.reason === "guest"
      ? "A login is required: nobody is logged in."
      : "A new login is required: the last one is too long ago."
  }
  [Answers.symbol]() {
    return reauthenticate.respond
  }
}

const misconfigured = Answers.answer(
  500,
  "The server is not configured correctly.",
  "SessionConfigError"
)

/**
 * A setting is wrong: for the developer or the operator. `field` names it, the message says what it must be.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionConfigError extends Schema.TaggedError<SessionConfigError>(
  "effect-session/SessionConfig/SessionConfigError"
)(
  "SessionConfigError",
  { field: Schema.String, reason: Schema.String },
  misconfigured.annotations("SessionConfigError")
) {
  override get message(): string {
    return `The session setting ${this.field} ${this.reason}`
  }
}
