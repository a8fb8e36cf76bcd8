import { createHash } from 'node:crypto'

/**
 * Judges any number of requests, in their order, in one call.
 *
 * ARGV[1] is JSON: a list of operations `[kind, at, asks]`; kinds are 0 take, 1 peek, 2 refund; an ask is
 * `[key's number, algorithm, window, max, burst, cost, hold, want]`. The answer is one flat list of whole numbers, as a
 * text with commas, which Node reads faster than an array:
 * the time, and for each take or peek whether it passed, and for each of its asks remaining, wait, next, reset, and
 * what was granted of `want`.
 *
 * The arithmetic is that of lib/limits/: see there for what it does and why. A state is a list of numbers as
 * MessagePack: of sliding windows the span of the newest bucket, and expiry and units of each bucket, oldest first; of
 * fixed windows expiry and units; of gcra the theoretical arrival time and when it was written. Every key expires with
 * its state. States of one call are read once and written once. Time is that of Redis alone, so nodes' clocks need not
 * agree; should it be set back, nobody waits much longer than a window.
 *
 * `hold`, at most a sixteenth of the window, keeps units for that much longer than the window, and `want` takes up to so
 * many more, of what is free at most a quarter: permits that a node may spend later without asking (see lease.ts).
 */
export const SCRIPT = `
local SLIDING, FIXED = 0, 1
local EPSILON = 0.01
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local states, changed = {}, {}

local function whole (ms)
  -- Never the text -0.
  return math.max(0, math.ceil(ms - EPSILON)) + 0
end

local function load (at)
  local state = states[at]
  if state then return state end
  local raw = redis.pcall('GET', KEYS[at])
  if type(raw) == 'table' and raw.err and not string.find(raw.err, 'WRONGTYPE', 1, true) then error(raw.err, 0) end
  if type(raw) == 'string' then
    local ok, list = pcall(cmsgpack.unpack, raw)
    if ok and type(list) == 'table' then state = list end
  end
  state = state or {}
  states[at] = state
  return state
end

-- Of a sliding window: drops buckets that have expired; the units of the others.
local function total (state, window)
  local kept, sum = 2, 0
  local latest = now + window + window / 16
  for i = 2, #state, 2 do
    local expires, count = state[i], state[i + 1]
    if expires > now then
      state[kept], state[kept + 1] = math.min(expires, latest), count
      kept = kept + 2
      sum = sum + count
    end
  end
  for i = #state, kept, -1 do state[i] = nil end
  if kept == 2 then state[1] = nil end
  return sum
end

local function fixed (state, window)
  local expires = state[1] or 0
  if expires <= now then return 0, 0 end
  return state[2], math.min(expires, now + window)
end

local function level (state)
  local back = (state[2] or now) - now
  if back > 0 then state[1], state[2] = state[1] - back, now end
  return math.max(0, (state[1] or 0) - now)
end

-- nil: never
local function waitOf (state, kind, window, max, burst, cost)
  if kind == SLIDING then
    local excess = total(state, window) + cost - max
    if excess <= 0 then return 0 end
    if cost > max then return nil end
    for i = 2, #state, 2 do
      excess = excess - state[i + 1]
      if excess <= 0 then return state[i] - now end
    end
    return state[#state - 1] - now
  elseif kind == FIXED then
    local taken, expires = fixed(state, window)
    if taken + cost <= max then return 0 end
    if cost > max then return nil end
    return expires - now
  end
  if max == 0 or cost > burst then return nil end
  local interval = window / max
  return whole(level(state) + (cost - burst) * interval)
end

local function take (state, kind, window, max, cost, hold)
  if kind == SLIDING then
    local sum = total(state, window)
    local newest = #state - 1
    local expires = math.max(now + window + hold, state[newest] or 0)
    local span = (sum > 0) and (state[1] + expires - state[newest]) or 0
    if newest > 0 and span <= window / 16 then
      state[1], state[newest], state[newest + 1] = span, expires, state[newest + 1] + cost
    else
      state[1] = 0
      state[newest > 0 and newest + 2 or 2] = expires
      state[newest > 0 and newest + 3 or 3] = cost
    end
  elseif kind == FIXED then
    local taken, expires = fixed(state, window)
    if taken == 0 then expires = now + window end
    state[1], state[2] = expires, taken + cost
  else
    state[1], state[2] = now + level(state) + cost * window / max, now
  end
end

local function refund (state, kind, window, max, cost, hold, at)
  if kind == SLIDING then
    total(state, window)
    local ends = at + window + hold
    if ends <= now then return end
    for i = 2, #state, 2 do
      if state[i] >= ends then
        state[i + 1] = math.max(0, state[i + 1] - cost)
        return
      end
    end
  elseif kind == FIXED then
    local taken, expires = fixed(state, window)
    if taken == 0 or at < expires - window then return end
    state[1], state[2] = expires, math.max(0, taken - cost)
  elseif max > 0 then
    state[1], state[2] = now + math.max(0, level(state) - math.max(0, cost * window / max - math.max(0, now - at))), now
  end
end

local function leftOf (state, kind, window, max, burst)
  if kind == SLIDING then
    local sum = total(state, window)
    if sum == 0 then return max, 0, 0 end
    return math.max(0, max - sum), state[2] - now, state[#state - 1] - now
  elseif kind == FIXED then
    local taken, expires = fixed(state, window)
    if taken == 0 then return max, 0, 0 end
    return math.max(0, max - taken), expires - now, expires - now
  end
  if max == 0 then return 0, 0, 0 end
  local interval = window / max
  local taken = level(state)
  local remaining = math.max(0, math.floor((burst * interval - taken + EPSILON) / interval))
  return remaining, taken == 0 and 0 or whole(taken - (burst - remaining - 1) * interval), whole(taken)
end

local answer = { now }
for _, operation in ipairs(cjson.decode(ARGV[1])) do
  local kind, at, asks = operation[1], operation[2], operation[3]
  if kind == 2 then
    for _, a in ipairs(asks) do
      refund(load(a[1]), a[2], a[3], a[4], a[6], a[7], at)
      changed[a[1]] = true
    end
  else
    local passed, waits = true, {}
    for i, a in ipairs(asks) do
      local wait = waitOf(load(a[1]), a[2], a[3], a[4], a[5], a[6])
      waits[i] = wait or a[3]
      passed = passed and wait == 0
    end
    local granted = {}
    if passed and kind == 0 then
      for i, a in ipairs(asks) do
        local extra = 0
        if a[8] > 0 then
          local free = leftOf(load(a[1]), a[2], a[3], a[4], a[5]) - a[6]
          extra = math.max(0, math.min(a[8], math.floor(free / 4)))
        end
        take(load(a[1]), a[2], a[3], a[4], a[6] + extra, a[7])
        changed[a[1]] = true
        granted[i] = extra
      end
    end
    answer[#answer + 1] = passed and 1 or 0
    for i, a in ipairs(asks) do
      local remaining, next, reset = leftOf(load(a[1]), a[2], a[3], a[4], a[5])
      local n = #answer
      answer[n + 1], answer[n + 2], answer[n + 3], answer[n + 4], answer[n + 5] = remaining, waits[i], next, reset, granted[i] or 0
    end
  end
end

for at in pairs(changed) do
  local state = states[at]
  local expires = state[1]
  if #state > 2 then expires = state[#state - 1] end
  if expires and expires > now then
    redis.call('SET', KEYS[at], cmsgpack.pack(state), 'PX', math.ceil(expires - now))
  else
    redis.call('DEL', KEYS[at])
  end
end
return table.concat(answer, ',')
`

export const SHA = createHash('sha1').update(SCRIPT).digest('hex')
