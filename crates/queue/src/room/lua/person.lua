-- One place for one person. KEYS[14] is a bucket of persons: small hashes are packed, some 40 bytes a
-- person.
-- ARGV   [2] person  [3] the place offered, epoch:number
-- Result the place they have; nil where there is no such room
-- Cost   O(1)
if not exists() then return nil end
-- A place of the sale before is nobody's any more.
local kept = redis.call('HGET', KEYS[14], ARGV[2])
if not kept or tonumber(string.match(kept, '^(%d+):')) < number('floor') then
  redis.call('HSET', KEYS[14], ARGV[2], ARGV[3])
end
redis.call('PEXPIRE', KEYS[14], KEEP_USED_MS)
return redis.call('HGET', KEYS[14], ARGV[2])
