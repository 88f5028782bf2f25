-- A sign of life of a shopper with a valid admission.
-- ARGV   [2] slot  [3] visitor  [4] nonce  [5] issued_ms  [6] expires_ms
-- Result {'inside', expires_ms}, {'full'} or {'over'}; nil where there is no such room
-- Cost   O(log shoppers)
if not exists() then return nil end
local at = now()
free_due(at)
local slot, expires = ARGV[2], tonumber(ARGV[6])
if at >= expires or has_left(slot, ARGV[4]) then return { 'over' } end
local inside = who_is_in(slot)
if inside then
  if inside.visitor ~= ARGV[3] or inside.nonce ~= ARGV[4] then return { 'over' } end
  expires = tonumber(inside.expires_ms)
  put_inside(slot, inside.visitor, inside.nonce, tonumber(inside.issued_ms), expires, at)
  return { 'inside', text(expires) }
end
-- Their slot was given up while they were idle, or forgotten.
if is_full() or is_settling(at) then return { 'full' } end
put_inside(slot, ARGV[3], ARGV[4], tonumber(ARGV[5]), expires, at)
return { 'inside', text(expires) }
