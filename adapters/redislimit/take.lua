-- Takes permits from the bucket of KEYS[1], and some more in advance if there are
-- enough. ARGV: the microseconds in which a permit comes back, how many permits a
-- bucket holds, how many are wanted (all or none), how many more are welcome in
-- advance, how many of an earlier advance come back unused, and the epoch in
-- which these were taken. Returns how many were taken, the microseconds until the
-- bucket is full, its epoch and the time in microseconds.
--
-- A bucket is stored as the time when it is full, and its epoch: the time when it
-- was last found full. A permit of another epoch does not come back, because the
-- bucket has been full since, and so has replaced it.
--
-- Numbers of Lua are floats. They hold microseconds exactly until the year 2255,
-- and are written with %.0f, as others would be written with an exponent.
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
