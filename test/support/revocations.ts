/** What logins may ask about a user who was revoked a moment ago. */
import { anId } from "../../src/internal/conformance/records.js"
import { LocalInstant, type Service } from "../../src/SessionStore.js"

type Asked = Parameters<Service["revokedWithin"]>[0]

const minuteMillis = 60_000

const shifted = (millis: number): LocalInstant => {
  const { monotonicMillis, wallMillis } = LocalInstant.now()
  return { monotonicMillis: monotonicMillis + millis, wallMillis: wallMillis + millis }
}

/** Six questions, and whether the answer is that the login was revoked; the revocation spared the session `spared`. */
export const questionsAbout = (
  user: Pick<Asked, "namespace" | "userId">,
  spared: string
): ReadonlyArray<{ readonly asked: Asked; readonly revoked: boolean }> => {
  const since = shifted(-minuteMillis)
  return [
    { asked: { ...user, since }, revoked: true },
    { asked: { ...user, since, exceptId: anId() }, revoked: true },
    { asked: { ...user, since, exceptId: spared }, revoked: false },
    { asked: { ...user, since: shifted(minuteMillis) }, revoked: false },
    { asked: { ...user, since, namespace: "another" }, revoked: false },
    { asked: { ...user, since, userId: `${user.userId} ` }, revoked: false }
  ]
}
