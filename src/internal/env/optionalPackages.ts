/**
 * The optional packages at the versions that fit this library: what npm installs without being told may be for another
 * Effect.
 */
const versions = {
  "@effect/cli": "0.77",
  "@effect/platform-node": "0.108",
  "@effect/printer": "0.51",
  "@effect/printer-ansi": "0.51",
  "@effect/sql": "0.52",
  "@effect/sql-mysql2": "0.53",
  "@effect/sql-pg": "0.53",
  "@effect/sql-sqlite-node": "0.53"
} as const

/** One of them. */
export type OptionalPackage = keyof typeof versions

/** The command that installs them. */
export const installing = (names: ReadonlyArray<OptionalPackage>): string =>
  `npm install ${names.map((name) => `${name}@${versions[name]}`).join(" ")}`
