/** All tests of the suite, by topic. */
import { analyticsTests } from "./analytics.js"
import { collectTests } from "./collect.js"
import { entriesTests } from "./entries.js"
import type { Test } from "./harness.js"
import { insertTests } from "./insert.js"
import { keepEndedTests } from "./keepEnded.js"
import { keepEndedAnalyticsTests } from "./keepEndedAnalytics.js"
import { moveTests } from "./move.js"
import { pageTests } from "./page.js"
import { removeTests } from "./remove.js"
import { revokeTests } from "./revoke.js"
import { roundTripTests } from "./roundTrip.js"
import { touchTests } from "./touch.js"
import { updateTests } from "./update.js"

/** The tests of each topic. */
export type Topics = Readonly<Record<string, ReadonlyArray<Test>>>

/** For a store that keeps nothing of an ended session. */
export const topics: Topics = {
  "insert and find": insertTests,
  update: updateTests,
  "move and the previous id": moveTests,
  "remove and removeWhere": removeTests,
  touch: touchTests,
  "what a record may contain": roundTripTests,
  entries: entriesTests,
  page: pageTests,
  "revokeUser and revokedWithin": revokeTests,
  "count, addresses, hourly and usage": analyticsTests,
  collect: collectTests
}

/** For a store that keeps ended sessions for seven days: what `keepEnded` can change. */
export const keepEndedTopics: Topics = {
  "insert and find": insertTests,
  update: updateTests,
  "move and the previous id": moveTests,
  "remove and removeWhere": removeTests,
  "revokeUser and revokedWithin": revokeTests,
  "count, addresses, hourly and usage": analyticsTests,
  "ended sessions": keepEndedTests,
  "figures of ended sessions": keepEndedAnalyticsTests
}
