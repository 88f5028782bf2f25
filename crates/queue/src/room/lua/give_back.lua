-- Takes the unused end of a block back, if nobody has leased after it; else remembers that nobody has it.
-- ARGV   [2] epoch  [3] first  [4] count  [5] server  [6] most ranges that nobody has
-- Result 1 taken back, 0 not; nil where there is no such room
-- Cost   O(epochs)
if not exists() then return nil end
local rest = parse_block(table.concat({ ARGV[2], ARGV[3], ARGV[4] }, ':'))
if rest.epoch < number('floor') then return 0 end
if at_hand(ARGV[5], rest) then redis.call('HDEL', KEYS[13], ARGV[5]) end
local list = parse_epochs(get('epochs'))
local current = list[#list]
if current.epoch == rest.epoch and current.next == rest.stop and current.serving <= rest.first then
  current.next = rest.first
  save_epochs(list)
  forget_joins(rest.count)
  return 1
end
local known = find_epoch(list, rest.epoch)
if known and known.serving < rest.stop and redis.call('HLEN', KEYS[13]) < tonumber(ARGV[6]) then
  keep_nobodys(rest)
else
  forget_joins(rest.count)
end
return 0
