/** A visitor that keeps a cookie and reads pages. The tour and the tests use it. */

/** What a visitor sees. */
export interface Sight {
  readonly status: number
  /** The server that made the page. */
  readonly server: string
  readonly user: string | undefined
  readonly cart: ReadonlyArray<string>
  /** The sessions on the admin page, each with its user and the id that ends it. */
  readonly sessions: ReadonlyArray<{ readonly who: string; readonly id: string }>
}

/** Makes a visitor of the site at `url`. */
export const makeVisitor = (url: string) => {
  let cookie = ""
  let token = ""

  const ask = async (path: string, init: RequestInit): Promise<Response> => {
    const answer = await fetch(url + path, {
      ...init,
      redirect: "manual",
      headers: { ...init.headers, ...(cookie === "" ? {} : { cookie }) }
    })
    const set = answer.headers.get("set-cookie")
    if (set !== null) cookie = set.startsWith("session=;") ? "" : (set.split(";", 1)[0] ?? "")
    return answer
  }

  const look = async (path = "/"): Promise<Sight> => {
    const answer = await ask(path, {})
    const page = await answer.text()
    token = /name="_token" value="([^"]+)"/.exec(page)?.[1] ?? ""
    return { status: answer.status, server: answer.headers.get("x-server") ?? "", ...read(page) }
  }

  /** Sends a form of the last page. Resolves to the status. */
  const send = async (path: string, fields: Readonly<Record<string, string>>): Promise<number> => {
    const body = new URLSearchParams({ ...fields, _token: token })
    const answer = await ask(path, { method: "POST", body, headers: { origin: url } })
    await answer.text()
    return answer.status
  }

  return { look, send }
}

const read = (page: string): Pick<Sight, "user" | "cart" | "sessions"> => ({
  user: /<b id="user">([^<]*)</.exec(page)?.[1],
  cart: Array.from(page.matchAll(/<li>([^<]*)</g), ([, item = ""]) => item),
  sessions: Array.from(
    page.matchAll(/<tr><td>([^<]*)<[\s\S]*?name="id" value="([^"]*)"/g),
    ([, who = "", id = ""]) => ({ who, id })
  )
})
