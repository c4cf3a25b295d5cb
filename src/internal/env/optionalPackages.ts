/** The optional packages, at the versions that fit this library: npm's newest may be for another Effect. */
const versions = {
  "@effect/cli": "0.77",
  "@effect/platform-node": "0.108",
  "@effect/printer": "0.51",
  "@effect/printer-ansi": "0.51",
  "@effect/sql": "0.52",
  "@effect/sql-mysql2": "0.53",
  "@effect/sql-pg": "0.53",
  "@effect/sql-sqlite-node": "0.53",
  redis: "6"
} as const

/** The name of an optional package. */
export type OptionalPackage = keyof typeof versions

/** The command that installs these packages. */
export const installing = (names: ReadonlyArray<OptionalPackage>): string =>
  `npm install ${names.map((name) => `${name}@${versions[name]}`).join(" ")}`

/** Tells whether an error of `import` says that one of these packages is not installed. */
export const isNotInstalled = (error: unknown, names: ReadonlyArray<OptionalPackage>): boolean =>
  error instanceof Error &&
  "code" in error &&
  error.code === "ERR_MODULE_NOT_FOUND" &&
  names.some((name) => error.message.includes(name))
