-- Frees a slot at once; its admission lets nobody in again.
-- ARGV   [2] slot  [3] nonce  [4] expires_ms  [5] 'completed' or 'abandoned'
-- Result 1 freed, 0 it was not theirs any more; nil where there is no such room
-- Cost   O(log shoppers)
if not exists() then return nil end
local at = now()
local slot = ARGV[2]
redis.call('ZADD', KEYS[4], ARGV[4], slot .. ARGV[3])
-- Kept for an hour beyond: a clock that is set back must not bring them to life.
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', text(at - 3600000))
local inside = who_is_in(slot)
if not inside or inside.nonce ~= ARGV[3] then return 0 end
redis.call('HDEL', KEYS[2], slot)
redis.call('ZREM', KEYS[3], slot)
add(ARGV[5], 1)
return 1
