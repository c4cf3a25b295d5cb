/**
 * The scripts that the server runs. Each is one atomic step. What several of them do stands first, in parts: a script is
 * compiled once, but its functions are made anew for each call, so it begins with the parts that it needs.
 *
 * Keys, below the store's base `{prefix}`, whose braces put all of them into one slot of a cluster:
 *
 * - `s:<id>` is the text of a session (`format.ts`), `p:<previous id>` the id it leads to, `t:<id>` a sealed token.
 * - `l:<namespace>` and `u:<namespace and user>` hold the ids by the number that a session is given when it begins (`serial`) and
 *   keeps under every id, so a listing shows a session once, whatever happens to it meanwhile.
 * - `a:<namespace>` holds the ids by last activity. A score never falls, and a move raises it, so a listing that goes upwards
 *   misses no session that changes meanwhile, but may see it again.
 * - `x:<namespace>` holds what has not ended by its expiry, or by one of the hour before, and `e:<namespace>` what has ended by its
 *   end. A member is the id and, behind a colon, the user, so that `collect` finds each entry of a session that the server has
 *   deleted already.
 * - `n` holds the namespaces, `r:<namespace and user>` the newest revocations.
 *
 * The server deletes a session when the contract would. It counts the time that is left from its own clock, so a server or an
 * app whose clock is wrong neither keeps a session longer nor deletes it earlier.
 */
import { createHash } from "node:crypto"

/** A script: what the server is sent the first time, and the digest by which it knows it from then on. */
export interface Script {
  readonly text: string
  readonly digest: string
}

/** The store's keys, and the time of the caller. */
const keys = `
local base, now, keep = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local hour, day = 3600000, 86400000

local function keyOf(kind, name) return base .. ':' .. kind .. ':' .. name end
local function userKey(kind, ns, user) return keyOf(kind, #ns .. ':' .. ns .. ':' .. user) end
`

/** Reading a session. */
const reading = `${keys}
local function headOf(id)
  local text = redis.call('GETRANGE', keyOf('s', id), 0, 1535)
  if text == '' then return nil end
  local first = string.find(text, '\\n', 70, true)
  local second = first and string.find(text, '\\n', first + 1, true)
  if second then return string.sub(text, 1, second) end
  return redis.call('GET', keyOf('s', id))
end

-- What another text of the session says in the same words is not read again.
local function parse(text, like)
  local flags = tonumber(string.sub(text, 1, 1))
  local r = {
    version = tonumber(string.sub(text, 2, 18)),
    last = tonumber(string.sub(text, 19, 35)),
    expires = tonumber(string.sub(text, 36, 52)),
    ended = tonumber(string.sub(text, 53, 69))
  }
  if not (flags and r.version and r.last and r.expires) then return nil end
  r.sealed = flags == 2
  local first = string.find(text, '\\n', 70, true)
  local second = first and string.find(text, '\\n', first + 1, true)
  if not second then return nil end
  r.head = string.sub(text, 1, second)
  r.identity = string.sub(text, 70, first)
  if like and like.identity == r.identity then
    r.id, r.ns, r.user = like.id, like.ns, like.user
  else
    local isRead, identity = pcall(cjson.decode, r.identity)
    if not isRead then return nil end
    r.id, r.ns = identity[1], identity[2]
    if identity[3] ~= cjson.null then r.user = identity[3] end
  end
  local comma = string.find(text, ',', first + 1, true)
  if comma and comma < second then
    local isRead, rest = pcall(cjson.decode, string.sub(text, first + 1, second))
    if not isRead then return nil end
    r.previous, r.untilMillis = rest[2], rest[4]
  end
  return r
end

local function isLive(r) return not r.ended and r.expires > now end
`

/**
 * Storing a session. A record that is over when it is stored waits an hour for `collect`. An index outlives its last session by at
 * most a day.
 */
