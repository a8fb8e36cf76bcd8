import { createHash } from 'node:crypto'

/**
 * Bans of all nodes, in one slot: changes in, what changed since out, in one call. It takes about 7 microseconds a
 * change: what can be read or written at once is.
 *
 * KEYS: `meta` (hash: epoch, seq), `rows` (hash: name to row), `log` (sorted set: name by the number of its last
 * change), `ends` (sorted set: name by the time at which its row may go). A row is JSON `[name, at, since, until, kind,
 * reason, times, remembered]`, times in milliseconds by Redis; a lift is a row as well, of the kind `lift`, kept
 * for a day or for as long as the ban would have lasted: a node that was away cannot bring back what was lifted.
 *
 * ARGV: JSON `{ changes, from, limit, most, epoch, node }` and the channel. A change is a row, one for each name; a
 * negative `at` is what a node thinks that the time was here, a positive one was told by Redis. The later change of a
 * name wins; what a node did less than a second ago it did now, so that calls decide the order, not clocks. Of changes
 * that lose, the row that won is answered; of those that win, the row if its `at` is another than the node's. `epoch`
 * names the contents: with other contents numbers begin anew. What is accepted is published, with its first and last
 * number and the node.
 *
 * Answers JSON `[epoch, seq, now, last, rows]`: besides these, rows that others changed, with numbers above `from`, at
 * most `limit`; all numbers up to `last` are known then.
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

local function rowsOf (names)
  return #names == 0 and {} or redis.call('HMGET', rows, unpack(names))
end

drop(redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 500))
local epoch = redis.call('HGET', meta, 'epoch') or ''
local before = tonumber(redis.call('HGET', meta, 'seq') or '0')
local seq = before
local names, accepted, answered = {}, {}, {}
for i, c in ipairs(input.changes) do names[i] = c[1] end
local raws = rowsOf(names)
local fields, numbers, endings = {}, {}, {}

for i, c in ipairs(input.changes) do
  local name, kind, reason = c[1], c[5], c[6]
  local lift = kind == 'lift'
  local raw = raws[i]
  local known = raw and cjson.decode(raw)
  local at = math.min(math.abs(c[2]), now)
  if c[2] < 0 and at > now - 1000 then at = math.max(now, known and known[2] + 1 or 0) end
  local same = known and known[5] == kind and known[6] == reason and (lift or math.abs(known[4] - c[4]) < 1000)
  if same or (known and (at < known[2] or (at == known[2] and not lift))) then
    answered[#answered + 1] = raw
  elseif lift or c[4] > now then
    local ending = c[4]
    if lift then ending = math.max(known and known[4] or 0, now + DAY) end
    local row = cjson.encode({ name, at, c[3], ending, kind, reason, c[7], c[8] })
    seq = seq + 1
    local n = #fields
    fields[n + 1], fields[n + 2] = name, row
    numbers[n + 1], numbers[n + 2] = text(seq), name
    endings[n + 1], endings[n + 2] = text(ending), name
    accepted[#accepted + 1] = row
    if at ~= c[2] then answered[#answered + 1] = row end
  end
end

if #accepted > 0 then
  redis.call('HSET', rows, unpack(fields))
  redis.call('ZADD', log, unpack(numbers))
  redis.call('ZADD', ends, unpack(endings))
  if epoch == '' then epoch = input.epoch end
  local over = redis.call('ZCARD', ends) - input.most
  if over > 0 then drop(redis.call('ZRANGE', ends, 0, math.min(over, 1000) - 1)) end
  redis.call('HSET', meta, 'epoch', epoch, 'seq', text(seq))
  local top = redis.call('ZREVRANGE', ends, 0, 0, 'WITHSCORES')
  local expires = text((tonumber(top[2]) or now) + DAY)
  for _, key in ipairs(KEYS) do redis.call('PEXPIREAT', key, expires) end
  redis.call('PUBLISH', channel, '["' .. epoch .. '",' .. text(before + 1) .. ',' .. text(seq) .. ',[' .. table.concat(accepted, ',') .. '],"' .. input.node .. '"]')
end

local last = seq
if input.from >= 0 and input.from < before then
  local found = redis.call('ZRANGEBYSCORE', log, '(' .. text(input.from), text(before), 'WITHSCORES', 'LIMIT', 0, input.limit)
  if #found == input.limit * 2 then last = tonumber(found[#found]) end
  local listed = {}
  for i = 1, #found, 2 do listed[#listed + 1] = found[i] end
  for _, raw in ipairs(rowsOf(listed)) do
    if raw then answered[#answered + 1] = raw end
  end
end
return '["' .. epoch .. '",' .. text(seq) .. ',' .. text(now) .. ',' .. text(last) .. ',[' .. table.concat(answered, ',') .. ']]'
`

export const BANS_SHA = createHash('sha1').update(BANS_SCRIPT).digest('hex')
