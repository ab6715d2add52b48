-- Takes permits from the bucket of KEYS[1], and some in advance if there are.
-- ARGV: the microseconds in which a permit comes back, how many a bucket holds,
-- how many are to be taken, how many more in advance, how many of those that
-- were taken in advance come back unused, and the epoch they were taken in.
-- Returns how many were taken, the microseconds until the bucket is full, its
-- epoch and the time in microseconds.
--
-- A bucket is stored as the time when it is full and its epoch, which is when it
-- was last found full. What was taken in another epoch does not come back: it
-- has been replaced since.
local interval, burst, want = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local advance, back, era = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

local missing, epoch, changed = 0, now, false
local stored = redis.call('GET', KEYS[1])
if stored then
	local full, since = string.match(stored, '^(%d+) (%d+)$')
	missing = math.max(tonumber(full) - now, 0)
	if missing > 0 then
		epoch = tonumber(since)
		if back > 0 and epoch == era then
			missing = math.max(missing - back * interval, 0)
			changed = true
		end
		if missing > burst * interval then
			missing = burst * interval
			changed = true
		end
	end
end
if missing == 0 then
	epoch = now
end

local taken = 0
local room = burst * interval - missing - want * interval
if room >= 0 then
	taken = want + math.min(advance, math.floor(room / interval / 4))
	missing = missing + taken * interval
end
if missing == 0 then
	if changed then
		redis.call('DEL', KEYS[1])
	end
elseif taken > 0 or changed then
	redis.call('SET', KEYS[1], string.format('%.0f %.0f', now + missing, epoch), 'PX', math.ceil(missing / 1000))
end
return {taken, missing, epoch, now}
