/** What can happen to a session, as data. */

/**
 * Something that happened to a session.
 *
 * `atMillis` is milliseconds since the Unix epoch by Effect's `Clock`. `clientAddress` is where the request came from, as
 * far as `SessionConfig.trustedProxies` reaches.
 *
 * @since 0.1.0
 * @category models
 */
export type SessionEvent = { readonly atMillis: number } & (
  | ({ readonly _tag: "Created"; readonly id: string } & Actor)
  | ({
      readonly _tag: "Regenerated"
      readonly id: string
      readonly from: string
      readonly reason: "login" | "regenerate" | "migrate" | "invalidate"
    } & Actor)
  | ({ readonly _tag: "Destroyed"; readonly id: string } & Actor)
  | { readonly _tag: "Expired"; readonly count: number }
  | {
      readonly _tag: "Revoked"
      readonly count: number
      readonly id?: string | undefined
      readonly userId?: string | undefined
    }
  | { readonly _tag: "ConflictReplayed"; readonly id: string; readonly attempts: number }
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
  | { readonly _tag: "PayloadDiscarded"; readonly id: string; readonly reason: string }
)

/** Where a request came from, if that is known. */
interface Client {
  readonly clientAddress?: string | undefined
}

/** Whose request it was: a guest has no `userId`. */
interface Actor extends Client {
  readonly userId?: string | undefined
}
