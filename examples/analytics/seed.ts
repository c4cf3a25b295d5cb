/** Makes up a day of an app: active, idle, expired and ended sessions, written through the store. */
import { createHash } from "node:crypto"
import { Clock, Effect } from "effect"
import { SessionStore } from "effect-session"

const minute = 60_000

/** A session. Its times are minutes before now. */
interface Seed {
  readonly user: string | null
  readonly address: string
  readonly agent: string
  readonly created: number
  readonly lastActivity: number
  /** The session was logged out. Otherwise it expires two hours after its last activity. */
  readonly isEnded?: boolean
}

const seeds: ReadonlyArray<Seed> = [
  { user: "ada", address: "192.0.2.10", agent: "Firefox", created: 180, lastActivity: 1 },
  { user: "ada", address: "198.51.100.7", agent: "Phone", created: 30, lastActivity: 2 },
  { user: "bob", address: "192.0.2.20", agent: "Chrome", created: 120, lastActivity: 5 },
  { user: null, address: "203.0.113.5", agent: "Chrome", created: 10, lastActivity: 10 },
  // Idle, but still logged in.
  { user: "dan", address: "192.0.2.40", agent: "Safari", created: 200, lastActivity: 60 },
  // Expired two hours ago.
  { user: "cyn", address: "192.0.2.30", agent: "Firefox", created: 300, lastActivity: 240 },
  {
    user: "bob",
    address: "192.0.2.20",
    agent: "Chrome",
    created: 90,
    lastActivity: 50,
    isEnded: true
  }
]

/** Writes the sessions into the store. */
export const seed = Effect.gen(function* () {
  const store = yield* SessionStore.SessionStore
  const now = yield* Clock.currentTimeMillis
  const ago = (minutes: number) => now - minutes * minute
  for (const [index, { user, address, agent, created, lastActivity, isEnded }] of seeds.entries()) {
    const id = createHash("sha256").update(`session ${index}`).digest("hex").slice(0, 40)
    yield* store.insert({
      id,
      namespace: "session",
      userId: user,
      ipAddress: address,
      userAgent: agent,
      createdAtMillis: ago(created),
      lastActivityMillis: ago(lastActivity),
      expiresAtMillis: ago(lastActivity - 120),
      endedAtMillis: null,
      version: 1,
      previous: null,
      payload: "{}"
    })
    if (isEnded === true) yield* store.remove(id)
  }
})
