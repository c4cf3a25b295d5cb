/** Helpers over plain objects. */

/** True for a record without keys. */
export const isEmpty = (record: Readonly<Record<string, unknown>>): boolean => {
  for (const _ in record) return false
  return true
}

/** The value of an own key, never that of a prototype. */
export const own = <A>(record: Readonly<Record<string, A>>, name: string): A | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined

/** A copy of a record without some of its own keys; the same record when it has none of them. */
export const omit = <A>(
  record: Readonly<Record<string, A>>,
  names: ReadonlyArray<string>
): Readonly<Record<string, A>> => {
  if (!names.some((name) => Object.hasOwn(record, name))) return record
  const result: Record<string, A> = { ...record }
  for (const name of names) delete result[name]
  return result
}
