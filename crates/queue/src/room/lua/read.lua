-- The room as it is.
-- Result {fields and values, shoppers inside, now_ms, numbers that nobody has}; nil where there is no such room
-- Cost   O(fields), about 40
if not exists() then return nil end
return row(now())
