-- Forgets the room and what belongs to it. Bitmaps and persons go by themselves after 30 days.
-- Result how many keys there were
-- Cost   O(all of it)
return redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[11], KEYS[13])
