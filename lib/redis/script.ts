import { createHash } from 'node:crypto'

/**
 * Judges any number of requests, in their order, in one call.
 *
 * ARGV[1] is JSON: `[limits, operations]`. A limit is `[algorithm, window, max, burst, hold, want]`. Operations stand in
 * one flat list, each as its kind (0 take, 1 peek, 2 refund), of a refund the time it gives back from, how many asks it
 * has, and of each ask the numbers of limit and key, and the cost. The answer is a text of whole numbers with commas,
 * which Node reads faster than an array: the time; for each take or peek whether it passed, and for each of its asks
 * what is remaining, wait, next and reset - but a take that passed has no wait, and where it wants more what it got.
 *
 * The arithmetic is that of lib/limits/: see there for what it does and why. Redis does nothing else meanwhile, so what
 * a request costs here is what counts: states are packed, and of a sliding window only the newest bucket and the sum are
 * read as long as no bucket has expired. Of sliding windows that is sum, span, expiry and units of the newest bucket,
 * and when the state began, so that nothing is given back of what was taken before a reset; then expiry and units of each
 * older bucket, oldest first. Of fixed windows it is expiry and units; of gcra when it was written, and the milliseconds'
 * worth of units that were taken then. Every key expires with its state. States of one call are read once and written
 * once. Time is that of Redis alone, so nodes' clocks need not agree; should it be set back, nobody waits much longer
 * than a window.
 *
 * `hold`, at most a sixteenth of the window, keeps units for that much longer than the window, and `want` takes up to so
 * many more, of what is free at most a quarter: permits that a node may spend later without asking (see lease.ts).
 */
