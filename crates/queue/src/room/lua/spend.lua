-- One rate for all servers (the generic cell rate algorithm): who has done something often owes time,
-- which passes by itself; who owes too much waits.
-- KEYS   [1] the caller's, by themselves: until when they owe, in microseconds. Gone when they owe nothing
-- ARGV   [2] microseconds that doing it once costs  [3] microseconds that may be owed at most
-- Result microseconds to wait; 0: it was counted
-- Cost   O(1)
local at = now() * 1000
local cost, most = tonumber(ARGV[2]), tonumber(ARGV[3])
local function owe(micros)
  redis.call('SET', KEYS[1], text(at + micros), 'PX', text(math.ceil(micros / 1000)))
end
local owed = math.max((tonumber(redis.call('GET', KEYS[1]) or '0') or 0) - at, 0)
if owed > most then
  -- The clock went back, or the rate was raised: nobody owes more than there is to owe.
  owed = most
  owe(owed)
end
if owed + cost > most then return math.ceil(owed + cost - most) end
owe(owed + cost)
return 0
