-- What became of a request, and what GitHub's headers said.
-- KEYS: state hash, log (zset), usage hash
-- ARGV: member or "", sent (0/1), party, resource, remaining or "", limit or "", reset (ms) or "",
--       wait (ms) or "", reason
-- Answers until when the installation is blocked (ms), or 0.
local state, log, usage = KEYS[1], KEYS[2], KEYS[3]
local member, sent, party, resource = ARGV[1], ARGV[2] == '1', ARGV[3], ARGV[4]
local remaining, limit, reset, wait = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- It counts from when it ended: GitHub cannot have seen it later.
if member ~= '' then
  if sent then redis.call('ZADD', log, 'XX', now, member) else redis.call('ZREM', log, member) end
end

if remaining and limit and reset and reset > now then
  local before = redis.call('HMGET', state, resource .. ':remaining', resource .. ':reset')
  local known_reset = tonumber(before[2]) or 0
  if reset > known_reset + 5000 then
    redis.call('DEL', usage)
  elseif reset >= known_reset - 5000 then
    remaining = math.min(remaining, tonumber(before[1]) or remaining)
  else
    remaining = nil
  end
  if remaining then
    redis.call('HSET', state, resource .. ':remaining', remaining, resource .. ':limit', limit, resource .. ':reset', reset)
  end
  redis.call('HINCRBY', usage, party, 1)
  redis.call('PEXPIREAT', usage, reset)
end

if not wait then return 0 end
-- The secondary limit's minute doubles while it keeps being hit, up to a quarter of an hour.
if ARGV[9] == 'secondary' then
  local last, strikes = tonumber(redis.call('HGET', state, 'struck')) or 0, tonumber(redis.call('HGET', state, 'strikes')) or 0
  strikes = now - last > 1800000 and 1 or strikes + 1
  redis.call('HSET', state, 'struck', now, 'strikes', strikes)
  wait = math.min(900000, wait * 2 ^ (strikes - 1))
end
local blocked = math.max(now + math.floor(wait), tonumber(redis.call('HGET', state, 'blocked')) or 0)
redis.call('HSET', state, 'blocked', blocked, 'reason', ARGV[9])
redis.call('PEXPIRE', state, 86400000)
return blocked