const storing = `${reading}
local function digits(number) return string.format('%17.0f', number) end

local function read(id)
  local head = headOf(id)
  if not head then return nil end
  local r = parse(head)
  if not r then error('CORRUPT') end
  return r
end

local function timeLeft(r)
  local left = (r.ended or r.expires) + keep - now
  return left > 0 and left or hour
end

local function memberOf(r)
  if r.user then return r.id .. ':' .. r.user end
  return r.id
end

local function hold(key, left)
  if redis.call('PTTL', key) < left + hour then redis.call('PEXPIRE', key, left + day) end
end

-- Of a session that stays where it is, only its activity is noted as long as its expiry moves on within an hour: collect may come
-- early, and looks at the session itself.
local function link(r, serial, score, expiredBefore)
  local activity = keyOf('a', r.ns)
  redis.call('ZADD', activity, 'GT', math.max(score or r.last, r.last), r.id)
  if expiredBefore and expiredBefore <= r.expires
    and math.floor(expiredBefore / hour) == math.floor(r.expires / hour) then return end
  local byTime, at = 'x', r.expires
  if r.ended then byTime, at = 'e', r.ended end
  local times = keyOf(byTime, r.ns)
  redis.call('ZADD', times, at, memberOf(r))
  local user = r.user and userKey('u', r.ns, r.user)
  if serial then
    redis.call('ZADD', keyOf('l', r.ns), serial, r.id)
    if user then redis.call('ZADD', user, serial, r.id) end
    redis.call('SADD', base .. ':n', r.ns)
  end
  local left = timeLeft(r)
  hold(times, left)
  hold(activity, left)
  hold(keyOf('l', r.ns), left)
  if user then hold(user, left) end
end

local function release(r)
  if r.previous and redis.call('GET', keyOf('p', r.previous)) == r.id then
    redis.call('DEL', keyOf('p', r.previous))
  end
end

local function unlink(ns, id, user, member)
  redis.call('ZREM', keyOf('x', ns), member)
  redis.call('ZREM', keyOf('e', ns), member)
  redis.call('ZREM', keyOf('a', ns), id)
  redis.call('ZREM', keyOf('l', ns), id)
  if user then redis.call('ZREM', userKey('u', ns, user), id) end
end

local function store(r, text, token, serial, score, expiredBefore)
  local left = timeLeft(r)
  redis.call('SET', keyOf('s', r.id), text, 'PX', left)
  if token ~= '' and r.untilMillis > now then
    redis.call('SET', keyOf('t', r.id), token, 'PX', r.untilMillis - now)
  end
  if r.previous then redis.call('SET', keyOf('p', r.previous), r.id, 'PX', left) end
  link(r, serial, score, expiredBefore)
end

-- Where the last number was lost, numbers go on far above all that there were.
local function newSerial()
  local serial = redis.call('INCR', base .. ':serial')
  if serial > 1 then return serial end
  local time = redis.call('TIME')
  serial = time[1] * 1000000 + time[2]
  redis.call('SET', base .. ':serial', serial)
  return serial
end
`

/** Ending a session. */
const ending = `${storing}
local function erase(r)
  redis.call('DEL', keyOf('s', r.id), keyOf('t', r.id))
  release(r)
  unlink(r.ns, r.id, r.user, memberOf(r))
end

-- Ends a session that has not ended yet. Where the memory is full and nothing can be kept of it, it is deleted.
local function finish(r)
  local at = math.min(now, r.expires)
  if at + keep <= now then return erase(r) end
  local text = '1' .. digits(r.version) .. digits(r.last) .. digits(r.expires) .. digits(at)
    .. r.identity .. '[0]\\n'
  local ended = { id = r.id, ns = r.ns, user = r.user, last = r.last, expires = r.expires, ended = at }
  local set = redis.pcall('SET', keyOf('s', r.id), text, 'PX', timeLeft(ended))
  if type(set) == 'table' and set.err then return erase(r) end
  redis.call('DEL', keyOf('t', r.id))
  release(r)
  redis.call('ZREM', keyOf('x', r.ns), memberOf(r))
  link(ended)
end
`

/** Going through many sessions. */
const listing = `
local function ownerOf(member)
  if #member > 40 then return string.sub(member, 1, 40), string.sub(member, 42) end
  return member
end

-- The rank of the first member behind a position, also where that position is empty by now. No two sessions have one number.
local function rankAfter(key, score, member, isByNumber)
  if member ~= '' and isByNumber then return redis.call('ZCOUNT', key, '-inf', score) end
  if member == '' then return redis.call('ZCOUNT', key, '-inf', '(' .. score) end
  local low = redis.call('ZCOUNT', key, '-inf', '(' .. score)
  local high = redis.call('ZCOUNT', key, '-inf', score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if redis.call('ZRANGE', key, middle, middle)[1] <= member then low = middle + 1 else high = middle end
  end
  return low
end

-- Members and their scores in turn, then where to go on.
local function membersAfter(key, score, member, limit, isByNumber)
  local from = rankAfter(key, score, member, isByNumber)
  local found = redis.call('ZRANGE', key, from, from + limit - 1, 'WITHSCORES')
  if #found < 2 * limit then return found, '', '' end
  return found, found[#found], found[#found - 1]
end
`

const script = (text: string): Script => ({
  text,
  digest: createHash("sha1").update(text).digest("hex")
})

