/** What can happen to a session, as data. */
import type * as DateTime from "effect/DateTime"

/**
 * Something that happened to a session: what, when (`at`, by Effect's `Clock`), to which session (`id`), who and from where.
 *
 * `userId` is the user of the session; a guest's has none. `clientAddress` is where the request came from, as far as
 * `SessionConfig.trustedProxies` reaches. `reason` says why.
 *
 * @since 0.1.0
 * @category models
 */
export type SessionEvent = { readonly at: DateTime.Utc } & (
  | ({ readonly _tag: "Created"; readonly id: string } & Actor)
  /** A login that was admitted, after the `Created` or `Regenerated` of its new id. */
  | ({ readonly _tag: "LoggedIn"; readonly id: string; readonly userId: string } & Client)
  /** The session has lost its user by a request of its own: by a login of somebody else, too. */
  | ({
      readonly _tag: "LoggedOut"
      readonly id: string
      readonly userId: string
      readonly reason: "logout" | "destroy" | "flush" | "login"
    } & Client)
  | ({
      readonly _tag: "Regenerated"
      readonly id: string
      readonly from: string
      readonly reason: "login" | "regenerate" | "migrate" | "invalidate"
    } & Actor)
  /** `limit`: a login beyond `maxSessionsPerUser` had its place. `refused`: the session of a login that was taken back. */
  | ({
      readonly _tag: "Destroyed"
      readonly id: string
      readonly reason: "logout" | "destroy" | "guard" | "limit" | "refused"
    } & Actor)
  | { readonly _tag: "Expired"; readonly count: number }
  /** Ended by `SessionAdmin`: `reason` is the call, `userId` or `id` whose sessions, `actor` who called it, if known. */
  | ({
      readonly _tag: "Revoked"
      readonly count: number
      readonly reason: "revoke" | "revokeUser" | "revokeOthers" | "revokeAll"
      readonly id?: string | undefined
      readonly actor?: string | undefined
    } & Actor)
  | ({ readonly _tag: "ConflictReplayed"; readonly id: string; readonly attempts: number } & Actor)
  | ({
      readonly _tag: "InvalidId"
      readonly reason: "malformed" | "ambiguous" | "unknown"
    } & Client)
  | ({ readonly _tag: "CsrfRejected"; readonly reason: string } & Actor)
  | ({
      readonly _tag: "GuardTripped"
      readonly id: string
      readonly guard: string
      readonly policy: "terminate" | "log"
    } & Actor)
  | ({ readonly _tag: "PayloadDiscarded"; readonly id: string; readonly reason: string } & Actor)
)

/** An event of one kind. */
export type EventOf<Tag extends SessionEvent["_tag"]> = Extract<SessionEvent, { _tag: Tag }>

/** Where a request came from, if that is known. */
interface Client {
  readonly clientAddress?: string | undefined
}

/** Whose session it was: a guest's has no `userId`. */
interface Actor extends Client {
  readonly userId?: string | undefined
}