export const SCRIPT = `
local write, read, format, sub, floor, highest, lowest = struct.pack, struct.unpack, string.format, string.sub, math.floor, math.max, math.min
local SLIDING, FIXED = 0, 1
local HEAD, CELL, LEVEL = 26, 10, 14
-- Milliseconds that can be written as a whole number, and that gcra can come to.
local LONGEST, HIGHEST = 2 ^ 53 - 1, 1e22
local time = redis.call('TIME')
local now = time[1] * 1000 + floor(time[2] / 1000)
local limits, operations = unpack(cjson.decode(ARGV[1]))
local raws, states, kinds, changed = {}, {}, {}, {}
-- More than some 8000 values no function takes.
for first = 1, #KEYS, 1000 do
  local some = redis.call('MGET', unpack(KEYS, first, lowest(first + 999, #KEYS)))
  if first == 1 then raws = some else for i = 1, #some do raws[first + i - 1] = some[i] end end
end

-- See gcra.ts.
local function epsilonOf (interval)
  return lowest(0.01, highest(0.0001, interval / 8))
end

local function whole (ms, interval)
  return lowest(LONGEST, highest(0, math.ceil(ms - epsilonOf(interval))))
end

local function oldest (state)
  if state.older == '' then return state.expires end
  return (read('<I6', state.older))
end

-- The clock was set back: nothing lasts longer than if it had been taken now. That is written down, also where a request is
-- refused: its wait begins now, and not again with the next one.
local function shorten (state, latest)
  local parts = {}
  for at = 1, #state.older, CELL do
    local expires, count = read('<I6I4', state.older, at)
    parts[#parts + 1] = write('<I6I4', lowest(expires, latest), count)
  end
  state.older, state.expires = table.concat(parts), latest
end

local function readSliding (key, raw, window)
  local state = { sum = 0, span = 0, expires = 0, count = 0, began = now, older = '' }
  if not raw or #raw < HEAD or (#raw - HEAD) % CELL ~= 0 then return state end
  local sum, span, expires, count, began = read('<I4I6I6I4I6', raw)
  if expires <= now then return state end
  local at = HEAD + 1
  while at < #raw do
    local ends, units = read('<I6I4', raw, at)
    if ends > now then break end
    sum = sum - units
    at = at + CELL
  end
  state.sum, state.span, state.expires, state.count, state.began = highest(sum, count), span, expires, count, lowest(began, now)
  state.older = sub(raw, at)
  local latest = now + window + floor(window / 16)
  if expires > latest then
    shorten(state, latest)
    changed[key] = true
  end
  return state
end

-- Expired units are gone from what it answers.
local function load (key, kind, window)
  local state = states[key]
  if state then return state end
  local raw = raws[key]
  if kind == SLIDING then
    state = readSliding(key, raw, window)
  elseif kind == FIXED then
    state = { expires = 0, count = 0 }
    if raw and #raw == CELL then
      local expires, count = read('<I6I4', raw)
      if expires > now then state.expires, state.count = lowest(expires, now + window), count end
      if expires > now + window then changed[key] = true end
    end
  else
    state = { level = 0 }
    if raw and #raw == LEVEL then
      local written, level = read('<I6d', raw)
      state.level = lowest(HIGHEST, highest(0, level - highest(0, now - written)))
      if written > now then changed[key] = true end
    end
  end
  states[key], kinds[key] = state, kind
  return state
end

-- nil: never
local function waitOf (state, kind, window, max, burst, cost)
  if kind == SLIDING then
    local excess = state.sum + cost - max
    if excess <= 0 then return 0 end
    if cost > max then return nil end
    for at = 1, #state.older, CELL do
      local expires, count = read('<I6I4', state.older, at)
      excess = excess - count
      if excess <= 0 then return expires - now end
    end
    return state.expires - now
  elseif kind == FIXED then
    if state.count + cost <= max then return 0 end
    if cost > max then return nil end
    return state.expires - now
  end
  if max == 0 or cost > burst then return nil end
  local interval = window / max
  return whole(state.level + (cost - burst) * interval, interval)
end

local function take (state, kind, window, max, cost, hold)
  if kind == SLIDING then
    local expires = highest(now + window + hold, state.expires)
    local known = state.expires > 0
    local span = (known and state.sum > 0) and (state.span + expires - state.expires) or 0
    if known and span <= window / 16 then
      state.span, state.count = span, state.count + cost
    else
      if known then state.older = state.older .. write('<I6I4', state.expires, state.count) end
      state.span, state.count = 0, cost
    end
    state.expires, state.sum = expires, state.sum + cost
  elseif kind == FIXED then
    if state.count == 0 then state.expires = now + window end
    state.count = state.count + cost
  else
    state.level = state.level + cost * (window / max)
  end
end

local function refund (state, kind, window, max, cost, hold, at)
  if kind == SLIDING then
    local ends = at + window + hold
    if ends <= now or state.expires == 0 or at < state.began then return end
    for place = 1, #state.older, CELL do
      local expires, count = read('<I6I4', state.older, place)
      if expires >= ends then
        local given = lowest(count, cost)
        state.older = sub(state.older, 1, place - 1) .. write('<I6I4', expires, count - given) .. sub(state.older, place + CELL)
        state.sum = state.sum - given
        return
      end
    end
    if state.expires >= ends then
      local given = lowest(state.count, cost)
      state.count, state.sum = state.count - given, state.sum - given
    end
  elseif kind == FIXED then
    if state.count == 0 or at < state.expires - window then return end
    state.count = highest(0, state.count - cost)
  elseif max > 0 then
    state.level = highest(0, state.level - highest(0, cost * (window / max) - highest(0, now - at)))
  end
end

local function leftOf (state, kind, window, max, burst)
  if kind == SLIDING then
    if state.sum == 0 then return max, 0, 0 end
    return highest(0, max - state.sum), oldest(state) - now, state.expires - now
  elseif kind == FIXED then
    if state.count == 0 then return max, 0, 0 end
    return highest(0, max - state.count), state.expires - now, state.expires - now
  end
  if max == 0 then return 0, 0, 0 end
  local interval = window / max
  local taken = state.level
  local remaining = lowest(burst, highest(0, floor((burst * interval - taken + epsilonOf(interval)) / interval)))
  return remaining, remaining == burst and 0 or whole(taken - (burst - remaining - 1) * interval, interval), whole(taken, interval)
end

local answer = { format('%d', now) }
local i, last = 1, #operations
while i <= last do
  local kind, at = operations[i], 0
  i = i + 1
  if kind == 2 then
    at = operations[i]
    i = i + 1
  end
  local first = i + 1
  local ends = i + operations[i] * 3
  i = ends + 1
  local passed, waits = kind ~= 2, {}
  for a = first, ends, 3 do
    local l, key, cost = limits[operations[a]], operations[a + 1], operations[a + 2]
    local state = load(key, l[1], l[2])
    if kind == 2 then
      refund(state, l[1], l[2], l[3], cost, l[5], at)
      changed[key] = true
    else
      local wait = waitOf(state, l[1], l[2], l[3], l[4], cost)
      waits[a] = wait or l[2]
      passed = passed and wait == 0
    end
  end
  local takes = passed and kind == 0
  if kind ~= 2 then answer[#answer + 1] = passed and '1' or '0' end
  local granted = {}
  if takes then
    for a = first, ends, 3 do
      local l, key, cost = limits[operations[a]], operations[a + 1], operations[a + 2]
      local state = states[key]
      if l[6] > 0 then
        local free = leftOf(state, l[1], l[2], l[3], l[4]) - cost
        granted[a] = highest(0, lowest(l[6], floor(free / 4)))
        cost = cost + granted[a]
      end
      if (cost > 0) then
        take(state, l[1], l[2], l[3], cost, l[5])
        changed[key] = true
      end
    end
  end
  if kind ~= 2 then
    for a = first, ends, 3 do
      local l = limits[operations[a]]
      local remaining, next, reset = leftOf(states[operations[a + 1]], l[1], l[2], l[3], l[4])
      if not takes then
        answer[#answer + 1] = format('%d,%d,%d,%d', remaining, waits[a], next, reset)
      elseif granted[a] then
        answer[#answer + 1] = format('%d,%d,%d,%d', remaining, next, reset, granted[a])
      else
        answer[#answer + 1] = format('%d,%d,%d', remaining, next, reset)
      end
    end
  end
end

for key in pairs(changed) do
  local state, kind = states[key], kinds[key]
  local expires, text = state.expires, nil
  if kind == SLIDING then
    text = write('<I4I6I6I4I6', state.sum, state.span, state.expires, state.count, state.began) .. state.older
  elseif kind == FIXED then
    text = write('<I6I4', state.expires, state.count)
  else
    expires, text = now + math.ceil(state.level), write('<I6d', now, state.level)
  end
  if expires > now then
    redis.call('SET', KEYS[key], text, 'PX', format('%d', lowest(LONGEST, expires - now)))
  elseif raws[key] then
    redis.call('DEL', KEYS[key])
  end
end
return table.concat(answer, ',')
`

export const SHA = createHash('sha1').update(SCRIPT).digest('hex')
