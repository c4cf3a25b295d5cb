/** One list for each column. */
const listsOf = (rows: ReadonlyArray<GivenRow>, width: number): ReadonlyArray<string> =>
  [
    rows.map(({ id }) => id),
    rows.map(({ version }) => version),
    rows.map(({ now }) => now),
    ...Array.from({ length: width }, (_, index) => rows.map(({ values }) => values[index] ?? null))
  ].map(literalOf)

/** A list as text: the driver reads the type of an array from its elements, and cannot where all of them are null. */
const literalOf = (elements: ReadonlyArray<unknown>): string => {
  const quoted = elements.map((element) =>
    element === null ? "NULL" : `"${String(element).replace(/["\\]/g, "\\$&")}"`
  )
  return `{${quoted.join(",")}}`
}
