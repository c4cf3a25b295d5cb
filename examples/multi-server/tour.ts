/** The tour of the example: what it says at each step is what happened. */
import type { Cluster } from "./cluster.js"
import { makeVisitor } from "./visitor.js"

/** Logs in on one server, shops on the other, kills one, ends a session from the admin page; tells each step. */
export const tour = async (cluster: Cluster, tell: (line: string) => void): Promise<void> => {
  const ada = makeVisitor(cluster.url)
  const first = await ada.look()
  tell(`A guest's page was made by ${first.server}.`)

  await ada.send("/login", { user: "ada" })
  await ada.look()
  const loggedIn = await ada.look()
  tell(`Ada logged in; ${loggedIn.server} knows ${loggedIn.user}.`)

  await ada.send("/cart", { item: "apple" })
  await ada.look()
  await ada.send("/cart", { item: "pear" })
  const shopped = await ada.look()
  tell(`Whichever server took them, ${shopped.server} shows ${shopped.cart.join(" and ")}.`)

  await cluster.kill("one")
  const survived = await ada.look()
  tell(`Server one was killed; ${survived.server} still knows ${survived.user}.`)

  const admin = makeVisitor(cluster.url)
  const { sessions } = await admin.look("/admin")
  const hers = sessions.find(({ who }) => who === "ada")
  await admin.send("/admin/revoke", { id: hers?.id ?? "" })
  const after = await ada.look()
  tell(
    `Her session was ended from the admin page; ${after.server} sees ${after.user ?? "a guest"}.`
  )
}
