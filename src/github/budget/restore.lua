-- After Redis forgot: what one process remembers of its content-creating requests.
-- KEYS: log (zset)  ARGV: pairs of member and age in ms (negative: still in flight for that long)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 1, #ARGV, 2 do redis.call('ZADD', KEYS[1], 'NX', now - tonumber(ARGV[i + 1]), ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], 7200000)
return #ARGV / 2
