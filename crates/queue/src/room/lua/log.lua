-- A line for the audit log.
-- ARGV   [2] the entry
-- Result 1; nil where there is no such room
-- Cost   O(1)
if not exists() then return nil end
push_log(now(), ARGV[2])
return 1
