-- Gives numbers. A process of Redis other than the one that gave the last ones (a failover, a restart)
-- may not know all that were given: it begins a new epoch first.
-- ARGV   [2] count  [3] epoch and [4] one more than the highest number the server has seen  [5] server
-- Result {'block', epoch, first, count}, {'not_now', state}; nil where there is no such room
-- Cost   O(1), and INFO server (some 20 µs); one for each block, not for each visitor
if not exists() then return nil end
local state = get('state')
if state ~= 'gathering' and state ~= 'open' and state ~= 'paused' then return { 'not_now', state } end
local at = now()
local list = parse_epochs(get('epochs'))
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or ''
local seen = { epoch = tonumber(ARGV[3]), serving = 0, next = tonumber(ARGV[4]), lapsed = 0, ended = 0 }
if seen.next > 0 then learn_epoch(list, number('floor'), seen, at) end
local before = get('run')
if before ~= run then
  if before ~= '' then begin_epoch(list, next_epoch(at, list[#list].epoch)) end
  set('run', run)
end
local current = list[#list]
local first = current.next
local count = tonumber(ARGV[2])
current.next = first + count
save_epochs(list)
add('joined', count)
-- Somebody is waiting for the first; the others are nobody's yet.
if count > 1 then
  keep_block(ARGV[5], current.epoch, first + 1, count - 1)
else
  redis.call('HDEL', KEYS[13], ARGV[5])
end
return { 'block', text(current.epoch), text(first), text(count) }
