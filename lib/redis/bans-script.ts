import { createHash } from 'node:crypto'

/**
 * Bans of all nodes, in one slot: changes in, what changed since out, in one call.
 *
 * KEYS: `meta` (hash: epoch, seq), `rows` (hash: name to row), `log` (sorted set: name by the number of its last
 * change), `ends` (sorted set: name by the time at which its row may go). A row is JSON `[name, at, since, until, kind,
 * reason, times, remembered]`, times in milliseconds by Redis; a lift is a row as well, of the kind `lift`, kept
 * for a day or for as long as the ban would have lasted: a node that was away cannot bring back what was lifted.
 *
 * ARGV: JSON `{ changes, from, limit, most, epoch }` and the channel. A change is a row; a negative `at` is what a node
 * thinks that the time was here, a positive one was told by Redis. The later change of a name wins; what a node
 * did less than a second ago it did now, so that calls decide the order, not clocks. Of changes that lose, the row
 * that won is answered. `epoch` names the contents: with other contents numbers begin anew. What is accepted is
 * published, with its first and last number.
 *
 * Answers JSON `[epoch, seq, now, last, rows]`: rows with numbers above `from`, at most `limit`, the last of them `last`.
 */
export const BANS_SCRIPT = `
local meta, rows, log, ends = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local input, channel = cjson.decode(ARGV[1]), ARGV[2]
local DAY = 86400000
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function text (number)
  return string.format('%.0f', number)
end

local function drop (names)
  if #names == 0 then return end
  redis.call('HDEL', rows, unpack(names))
  redis.call('ZREM', log, unpack(names))
  redis.call('ZREM', ends, unpack(names))
end

drop(redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 500))
local epoch = redis.call('HGET', meta, 'epoch') or ''
local seq = tonumber(redis.call('HGET', meta, 'seq') or '0')
local first = seq + 1
local accepted, won = {}, {}

for _, c in ipairs(input.changes) do
  local name, kind, reason = c[1], c[5], c[6]
  local lift = kind == 'lift'
  local raw = redis.call('HGET', rows, name)
  local known = raw and cjson.decode(raw)
  local at = math.min(math.abs(c[2]), now)
  if c[2] < 0 and at > now - 1000 then at = math.max(now, known and known[2] + 1 or 0) end
  local same = known and known[5] == kind and known[6] == reason and (lift or math.abs(known[4] - c[4]) < 1000)
  if same or (known and (at < known[2] or (at == known[2] and not lift))) then
    won[#won + 1] = raw
  elseif lift or c[4] > now then
    local ending = c[4]
    if lift then ending = math.max(known and known[4] or 0, now + DAY) end
    local row = cjson.encode({ name, at, c[3], ending, kind, reason, c[7], c[8] })
    seq = seq + 1
    redis.call('HSET', rows, name, row)
    redis.call('ZADD', log, text(seq), name)
    redis.call('ZADD', ends, text(ending), name)
    accepted[#accepted + 1] = row
  end
end

if #accepted > 0 then
  if epoch == '' then epoch = input.epoch end
  local over = redis.call('ZCARD', ends) - input.most
  if over > 0 then drop(redis.call('ZRANGE', ends, 0, math.min(over, 1000) - 1)) end
  redis.call('HSET', meta, 'epoch', epoch, 'seq', text(seq))
  local top = redis.call('ZREVRANGE', ends, 0, 0, 'WITHSCORES')
  local expires = text((tonumber(top[2]) or now) + DAY)
  for _, key in ipairs(KEYS) do redis.call('PEXPIREAT', key, expires) end
  redis.call('PUBLISH', channel, '["' .. epoch .. '",' .. text(first) .. ',' .. text(seq) .. ',[' .. table.concat(accepted, ',') .. ']]')
end

local last = seq
if input.from >= 0 then
  local found = redis.call('ZRANGEBYSCORE', log, '(' .. text(input.from), '+inf', 'WITHSCORES', 'LIMIT', 0, input.limit)
  for i = 1, #found, 2 do
    local raw = redis.call('HGET', rows, found[i])
    if raw then won[#won + 1] = raw end
    if #found == input.limit * 2 then last = tonumber(found[i + 1]) end
  end
end
return '["' .. epoch .. '",' .. text(seq) .. ',' .. text(now) .. ',' .. text(last) .. ',[' .. table.concat(won, ',') .. ']]'
`

export const BANS_SHA = createHash('sha1').update(BANS_SCRIPT).digest('hex')