/** `id`: the text of the session, or the text and its sealed token. */
export const find = script(`${reading}
local id = ARGV[3]
local text = redis.call('GET', keyOf('s', id))
local expires = text and tonumber(string.sub(text, 36, 52))
if text and expires and (expires <= now or tonumber(string.sub(text, 53, 69))) then text = false end
if not text then
  id = redis.call('GET', keyOf('p', id))
  text = id and redis.call('GET', keyOf('s', id))
  if not text then return false end
  local r = parse(text)
  if r and not (isLive(r) and r.previous == ARGV[3] and r.untilMillis > now) then return false end
end
local flags = string.sub(text, 1, 1)
if flags == '2' then return { text, redis.call('GET', keyOf('t', id)) } end
return text
`)

/** `text`, `token`: 1 if the id was free. */
export const insert = script(`${storing}
local r = parse(ARGV[3])
if redis.call('EXISTS', keyOf('s', r.id)) == 1 then return 0 end
store(r, ARGV[3], ARGV[4], newSerial())
return 1
`)

/** `text`, `token`, `id`, `version`: 1 if the live session `id` had that version. The text may have another id. */
export const replace = script(`${storing}
local text, token, old = ARGV[3], ARGV[4], read(ARGV[5])
if not old or not isLive(old) or old.version ~= tonumber(ARGV[6]) then return 0 end
local r = parse(text, old)
local moves = r.id ~= old.id
if moves and redis.call('EXISTS', keyOf('s', r.id)) == 1 then return 0 end
local stays = not moves and old.ns == r.ns and old.user == r.user and not r.ended
local serial = not stays and (redis.call('ZSCORE', keyOf('l', old.ns), old.id) or newSerial())
local score = moves and (redis.call('ZSCORE', keyOf('a', old.ns), old.id) or old.last) + 1 / 1024
store(r, text, token, serial, score, stays and old.expires)
if old.previous and old.previous ~= r.previous then release(old) end
if old.sealed and (moves or token == '') then redis.call('DEL', keyOf('t', old.id)) end
if moves then redis.call('DEL', keyOf('s', old.id)) end
if moves or old.ns ~= r.ns then
  unlink(old.ns, old.id, old.user, memberOf(old))
elseif old.user ~= r.user then
  redis.call('ZREM', keyOf('x', old.ns), memberOf(old))
  if old.user then redis.call('ZREM', userKey('u', old.ns, old.user), old.id) end
end
return 1
`)

/** `id`, `version`, `lastActivity`, `expires`: 1 if the live session had that version. */
export const touch = script(`${storing}
local r = read(ARGV[3])
if not r or not isLive(r) or r.version ~= tonumber(ARGV[4]) then return 0 end
local last, expires = math.max(r.last, tonumber(ARGV[5])), math.max(r.expires, tonumber(ARGV[6]))
if last == r.last and expires == r.expires then return 1 end
local expiredBefore = r.expires
r.last, r.expires = last, expires
redis.call('SETRANGE', keyOf('s', r.id), 18, digits(last) .. digits(expires))
redis.call('PEXPIRE', keyOf('s', r.id), timeLeft(r))
if r.previous then redis.call('PEXPIRE', keyOf('p', r.previous), timeLeft(r)) end
link(r, nil, nil, expiredBefore)
return 1
`)

/** `id`: the head of the live session that was ended. */
export const remove = script(`${ending}
local id = ARGV[3]
local head = headOf(id)
if not head then
  id = redis.call('GET', keyOf('p', id))
  head = id and headOf(id)
  if not head then return false end
end
local r = parse(head)
if not r then
  redis.call('DEL', keyOf('s', id), keyOf('t', id))
  return false
end
if r.id ~= ARGV[3] and r.previous ~= ARGV[3] then return false end
if r.ended then
  if r.ended + keep <= now then erase(r) end
  return false
end
finish(r)
return r.expires > now and r.head
`)

const position = `${listing}
local ns, index = ARGV[3], string.sub(ARGV[4], 1, 1)
local key = index == 'u' and userKey('u', ns, string.sub(ARGV[4], 2)) or keyOf(index, ns)
local members, score, member = membersAfter(key, ARGV[5], ARGV[6], tonumber(ARGV[7]), index ~= 'a')
`

/**
 * `namespace`, `index` (`l`, `a`, or `u` and the user), the `score` and `member` to go on after, `limit`: where to go on, then the
 * number and the head of each session. An index entry without a session is dropped: the server has deleted the session, at its
 * expiry or for want of memory.
 */
