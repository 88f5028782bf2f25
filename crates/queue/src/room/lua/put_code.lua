-- Adds or replaces a bypass code, keeping its count of uses; limit 0 withdraws it.
-- ARGV   [2] id  [3] limit  [4] expires_ms or ''  [5] label  [6] most codes
-- Result 1; nil where there is no such room
-- Cost   O(1)
if not exists() then return nil end
if ARGV[3] == '0' then
  redis.call('HDEL', KEYS[7], ARGV[2])
  return 1
end
local kept = redis.call('HGET', KEYS[7], ARGV[2])
if not kept and redis.call('HLEN', KEYS[7]) >= tonumber(ARGV[6]) then return 0 end
local used = kept and string.match(kept, '^%d+:(%d+):') or '0'
redis.call('HSET', KEYS[7], ARGV[2], table.concat({ ARGV[3], used, ARGV[4], ARGV[5] }, ':'))
return 1
