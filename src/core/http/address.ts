/**
 * The client's address and user agent, made fit to be stored and compared.
 *
 * Everything here comes from outside and may be forged. An address is believed only as far as the chain of trusted
 * proxies reaches, and no input makes a function fail.
 */
import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from "node:net"

/** Tells whether a peer is a trusted proxy: by its address, or by how many proxies stand between it and the server. */
export type ProxyMatcher = (address: string, hop?: number) => boolean

const MAX_ADDRESS_TEXT = 128
const MAX_HOPS = 64
const MAX_USER_AGENT = 512
const MAPPED = "::ffff:"

/**
 * Makes the matcher for a list of addresses and CIDR ranges, IPv4 and IPv6, or for a number of proxies, of which the
 * socket's peer is the first. An empty list and 0 trust nobody.
 *
 * Gives `{ bad }` with the first entry that is neither an address nor a range, or with a number that is not from 0 to 64.
 */
export const makeProxyMatcher = (
  list: ReadonlyArray<string> | number
): ProxyMatcher | { readonly bad: string } => {
  if (typeof list === "number") {
    if (!Number.isInteger(list) || list < 0 || list > MAX_HOPS) return { bad: String(list) }
    return (_address, hop = 0) => hop < list
  }
  if (list.length === 0) return () => false
  // One list for each family, so that "::/0" never matches an IPv4 address.
  const blocks = { ipv4: new BlockList(), ipv6: new BlockList() }
  for (const entry of list) {
    const range = parseRange(entry.trim())
    if (range === undefined) return { bad: entry }
    blocks[range.family].addSubnet(range.address, range.bits, range.family)
  }
  return (text) => {
    const address = normalize(text)
    if (address === undefined) return false
    const family = familyOf(address)
    return blocks[family].check(address, family)
  }
}

const familyOf = (address: string): "ipv4" | "ipv6" => (isIPv4(address) ? "ipv4" : "ipv6")

const parseRange = (entry: string) => {
  const [text = "", bitsText, ...rest] = entry.split("/")
  if (rest.length > 0 || isIP(text) === 0 || text.includes("%")) return undefined
  const address = normalize(text)
  if (address === undefined) return undefined
  const family = familyOf(address)
  const written = isIPv6(text) ? 128 : 32
  const bits = bitsText === undefined ? written : parseBits(bitsText, written)
  if (bits === undefined) return undefined
  // An IPv4 range written as IPv6 ("::ffff:10.0.0.0/104") counts 96 bits more.
  const mapped = family === "ipv4" && written === 128 ? bits - 96 : bits
  return mapped < 0 ? undefined : { address, family, bits: mapped }
}

const parseBits = (text: string, most: number): number | undefined => {
  if (!/^(?:0|[1-9][0-9]{0,2})$/.test(text)) return undefined
  const bits = Number(text)
  return bits <= most ? bits : undefined
}

/**
 * Brings an address to its one form: no port, brackets or zone id, IPv6 compressed and in lower case, an IPv4 address
 * that is mapped into IPv6 as IPv4. At most 45 characters.
 *
 * Gives `undefined` for anything that is not an address.
 */
export const normalize = (text: string): string | undefined => {
  if (isIPv4(text)) return text
  // A server that listens on both families gives every IPv4 peer in this form.
  if (text.startsWith(MAPPED) && isIPv4(text.slice(MAPPED.length))) return text.slice(MAPPED.length)
  if (text.length > MAX_ADDRESS_TEXT) return undefined
  const host = withoutPort(text.trim())
  if (isIPv4(host)) return host
  if (!isIPv6(host)) return undefined
  const zone = host.indexOf("%")
  const bare = zone === -1 ? host : host.slice(0, zone)
  const { address } = new SocketAddress({ address: bare, family: "ipv6" })
  const inner = address.slice(MAPPED.length)
  return address.startsWith(MAPPED) && isIPv4(inner) ? inner : address
}

/** The host of `1.2.3.4:55`, `[::1]:55` or `[::1]`; any other text as it is. */
const withoutPort = (text: string): string => {
  const bracketed = /^\[([^\]]*)\](?::[0-9]{1,5})?$/.exec(text)
  if (bracketed !== null) return isIPv6(bracketed[1] ?? "") ? (bracketed[1] ?? "") : ""
  const withPort = /^([0-9.]+):[0-9]{1,5}$/.exec(text)
  return withPort?.[1] ?? text
}

/**
 * Finds the client's address: the socket's, or, behind trusted proxies, what they report in `X-Forwarded-For`.
 *
 * Each proxy appends the address that called it, so the header is read from the right. The first address that is not a
 * trusted proxy is the client. An entry that is not an address ends the search at the last trusted proxy, since anything
 * further left may be invented by the client. `Forwarded` and other headers are ignored.
 *
 * A peer without an address (a Unix socket, a web handler) is in no list, so its client is unknown. Only a number of proxies
 * reaches further.
 */
export const clientAddress = (source: {
  readonly socket: string | undefined
  readonly forwardedFor: string | undefined
  readonly isTrusted: ProxyMatcher
}): string | undefined => {
  let address = source.socket === undefined ? undefined : normalize(source.socket)
  if (source.forwardedFor === undefined) return address
  let end = source.forwardedFor.length
  // No real chain is longer; the bound keeps a forged header cheap.
  for (let hops = 0; hops < MAX_HOPS && end >= 0 && source.isTrusted(address ?? "", hops); hops++) {
    const comma = end === 0 ? -1 : source.forwardedFor.lastIndexOf(",", end - 1)
    const hop = normalize(source.forwardedFor.slice(comma + 1, end))
    if (hop === undefined) return address
    address = hop
    end = comma
  }
  return address
}

/** How many leading bits of an address count when two are compared. */
export interface Prefixes {
  readonly ipv4: number
  readonly ipv6: number
}

/** True when two addresses are of one family and agree in the leading bits that count for it. */
export const sameNetwork = (left: string, right: string, prefixes: Prefixes): boolean => {
  const [one, other] = [normalize(left), normalize(right)]
  if (one === undefined || other === undefined) return false
  if (one === other) return true
  const family = familyOf(one)
  if (family !== familyOf(other)) return false
  const network = new BlockList()
  network.addSubnet(one, prefixes[family], family)
  return network.check(other, family)
}

/**
 * Makes a `User-Agent` header fit to be stored: at most 512 characters, well-formed, without control characters.
 *
 * Gives `undefined` when nothing is left. The text is still the client's: escape it in a page.
 */
export const userAgentText = (text: string | undefined): string | undefined => {
  if (text === undefined) return undefined
  const cut = isPairAt(text, MAX_USER_AGENT - 1) ? MAX_USER_AGENT - 1 : MAX_USER_AGENT
  const clean = text
    .slice(0, cut)
    .replace(/\p{Cc}/gu, " ")
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .trim()
  return clean === "" ? undefined : clean
}

/** True when the two units at `index` are one character outside the basic plane. */
const isPairAt = (text: string, index: number): boolean => (text.codePointAt(index) ?? 0) > 0xffff