export const page = script(`${reading}${position}
local answer = { score, member }
for at = 1, #members, 2 do
  local id = members[at]
  local head = headOf(id)
  if head then
    answer[#answer + 1] = index == 'a' and redis.call('ZSCORE', keyOf('l', ns), id) or members[at + 1]
    answer[#answer + 1] = head
  else
    redis.call('ZREM', key, id)
  end
end
return answer
`)

/**
 * `namespace`, the user or nothing, the number to go on below, `limit`: where to go on, then the number and the head of each
 * session, the highest number first.
 */
export const pageBack = script(`${reading}
local ns, user = ARGV[3], ARGV[4]
local key = user == '' and keyOf('l', ns) or userKey('u', ns, user)
local found = redis.call('ZRANGE', key, ARGV[5], '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, ARGV[6], 'WITHSCORES')
local answer = { #found < 2 * tonumber(ARGV[6]) and '' or found[#found] }
for at = 1, #found, 2 do
  local head = headOf(found[at])
  if head then
    answer[#answer + 1] = found[at + 1]
    answer[#answer + 1] = head
  else
    redis.call('ZREM', key, found[at])
  end
end
return answer
`)

/** As `page`, then `activeSince` and `except`: where to go on, then how many live sessions were ended. */
export const removePage = script(`${ending}${position}
local since, except, count = tonumber(ARGV[8]), ARGV[9], 0
for at = 1, #members, 2 do
  local id = members[at]
  local head = headOf(id)
  local r = head and parse(head)
  if not head then
    redis.call('ZREM', key, id)
  elseif r and isLive(r) and r.last >= since and r.id ~= except and r.previous ~= except then
    finish(r)
    count = count + 1
  end
end
return { score, member, count }
`)

/** Gives the namespaces. */
export const namespaces = script(`${keys}
return redis.call('SMEMBERS', base .. ':n')`)

/** `namespace`, `limit`: how many sessions were collected, and how many entries were looked at. */
export const collect = script(`${ending}${listing}
local ns, limit, count = ARGV[3], tonumber(ARGV[4]), 0
local function forget(member)
  local id, user = ownerOf(member)
  unlink(ns, id, user, member)
  count = count + 1
end
local function recordOf(id)
  local head = headOf(id)
  return head and parse(head)
end
local due = redis.call('ZRANGEBYSCORE', keyOf('e', ns), '-inf', now - keep, 'LIMIT', 0, limit)
for _, member in ipairs(due) do
  local r = recordOf((ownerOf(member)))
  if r and r.ended then erase(r) end
  forget(member)
end
local expired = redis.call('ZRANGEBYSCORE', keyOf('x', ns), '-inf', now, 'LIMIT', 0, limit - #due)
for _, member in ipairs(expired) do
  local r = recordOf((ownerOf(member)))
  if not r then
    forget(member)
  elseif r.ended or memberOf(r) ~= member then
    redis.call('ZREM', keyOf('x', ns), member)
  elseif isLive(r) then
    redis.call('ZADD', keyOf('x', ns), r.expires, member)
  else
    finish(r)
    count = count + 1
  end
end
if redis.call('EXISTS', keyOf('l', ns), keyOf('x', ns), keyOf('e', ns)) == 0 then redis.call('SREM', base .. ':n', ns) end
return { count, #due + #expired }
`)

/**
 * `namespace`, `user`, `except` or nothing: remembers a revocation, dated by the server. Two are kept: the newest, which answers
 * for every session but the one that it spared, and the newest that did not spare that one.
 */
export const revoke = script(`${keys}
local key, except, time = userKey('r', ARGV[3], ARGV[4]), ARGV[5], redis.call('TIME')
local marks = redis.call('HMGET', key, 'except', 'at')
if marks[1] and marks[1] ~= except then redis.call('HSET', key, 'otherExcept', marks[1], 'otherAt', marks[2]) end
redis.call('HSET', key, 'except', except, 'at', time[1] * 1000000 + time[2])
redis.call('PEXPIRE', key, day)
return 1
`)

/** `namespace`, `user`, `except` or nothing: how many microseconds ago the user was revoked, if so within a day. */
export const revoked = script(`${keys}
local marks = redis.call('HMGET', userKey('r', ARGV[3], ARGV[4]), 'except', 'at', 'otherExcept', 'otherAt')
local at = marks[2]
if at and marks[1] ~= '' and marks[1] == ARGV[5] then at = marks[4] end
if not at then return false end
local time = redis.call('TIME')
return tostring(time[1] * 1000000 + time[2] - at)
`)

/** `text`: the same, after it was stored by a command that needs Redis 6.2. */
export const prove = script(`${keys}
redis.call('SET', base .. ':proof', ARGV[3], 'PX', 1000, 'GET')
return redis.call('GET', base .. ':proof')
`)
