-- Takes a server's report; frees slots; lets turns lapse; gives one server at a time the turn to call.
-- ARGV   [2] arrivals  [3] observed epochs  [4] server  [5] lease_ms  [6] for how long a silent server
--        counts  [7] what is left of the block that the server gives numbers from, or ''
-- Result {row, {fence, elapsed_ms, came, missed} or {}, {servers, those before this one}}; nil where there is no such room
-- Cost   O(epochs + slots freed + turns lapsed); counting those who came: O(numbers / 8) bytes
local LONGEST_STEP_MS = 5000
local MOST_LAPSED = 1000
if not exists() then return nil end
local at = now()
if ARGV[2] ~= '0' then add('arrivals', ARGV[2]) end
local list = parse_epochs(get('epochs'))
local changed = false
local floor = number('floor')
for _, known in ipairs(parse_epochs(ARGV[3])) do
  learn_epoch(list, floor, known, at)
  changed = true
end
local left = parse_block(ARGV[7])
local held = left and at_hand(ARGV[4], left)
if held and left.count == 0 then
  redis.call('HDEL', KEYS[13], ARGV[4])
elseif held and left.count < held.count then
  keep_block(ARGV[4], left.epoch, left.first, left.count)
end
free_due(at)

-- The room's clock runs only while it calls: a pause, or a clock that jumps, takes nobody's turn.
local state = get('state')
local clock = number('clock')
if state == 'open' or state == 'draining' then
  clock = clock + math.max(0, math.min(at - number('swept'), LONGEST_STEP_MS))
  set('clock', clock)
end
set('swept', at)

local claim_ms = number('claim_ms')
local missed_now = 0
for _ = 1, MOST_LAPSED do
  local call = redis.call('LINDEX', KEYS[5], 0)
  if not call then break end
  local since, e, from, to = string.match(call, '^(%d+):(%d+):(%d+):(%d+)$')
  if clock - tonumber(since) < claim_ms then break end
  from, to = tonumber(from), tonumber(to)
  -- A call never crosses a bitmap's end: `advance` sees to that.
  local came = redis.call('BITCOUNT', used_key(tonumber(e), from), text(from % CHUNK), text((to - 1) % CHUNK), 'BIT')
  missed_now = missed_now + (to - from) - came
  local known = find_epoch(list, tonumber(e))
  if known then known.lapsed = math.max(known.lapsed, to) end
  changed = true
  redis.call('LPOP', KEYS[5])
  redis.call('RPUSH', KEYS[6], call)
end
if missed_now > 0 then
  set('expected', math.max(0, number('expected') - missed_now))
  add('no_shows', missed_now)
  add('missed', missed_now)
end
local over_ms = claim_ms + number('late_ms')
for _ = 1, MOST_LAPSED do
  local call = redis.call('LINDEX', KEYS[6], 0)
  if not call then break end
  local since, e, from, to = string.match(call, '^(%d+):(%d+):(%d+):(%d+)$')
  if clock - tonumber(since) < over_ms then break end
  to = tonumber(to)
  local known = find_epoch(list, tonumber(e))
  if known then known.ended = math.max(known.ended, to) end
  -- What is below `ended` is over without looking.
  if to % CHUNK == 0 then redis.call('DEL', used_key(tonumber(e), tonumber(from))) end
  changed = true
  redis.call('LPOP', KEYS[6])
end
if changed then save_epochs(list) end

local turn = {}
local holder = get('holder')
if not holder or holder == ARGV[4] or at >= number('holder_until') then
  set('holder', ARGV[4])
  set('holder_until', at + tonumber(ARGV[5]))
  add('fence', 1)
  -- Taken, not copied: a controller that dies before it calls has used up its time, so the next one
  -- never calls twice for the same.
  turn = { get('fence'), text(math.max(0, at - number('turned'))), get('came') or '0', get('missed') or '0' }
  set('turned', at)
  set('came', 0)
  set('missed', 0)
end
redis.call('ZADD', KEYS[11], text(at), ARGV[4])
local silent_since = text(at - tonumber(ARGV[6]))
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[11], '-inf', silent_since)) do
  -- Nobody will be given what it had.
  local had = parse_block(redis.call('HGET', KEYS[13], gone))
  if had then
    redis.call('HDEL', KEYS[13], gone)
    keep_nobodys(had)
  end
end
redis.call('ZREMRANGEBYSCORE', KEYS[11], '-inf', silent_since)
local count, rank = 0, 0
for _, server in ipairs(redis.call('ZRANGE', KEYS[11], 0, -1)) do
  count = count + 1
  if server < ARGV[4] then rank = rank + 1 end
end
return { row(at), turn, { text(count), text(rank) } }
