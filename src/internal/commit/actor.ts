/** Who was there, for events: the user and the client's address, as far as they are known. */
import type { Cell } from "./cell.js"

/** The fields of an event that name a user and where the request came from. */
export const actor = (
  cell: Cell,
  userId: string | null
): { readonly userId?: string; readonly clientAddress?: string } => {
  const clientAddress = cell.surroundings.ipAddress()
  return {
    ...(userId === null ? {} : { userId }),
    ...(clientAddress === null ? {} : { clientAddress })
  }
}
