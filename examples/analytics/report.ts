/** The figures that an operator of an app asks for. Each is one call of `SessionAdmin`. */
import { DateTime, Duration, Effect, Option } from "effect"
import { SessionAdmin } from "effect-session"

/** Who is here. */
const activeUsers = Effect.map(SessionAdmin.active({ within: "15 minutes" }), (sessions) =>
  sessions.map(({ ipAddress, lastActivity, userAgent, userId }) => {
    const [user, address, agent] = [userId, ipAddress, userAgent].map(Option.getOrElse(() => "-"))
    return `  ${user} at ${address} with ${agent}, seen at ${timeOf(lastActivity)}`
  })
)

/** How many sessions and users are active at once. */
const concurrent = Effect.gen(function* () {
  const sessions = yield* SessionAdmin.countActive({ within: "15 minutes" })
  const users = yield* SessionAdmin.countActiveUsers({ within: "15 minutes" })
  return `${sessions} sessions of ${users} users`
})

/** The hour with the most users. */
const peakHour = Effect.map(SessionAdmin.hourly({ within: "1 day" }), (hours) => {
  const peak = hours.reduce((most, hour) => (hour.users > most.users ? hour : most))
  return `${timeOf(peak.start)} UTC, ${peak.users} users in ${peak.sessions} sessions`
})

/** How long a session lasts on average. */
const averageDuration = Effect.map(
  SessionAdmin.averageDuration({ within: "7 days" }),
  Option.match({
    onNone: () => "no sessions",
    onSome: (duration) => `${Math.round(Duration.toMinutes(duration))} minutes`
  })
)

/** Users who came from several addresses. */
const severalAddresses = Effect.map(SessionAdmin.suspicious({ within: "1 hour" }), (users) =>
  users.map(({ addresses, userId }) => `  ${userId}: ${addresses.join(", ")}`)
)

const timeOf = (instant: DateTime.Utc): string => DateTime.formatIso(instant).slice(11, 16)

/** The figures as lines of text. */
export const report = Effect.gen(function* () {
  const { ended, sessions } = yield* SessionAdmin.usage
  return [
    "Active within 15 minutes:",
    ...(yield* activeUsers),
    `Concurrent: ${yield* concurrent}`,
    `Peak hour: ${yield* peakHour}`,
    `Average duration: ${yield* averageDuration}`,
    "From several addresses within an hour:",
    ...(yield* severalAddresses),
    `Stored: ${sessions} live and ${ended} ended sessions`
  ]
})

/** Ends all sessions of a user and says how many there were. */
export const forceLogout = (userId: string) =>
  Effect.map(
    SessionAdmin.revokeUser(userId),
    (count) => `Logged ${userId} out of ${count} sessions.`
  )
