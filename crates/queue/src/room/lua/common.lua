-- Common to all scripts: put before each of them. `../port.rs` says what each step has to do;
-- `../memory/book.rs` is the same in Rust, and one suite holds the two together.
--
-- KEYS  [1] room   hash    the room: numbers as decimal text, the rest as JSON of the caller's
--       [2] inside hash    slot -> visitor:nonce:issued_ms:expires_ms
--       [3] due    zset    slot -> when it is freed
--       [4] over   zset    admission id -> when it would have ended: of the few that were given up
--                          while somebody else, or nobody, had their slot, and of bypass codes
--       [5] calls  list    clock_ms:epoch:from:to of turns that are expected
--       [6] late   list    the same, of turns whose time to come is past
--       [7] codes  hash    id -> limit:used:expires_ms:label
--       [8] log    list    at_ms:version:JSON
--       [9] figures list   JSON
--       [10] used  prefix  of bitmaps, one bit for each called number that let somebody in; one key
--                          for 65,536 numbers of an epoch: used:EPOCH:CHUNK
--       [11] servers zset   server -> when it reported last
--       [12] left  prefix  of bitmaps like those of `used`, one bit for each number whose shopper has
--                          left, or bought: left:EPOCH:CHUNK
--       [13] unused hash   numbers that nobody has, EPOCH:FIRST:COUNT: of a server what it has leased
--                          and not given; under EPOCH:FIRST what nobody will be given
--       The bitmaps are the only keys that a script makes itself: which they are is known only once the
--       room has been read. In a cluster that is safe because KEYS[10] and KEYS[12] carry the room's
--       hash tag like all others and a bitmap's name only adds to it: same slot, same node, also while slots move (a
--       script whose declared keys are here runs here, and Redis refuses one that touches another slot).
--       What would not be safe is an ACL that grants single keys: grant NAMESPACE:1:*.
-- ARGV  [1] shift_ms       added to the server's clock; or =now_ms, a rehearsal's or a test's own time
-- Cost  of parsing the epochs: O(epochs), at most 64, usually 1 to 3.

local CHUNK = 65536
local KEEP_USED_MS = 2592000000 -- 30 days: bitmaps of a forgotten sale go by themselves
local MOST_FREED = 1000
local MOST_EPOCHS = 64
local EPOCHS_SINCE_MS = 1577836800000

local function text(number) return string.format('%.0f', number) end
local function get(field) return redis.call('HGET', KEYS[1], field) end
local function number(field) return tonumber(get(field) or '0') or 0 end
local function set(field, value)
  if type(value) == 'number' then value = text(value) end
  redis.call('HSET', KEYS[1], field, value)
end
local function add(field, by) redis.call('HINCRBY', KEYS[1], field, text(by)) end
local function exists() return redis.call('EXISTS', KEYS[1]) == 1 end

local function now()
  local own = string.match(ARGV[1], '^=(%d+)$')
  if own then return tonumber(own) end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) + tonumber(ARGV[1])
end

-- epoch:serving:next:lapsed:ended, oldest first, separated by spaces
local function parse_epochs(packed)
  local list = {}
  for e, s, n, l, x in string.gmatch(packed or '', '(%d+):(%d+):(%d+):(%d+):(%d+)') do
    list[#list + 1] = {
      epoch = tonumber(e), serving = tonumber(s), next = tonumber(n),
      lapsed = tonumber(l), ended = tonumber(x),
    }
  end
  return list
end

local function save_epochs(list)
  while #list > MOST_EPOCHS do
    local gone = 1
    for at, known in ipairs(list) do
      if known.next <= known.serving then gone = at break end
    end
    table.remove(list, gone)
  end
  local packed = {}
  for at, k in ipairs(list) do
    packed[at] = table.concat({ text(k.epoch), text(k.serving), text(k.next), text(k.lapsed), text(k.ended) }, ':')
  end
  set('epochs', table.concat(packed, ' '))
end

local function find_epoch(list, epoch)
  for _, known in ipairs(list) do
    if known.epoch == epoch then return known end
  end
end

-- The time in seconds where that is later: two masters that never heard of each other's epochs do not
-- begin the same one.
local function next_epoch(now_ms, after)
  return math.max(math.floor(math.max(now_ms - EPOCHS_SINCE_MS, 0) / 1000), after + 1)
end

