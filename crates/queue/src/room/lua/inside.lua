-- Who is inside, those first whose slots are freed first.
-- ARGV   [2] limit
-- Result {slot, visitor:nonce:issued:expires, ...}; nil where there is no such room
-- Cost   O(limit)
if not exists() then return nil end
local found = {}
for _, slot in ipairs(redis.call('ZRANGE', KEYS[3], 0, tonumber(ARGV[2]) - 1)) do
  found[#found + 1] = slot
  found[#found + 1] = redis.call('HGET', KEYS[2], slot)
end
return found
