/**
 * Cases that fail today because of a bug that is known: each runs as a test that must fail, so that the repair shows.
 * Delete the line with the repair.
 */
export const known: ReadonlySet<string> = new Set<string>([])