local function begin_epoch(list, epoch)
  list[#list + 1] = { epoch = epoch, serving = 0, next = 0, lapsed = 0, ended = 0 }
end

-- The further of what two knew of an epoch. Nothing ever goes back.
local function learn_epoch(list, floor, known, now_ms)
  if known.epoch < floor then return end
  local own = find_epoch(list, known.epoch)
  if own then
    own.serving = math.max(own.serving, known.serving)
    own.next = math.max(own.next, known.next, own.serving)
    own.lapsed = math.max(own.lapsed, known.lapsed)
    own.ended = math.max(own.ended, known.ended)
    return
  end
  local newest = #list == 0 or list[#list].epoch < known.epoch
  local at = #list + 1
  while at > 1 and list[at - 1].epoch > known.epoch do at = at - 1 end
  table.insert(list, at, known)
  -- Its numbers are somebody else's to give: ours begin after it.
  if newest then begin_epoch(list, next_epoch(now_ms, known.epoch)) end
end

local function bits_key(prefix, epoch, value)
  return prefix .. ':' .. text(epoch) .. ':' .. text(math.floor(value / CHUNK))
end
local function has_bit(prefix, epoch, value)
  return redis.call('GETBIT', bits_key(prefix, epoch, value), text(value % CHUNK)) == 1
end
local function set_bit(prefix, epoch, value)
  local key = bits_key(prefix, epoch, value)
  redis.call('SETBIT', key, text(value % CHUNK), 1)
  redis.call('PEXPIRE', key, KEEP_USED_MS)
end
local function used_key(epoch, value) return bits_key(KEYS[10], epoch, value) end
local function is_used(epoch, value) return has_bit(KEYS[10], epoch, value) end

-- {epoch, first, count, stop}, stop being one past the last
local function parse_block(packed)
  local e, f, c = string.match(packed or '', '^(%d+):(%d+):(%d+)$')
  if not e then return nil end
  local block = { epoch = tonumber(e), first = tonumber(f), count = tonumber(c) }
  block.stop = block.first + block.count
  return block
end

local function keep_block(field, epoch, first, count)
  redis.call('HSET', KEYS[13], field, table.concat({ text(epoch), text(first), text(count) }, ':'))
end

-- What a server has at hand, if it is of the block that `like` is of.
local function at_hand(server, like)
  local block = parse_block(redis.call('HGET', KEYS[13], server))
  if block and block.epoch == like.epoch and block.stop == like.stop then return block end
end

-- Nobody will be given these.
local function keep_nobodys(block)
  keep_block(text(block.epoch) .. ':' .. text(block.first), block.epoch, block.first, block.count)
end

-- Each with the field that it is in, and whether it is a server's.
local function unused_blocks()
  local found = {}
  local all = redis.call('HGETALL', KEYS[13])
  for pair = 1, #all, 2 do
    local block = parse_block(all[pair + 1])
    block.field = all[pair]
    block.servers = not string.find(block.field, ':', 1, true)
    found[#found + 1] = block
  end
  return found
end

local function forget_joins(count)
  if count > 0 then set('joined', math.max(0, number('joined') - count)) end
end

local BYPASS = 4294967295
-- A slot is 24 hexadecimal digits: 8 of its epoch, 16 of its number.
local function slot_epoch(slot) return tonumber(string.sub(slot, 1, 8), 16) end
local function slot_number(slot)
  return tonumber(string.sub(slot, 9, 16), 16) * 4294967296 + tonumber(string.sub(slot, 17, 24), 16)
end

local function active() return redis.call('ZCARD', KEYS[3]) end
local function is_full() return active() >= number('cap') end

-- Whether servers are still saying who is inside.
local function is_settling(at)
  return at < number('settle_until') or at < number('hushed_until')
end

local function put_inside(slot, visitor, nonce, issued_ms, expires_ms, now_ms)
  local deadline = math.min(expires_ms, now_ms + number('idle_ms'))
  redis.call('HSET', KEYS[2], slot, table.concat({ visitor, nonce, text(issued_ms), text(expires_ms) }, ':'))
  redis.call('ZADD', KEYS[3], text(deadline), slot)
  local inside = active()
  if inside > number('most_inside') then set('most_inside', inside) end
  if slot_epoch(slot) ~= BYPASS then set_bit(KEYS[10], slot_epoch(slot), slot_number(slot)) end
end

-- Whether an admission was given up. A place lets in once: who left has left it for good.
local function has_left(slot, nonce)
  if slot_epoch(slot) ~= BYPASS and has_bit(KEYS[12], slot_epoch(slot), slot_number(slot)) then return true end
  return redis.call('ZSCORE', KEYS[4], slot .. nonce) and true or false
end

local function who_is_in(slot)
  local kept = redis.call('HGET', KEYS[2], slot)
  if not kept then return nil end
  local visitor, nonce, issued, expires = string.match(kept, '^(%x+):(%x+):(%-?%d+):(%-?%d+)$')
  return { visitor = visitor, nonce = nonce, issued_ms = issued, expires_ms = expires }
end

-- Frees the slots whose deadline has come.
local function free_due(now_ms)
  local gone = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', text(now_ms), 'LIMIT', 0, MOST_FREED)
  if #gone == 0 then return end
  redis.call('HDEL', KEYS[2], unpack(gone))
  redis.call('ZREM', KEYS[3], unpack(gone))
  add('expired', #gone)
end

local function push_log(now_ms, entry)
  redis.call('RPUSH', KEYS[8], text(now_ms) .. ':' .. (get('version') or '0') .. ':' .. entry)
  redis.call('LTRIM', KEYS[8], -2000, -1)
end

local function row(now_ms)
  return { redis.call('HGETALL', KEYS[1]), active(), text(now_ms), redis.call('HVALS', KEYS[13]) }
end
