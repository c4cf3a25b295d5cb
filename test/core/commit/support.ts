/** The values that a commit is made of, each as small as its test needs it. */
import type {
  IdChange,
  Intent,
  PlanContext,
  Policy,
  Position,
  Stored,
  StoredPosition
} from "../../../src/core/commit/model.js"
import { noOperations, takesNothing } from "../../../src/core/commit/model.js"
import { sealToken } from "../../../src/core/record/encryption.js"
import type { PreviousId, SessionRecord } from "../../../src/core/record/record.js"
import { makeCommitId, makeToken, tokenId } from "../../../src/core/record/token.js"
import type { Json } from "../../../src/core/session/json.js"
import { adding, type Operation, pushing } from "../../../src/core/session/operation.js"
import { initial, type State } from "../../../src/core/session/state.js"
import { aRecord } from "../../support/record.js"

export const minute = 60_000
export const hour = 60 * minute

/** The instant at which everything here happens, unless a test says otherwise. */
export const now = 500 * 24 * hour

export const policy: Policy = {
  namespace: "session",
  idleMillis: 2 * hour,
  absoluteMillis: 12 * hour,
  touchMillis: minute,
  graceMillis: minute / 2,
  quarantineMillis: minute,
  maxPayloadBytes: 65_536,
  keyring: undefined
}

/** What an unwritten session looks like. */
const empty = initial("the secret of an unwritten session", now)

export const aState = (given: Partial<State> = {}): State => ({
  ...initial("secret", now),
  ...given
})

export const browser = { ipAddress: "192.0.2.1", userAgent: "browser" }

export interface StoredOptions extends Partial<SessionRecord> {
  readonly state?: Partial<State> | undefined
  readonly commits?: Stored["commits"] | undefined
  readonly origin?: Stored["origin"] | undefined
}

/** A guest's session that begins now. */
export const aStored = ({
  state,
  commits = "",
  origin = null,
  ...record
}: StoredOptions = {}): Stored => {
  const expiresAtMillis = (record.lastActivityMillis ?? now) + policy.idleMillis
  return {
    record: aRecord({ nowMillis: now, expiresAtMillis, ...record }),
    state: aState(state),
    commits,
    origin
  }
}

/** A session with the changes that another request has made to it. */
export const later = (stored: Stored, { state, commits, ...record }: StoredOptions): Stored => ({
  ...stored,
  record: { ...stored.record, version: stored.record.version + 1, ...record },
  state: { ...stored.state, ...state },
  commits: commits ?? stored.commits
})

/** The position of a request that came with the cookie of a stored session. */
export const at = (stored: Stored, given: Partial<Position> = {}): StoredPosition => ({
  token: makeToken(),
  id: stored.record.id,
  tokenFrom: "client",
  ...given,
  stored
})

/** The position of a request that came without a session. */
export const nowhere = (): Position => {
  const token = makeToken()
  return { stored: null, token, id: tokenId(token, policy.namespace), tokenFrom: "here" }
}

/** A change to a new id. */
export const aChange = (
  kind: IdChange["kind"],
  reason: IdChange["reason"] = kind === "alias" ? "migrate" : "regenerate"
): IdChange => {
  const { id, token } = nowhere()
  return { id, token, kind, reason }
}

/** What a session remembers once it was moved away from where a request stands. */
export const movedFrom = (
  { id, token }: Position,
  change: IdChange
): Pick<SessionRecord, "id" | "previous"> => {
  const sealedToken = change.kind === "alias" ? sealToken(token, change.token, change.id) : null
  const previous: PreviousId = { id, kind: change.kind, untilMillis: now + minute, sealedToken }
  return { id: change.id, previous }
}

export interface IntentOptions extends Partial<Omit<Intent, "operations">> {
  readonly operations?: ReadonlyArray<Operation> | Intent["operations"] | undefined
}

/** What the end of a request commits. */
export const anIntent = ({ operations = [], ...given }: IntentOptions = {}): Intent => ({
  commitId: makeCommitId(now, "0writer"),
  verb: "commit",
  operations: typeof operations === "function" ? operations : () => operations,
  predicted: null,
  change: null,
  unseen: noOperations,
  takes: {
    operations: typeof operations === "function" ? [] : operations,
    change: given.change ?? null
  },
  ...given
})

/** What the library commits by itself, such as a touch: nothing that is pending. */
export const apart = (verb: Intent["verb"], operations: IntentOptions["operations"] = []): Intent =>
  anIntent({ verb, operations, takes: takesNothing })

export interface ContextOptions extends Partial<Policy> {
  readonly nowMillis?: number | undefined
  readonly client?: Stored["origin"]
}

export const aContext = ({
  nowMillis = now,
  client,
  ...changes
}: ContextOptions = {}): PlanContext => ({
  policy: { ...policy, ...changes },
  client: () => client ?? browser,
  empty,
  nowMillis
})

export const start: Operation = { _tag: "start" }

export const put = (name: string, value: Json, ttlMillis: number | null = null): Operation => ({
  _tag: "put",
  path: [name],
  value,
  ttlMillis,
  seen: [],
  atMillis: now
})

export const forget = (name: string): Operation => ({ _tag: "forget", paths: [[name]], seen: [] })

const modify = (name: string, change: ReturnType<typeof adding>): Operation => ({
  _tag: "modify",
  path: [name],
  change,
  seen: [],
  atMillis: now
})

export const increment = (name: string): Operation => modify(name, adding(1))

export const push = (name: string, value: Json): Operation => modify(name, pushing(value))

export const login = (userId: string, atMillis = now): Operation => ({
  _tag: "login",
  userId,
  csrfSecret: "the secret of a login",
  atMillis
})

export const lock = (owner: string, atMillis = now): Operation => ({
  _tag: "lock",
  owner,
  untilMillis: atMillis + minute,
  atMillis
})
