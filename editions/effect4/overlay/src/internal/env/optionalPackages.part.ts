/** The optional packages, at the versions that fit this library: npm's newest may be for another Effect. */
const versions = {
  effect: "4.1",
  "@effect/platform-node": "4.1",
  "@effect/sql-pg": "4",
  redis: "6"
} as const
