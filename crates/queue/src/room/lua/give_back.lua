-- Takes the unused end of a block back, if nobody has leased after it.
-- ARGV   [2] epoch  [3] first  [4] count
-- Result 1 taken back, 0 not; nil where there is no such room
-- Cost   O(epochs)
if not exists() then return nil end
local list = parse_epochs(get('epochs'))
local current = list[#list]
local first, count = tonumber(ARGV[3]), tonumber(ARGV[4])
if current.epoch ~= tonumber(ARGV[2]) or current.next ~= first + count or current.serving > first then
  return 0
end
current.next = first
save_epochs(list)
add('joined', -count)
return 1
