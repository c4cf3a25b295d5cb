/** Requests that `fetch` would not send: any header, any method, a body in pieces, a body that never ends. */
import { Agent, type OutgoingHttpHeaders, request } from "node:http"

export interface RawRequest {
  readonly method?: string
  readonly path: string
  readonly headers?: OutgoingHttpHeaders
  /** Sent one by one, each in a turn of its own. */
  readonly pieces?: ReadonlyArray<string | Buffer>
  /** Leaves the request without its end. */
  readonly unfinished?: boolean
  readonly agent?: Agent
}

export interface RawAnswer {
  readonly status: number
  readonly text: string
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
}

/** Sends one request to a server at `url` and gives its answer. */
export const send = (url: string, options: RawRequest): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    const { agent = new Agent(), headers = {}, method = "POST", path, pieces = [] } = options
    const { hostname, port } = new URL(url)
    const outgoing = request({ hostname, port, method, path, headers, agent }, (incoming) => {
      let text = ""
      incoming.setEncoding("utf8")
      incoming.on("data", (chunk) => {
        text += chunk
      })
      incoming.on("end", () => {
        resolve({ status: incoming.statusCode ?? 0, text, headers: incoming.headers })
        if (options.unfinished === true) outgoing.destroy()
      })
    })
    outgoing.on("error", reject)
    const next = (index: number): void => {
      if (index < pieces.length) {
        outgoing.write(pieces[index])
        setImmediate(next, index + 1)
      } else if (options.unfinished === true) {
        outgoing.flushHeaders()
      } else {
        outgoing.end()
      }
    }
    next(0)
  })

/** A multipart body: fields, then files, with its content type. */
export const multipart = (
  fields: ReadonlyArray<readonly [string, string]>,
  files: ReadonlyArray<readonly [string, string, Buffer]> = [],
  order: "fieldsFirst" | "filesFirst" = "fieldsFirst"
): { readonly type: string; readonly body: Buffer } => {
  const boundary = "----boundaryOfTheTests"
  const fieldParts = fields.map(([name, value]) =>
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
    )
  )
  const fileParts = files.map(([name, filename, content]) =>
    Buffer.concat([
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\n` +
          "Content-Type: application/octet-stream\r\n\r\n"
      ),
      content,
      Buffer.from("\r\n")
    ])
  )
  const parts =
    order === "fieldsFirst" ? [...fieldParts, ...fileParts] : [...fileParts, ...fieldParts]
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    body: Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)])
  }
}
