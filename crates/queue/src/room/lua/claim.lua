-- Lets somebody in, or says why not. The cap is decided here and nowhere else.
-- ARGV   [2] slot  [3] visitor  [4] nonce  [5] epoch  [6] number  [7] bypass code's id, or ''
-- Result {'in', visitor, nonce, issued_ms, expires_ms} or {'no', reason, ...}; nil without a room
-- Cost   O(log shoppers); O(shoppers freed) where their time is up
if not exists() then return nil end
local at = now()
free_due(at)
local slot, code = ARGV[2], ARGV[7]
local inside = who_is_in(slot)
if inside then
  -- A reload, a second tab: the same admission again. Another session: not.
  if inside.visitor ~= ARGV[3] then return { 'no', 'used_elsewhere' } end
  return { 'in', inside.visitor, inside.nonce, inside.issued_ms, inside.expires_ms }
end
local state = get('state')
local limit, used, expires, label, known
local epoch, value = tonumber(ARGV[5]), tonumber(ARGV[6])
if code ~= '' then
  local kept = redis.call('HGET', KEYS[7], code)
  if kept then limit, used, expires, label = string.match(kept, '^(%d+):(%d+):(%-?%d*):(.*)$') end
  if not kept or tonumber(used) >= tonumber(limit) or (expires ~= '' and at >= tonumber(expires)) then
    return { 'no', 'no_such_code' }
  end
  if state == 'scheduled' or state == 'closed' then return { 'no', 'not_calling', state } end
else
  if epoch < number('floor') then return { 'no', 'turn_over' } end
  known = find_epoch(parse_epochs(get('epochs')), epoch)
  if known and value < known.ended then return { 'no', 'turn_over' } end
  if is_used(epoch, value) then return { 'no', 'used' } end
  if state ~= 'open' and state ~= 'draining' then return { 'no', 'not_calling', state } end
  if not known or value >= known.serving then return { 'no', 'not_your_turn' } end
end
if is_settling(at) then return { 'no', 'away' } end
if get('left') == '0' then return { 'no', 'sold_out' } end
if is_full() then return { 'no', 'full' } end
if code ~= '' then
  redis.call('HSET', KEYS[7], code, table.concat({ limit, text(tonumber(used) + 1), expires, label }, ':'))
  add('bypassed', 1)
elseif value >= known.lapsed then
  if number('expected') > 0 then add('expected', -1) end
  add('came', 1)
end
local ends = at + number('shop_ms')
put_inside(slot, ARGV[3], ARGV[4], at, ends, at)
add('admitted', 1)
return { 'in', ARGV[3], ARGV[4], text(at), text(ends) }
