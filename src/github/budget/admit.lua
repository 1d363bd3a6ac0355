-- May this request be sent? One look at everything all processes know of the installation.
-- KEYS: state hash, log of content-creating requests (zset), waiters (zset), usage hash, points hash
-- ARGV: epoch known, epoch to take when there is none, member, party, person (0/1), resource,
--       content-creating (0/1), points, lease of a request in flight (ms), content-creating requests
--       of a minute and of an hour, points of a minute
-- Answers {"ok"}, {"wait", until (ms), reason}, or {"epoch", epoch, now (ms)}: the caller must first
-- restore what it remembers, because Redis has forgotten.
local state, log, waiters, usage, points = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local known, fresh, member, party = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local person, resource, content, cost, lease = ARGV[5] == '1', ARGV[6], ARGV[7] == '1', tonumber(ARGV[8]), tonumber(ARGV[9])
local per_minute, per_hour, most = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])
local MINUTE, HOUR, DAY = 61000, 3601000, 86400000

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

if redis.call('HSETNX', state, 'epoch', fresh) == 1 then redis.call('PEXPIRE', state, DAY) end
local epoch = redis.call('HGET', state, 'epoch')
if epoch ~= known then return { 'epoch', epoch, now } end

-- Whoever is turned away is remembered for a while: it is why others get only their share.
local function wait(at, reason)
  at = math.max(math.floor(at), now + 200)
  redis.call('ZADD', waiters, at + 20000, (person and 'p:' or 'b:') .. party)
  redis.call('PEXPIRE', waiters, HOUR)
  return { 'wait', at, reason }
end

local known_limits = redis.call('HMGET', state, 'blocked', 'reason', resource .. ':remaining', resource .. ':limit', resource .. ':reset')
local blocked = tonumber(known_limits[1])
if blocked and blocked > now then return wait(blocked, known_limits[2] or 'secondary') end

-- The hourly budget: the last hundredth is for people. In the lower half nobody takes more than a share,
-- unless the others cannot use theirs up any more in what is left of the hour.
local remaining, limit, reset = tonumber(known_limits[3]), tonumber(known_limits[4]), tonumber(known_limits[5])
if remaining and limit and reset and reset > now then
  local reserve = person and 0 or math.ceil(limit / 100)
  if remaining <= reserve then return wait(reset, 'primary') end
  if not person and remaining < limit / 2 then
    local parties, used = redis.call('HLEN', usage), tonumber(redis.call('HGET', usage, party)) or 0
    local share = limit / parties
    if parties > 1 and used >= share then
      local theirs = 0
      for _, count in ipairs(redis.call('HVALS', usage)) do theirs = theirs + math.max(0, share - tonumber(count)) end
      if remaining <= reserve + math.ceil(theirs * math.min(1, (reset - now) / HOUR)) then
        return wait(math.min(reset, now + 60000), 'share')
      end
    end
  end
end

-- The secondary limit's points: buckets of ten seconds, the last seven of them.
local bucket, spent = math.floor(now / 10000), 0
local buckets = redis.call('HGETALL', points)
for i = 1, #buckets, 2 do
  local kind, at = string.match(buckets[i], '^(%a+):(%d+)$')
  if tonumber(at) < bucket - 6 then redis.call('HDEL', points, buckets[i])
  elseif kind == resource then spent = spent + tonumber(buckets[i + 1]) end
end
if not person then most = most * 0.9 end
if spent + cost > most then return wait((bucket + 1) * 10000, 'points') end

if content then
  redis.call('ZREMRANGEBYSCORE', log, '-inf', now - HOUR)
  redis.call('ZREMRANGEBYSCORE', waiters, '-inf', now)
  if redis.call('ZCOUNT', log, '(' .. now, '+inf') >= 16 then return wait(now + 500, 'concurrency') end

  -- Others that wait, and whether a person is among them.
  local parties, people = 1, 0
  for _, other in ipairs(redis.call('ZRANGE', waiters, 0, -1)) do
    if string.sub(other, 3) ~= party then
      parties = parties + 1
      if string.sub(other, 1, 2) == 'p:' then people = people + 1 end
    end
  end

  -- Requests of a window, oldest first, and the times of this party's own.
  local function within(length)
    local rows, mine = redis.call('ZRANGEBYSCORE', log, '(' .. (now - length), '+inf', 'WITHSCORES'), {}
    local all = {}
    for i = 1, #rows, 2 do
      all[#all + 1] = tonumber(rows[i + 1])
      if string.match(rows[i], '^(.*)|') == party then mine[#mine + 1] = tonumber(rows[i + 1]) end
    end
    return all, mine
  end

  -- When the window has room again: once this many of its oldest have left.
  local function room(times, most_of_them, length)
    local at = times[#times - most_of_them + 1]
    return at > now and now + 1000 or at + length
  end

  for _, window in ipairs({ { HOUR, per_hour }, { MINUTE, per_minute } }) do
    local length, cap = window[1], window[2]
    -- The last tenth is for people.
    if not person then cap = math.max(1, cap - math.max(math.ceil(cap / 10), people)) end
    local all, mine = within(length)
    if #all >= cap then return wait(room(all, cap, length), 'content') end
    -- A share only while another waits, who is remembered for 20 s: nobody waits for room that is there.
    local share = math.max(1, math.ceil(cap / parties))
    if parties > 1 and #mine >= share then return wait(math.min(room(mine, share, length), now + 21000), 'share') end
  end

  redis.call('ZADD', log, now + lease, member)
  redis.call('PEXPIRE', log, HOUR + lease)
  redis.call('ZREM', waiters, 'p:' .. party, 'b:' .. party)
end

redis.call('HINCRBY', points, resource .. ':' .. bucket, cost)
redis.call('PEXPIRE', points, 120000)
return { 'ok' }
