-- Calls visitors, oldest epoch first. Good once for a fence.
-- ARGV   [2] fence  [3] version  [4] calls  [5] controller  [6] held_by  [7] pulse  [8] left
--        [9] a point for the graphs, or ''
-- Result 1 done, 0 overtaken by another server or a change; nil where there is no such room
-- Cost   O(epochs + calls / 65,536 + ranges of numbers that nobody has)
if not exists() then return nil end
if get('fence') ~= ARGV[2] or get('version') ~= ARGV[3] then return 0 end
add('fence', 1)
local list = parse_epochs(get('epochs'))
local clock = get('clock')
local left = tonumber(ARGV[4])
local called = 0
for _, known in ipairs(list) do
  while left > 0 and known.next > known.serving do
    local from = known.serving
    local chunk_end = (math.floor(from / CHUNK) + 1) * CHUNK
    local to = math.min(known.next, from + left, chunk_end)
    redis.call('RPUSH', KEYS[5], table.concat({ clock, text(known.epoch), text(from), text(to) }, ':'))
    known.serving = to
    left = left - (to - from)
    called = called + (to - from)
  end
end
if called > 0 then
  save_epochs(list)
  -- Of what has been called nothing is in the line any more; nobody joined with what nobody has.
  local forgotten = 0
  for _, block in ipairs(unused_blocks()) do
    local known = find_epoch(list, block.epoch)
    if not block.servers and not (known and known.serving < block.stop) then
      redis.call('HDEL', KEYS[13], block.field)
      forgotten = forgotten + block.count
    end
  end
  forget_joins(forgotten)
  add('expected', called)
  add('called', called)
end
redis.call('HSET', KEYS[1], 'controller', ARGV[5], 'held_by', ARGV[6], 'pulse', ARGV[7], 'left', ARGV[8])
if ARGV[9] ~= '' then
  redis.call('RPUSH', KEYS[9], ARGV[9])
  redis.call('LTRIM', KEYS[9], -8640, -1)
end
return 1
