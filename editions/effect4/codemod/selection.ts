/** Which files of the repository the edition has. */

/** Whether the edition has a file. */
export const isWanted = (path: string): boolean =>
  path.startsWith("src/") && !/^src\/(?:cli\.ts|internal\/cli\/)/.test(path)
