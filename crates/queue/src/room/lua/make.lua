-- Makes a room unless it is there; either way learns epochs and shoppers. A room that is rebuilt (its
-- epochs have given numbers) begins a new epoch and lets nobody in until all servers could speak.
-- ARGV   [2] settle_ms  [3] epochs  [4] shoppers, slot:visitor:nonce:issued:expires separated by
--        spaces  [5] 1: servers may have let somebody in without the store, so nobody is let in for
--        settle_ms in any case  [6...] fields and values of the new room
-- Result 1 made, 0 was there
-- Cost   O(epochs + shoppers)
local at = now()
local made = not exists()
local seeds = parse_epochs(ARGV[3])
if made then
  for pair = 6, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[pair], ARGV[pair + 1]) end
  set('clock', 0)
  set('swept', at)
  set('turned', at)
  set('run', '')
  local last = seeds[#seeds]
  if last.next > 0 then
    begin_epoch(seeds, next_epoch(at, last.epoch))
    set('settle_until', at + tonumber(ARGV[2]))
  end
  save_epochs(seeds)
else
  local list = parse_epochs(get('epochs'))
  local floor = number('floor')
  for _, known in ipairs(seeds) do
    -- Nobody ever joined in it: another server's first idea of the same new room.
    if known.next > 0 then learn_epoch(list, floor, known, at) end
  end
  save_epochs(list)
end
for slot, visitor, nonce, issued, expires in string.gmatch(ARGV[4], '(%x+):(%x+):(%x+):(%-?%d+):(%-?%d+)') do
  -- Told too late, they come back as somebody does who was idle: where there is room.
  local fits = made or ARGV[5] == '1' or is_settling(at) or not is_full() or who_is_in(slot)
  if tonumber(expires) > at and not has_left(slot, nonce) and fits then
    put_inside(slot, visitor, nonce, tonumber(issued), tonumber(expires), at)
  end
end
if ARGV[5] == '1' then set('hushed_until', at + tonumber(ARGV[2])) end
return made and 1 or 0
