-- Changes settings or state, if nobody else has meanwhile.
-- ARGV   [2] expected version  [3] log entry  [4] epoch in which another sale begins, or ''
--        [5] drawn epochs, EPOCH:COUNT separated by spaces  [6] epochs to begin  [7] state
--        [8...] fields and values
-- Result {1 done | 0 somebody else was first, row}; nil where there is no such room
-- Cost   O(epochs + fields)
if not exists() then return nil end
local at = now()
if get('version') ~= ARGV[2] then return { 0, row(at) } end
local list = parse_epochs(get('epochs'))
if ARGV[4] ~= '' then
  list = {}
  begin_epoch(list, tonumber(ARGV[4]))
  set('floor', ARGV[4])
  set('expected', 0)
  set('controller', '')
  local nobodys = 0
  for _, block in ipairs(unused_blocks()) do nobodys = nobodys + block.count end
  forget_joins(nobodys)
  redis.call('DEL', KEYS[5], KEYS[6], KEYS[13])
end
for e, count in string.gmatch(ARGV[5], '(%d+):(%d+)') do
  local known = find_epoch(list, tonumber(e))
  if known then
    count = tonumber(count)
    known.serving, known.lapsed, known.ended = count, count, count
  end
end
for _, known in ipairs(parse_epochs(ARGV[6])) do list[#list + 1] = known end
save_epochs(list)
if ARGV[7] ~= get('state') then set('since', at) end
set('state', ARGV[7])
add('version', 1)
for pair = 8, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[pair], ARGV[pair + 1]) end
push_log(at, ARGV[3])
return { 1, row(at) }
