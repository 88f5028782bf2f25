-- Frees a slot at once; its admission lets nobody in again.
-- ARGV   [2] slot  [3] nonce  [4] expires_ms  [5] 'completed' or 'abandoned'
-- Result 1 freed, 0 it was not theirs any more; nil where there is no such room
-- Cost   O(log shoppers)
if not exists() then return nil end
local at = now()
local slot = ARGV[2]
local inside = who_is_in(slot)
local theirs = inside and inside.nonce == ARGV[3]
if theirs and slot_epoch(slot) ~= BYPASS then
  set_bit(KEYS[12], slot_epoch(slot), slot_number(slot))
elseif not has_left(slot, ARGV[3]) then
  -- The slot is somebody else's, who stays; or nobody's; or a code's, which may let in again.
  redis.call('ZADD', KEYS[4], ARGV[4], slot .. ARGV[3])
end
-- Kept for an hour beyond: a clock that is set back must not bring them to life.
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', text(at - 3600000))
if not theirs then return 0 end
redis.call('HDEL', KEYS[2], slot)
redis.call('ZREM', KEYS[3], slot)
add(ARGV[5], 1)
return 1
