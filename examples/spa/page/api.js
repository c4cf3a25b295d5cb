const api = document.querySelector("meta[name=api]").content
let csrfToken = ""

const send = (method, path, body) =>
  fetch(`${api}${path}`, {
    method,
    credentials: "include", // else the browser sends and keeps no cookie
    headers: { "content-type": "application/json", "x-csrf-token": csrfToken },
    body: body && JSON.stringify(body)
  })

const answerOf = async (response) => {
  if (!response.ok) throw new Error(`The answer was ${response.status}.`)
  const answer = await response.json()
  csrfToken = answer.csrfToken ?? csrfToken // from /session, /login and /logout
  return answer
}

export const session = () => send("GET", "/session").then(answerOf)

export const post = async (path, body) => {
  const response = await send("POST", path, body)
  if (response.status !== 403) return answerOf(response)
  await session() // the token was too old
  return answerOf(await send("POST", path, body))
}
