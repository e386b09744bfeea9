-- Writes a batch and moves its positions, or does nothing: a script runs alone.
--
-- KEYS  the serving version, the positions, the places (what each trend was written from), then a key a trend
-- ARGV  the version held ('' for one that is being rebuilt), how many positions follow;
--       for each position its field, where it must be and where it goes;
--       for each trend its window's end, the offset of its event, and its value
-- Answers '' when it is done, 'version' or the field of the first position that is elsewhere.

local held, moves = ARGV[1], tonumber(ARGV[2])
if held ~= '' and (redis.call('GET', KEYS[1]) or '1') ~= held then
    return 'version'
end

local at = 3
for _ = 1, moves do
    if (redis.call('HGET', KEYS[2], ARGV[at]) or '0') ~= ARGV[at + 1] then
        return ARGV[at]
    end
    at = at + 3
end

for number = 4, #KEYS do
    local key, ends, offset = KEYS[number], tonumber(ARGV[at]), tonumber(ARGV[at + 1])
    local known_ends, known_offset = -math.huge, -1
    local place = redis.call('HGET', KEYS[3], key)
    if place and redis.call('EXISTS', key) == 1 then
        local first, second = string.match(place, '^(-?%d+) (%d+)$')
        known_ends, known_offset = tonumber(first), tonumber(second)
    end
    if ends > known_ends or (ends == known_ends and offset > known_offset) then
        redis.call('SET', key, ARGV[at + 2])
        redis.call('HSET', KEYS[3], key, ARGV[at] .. ' ' .. ARGV[at + 1])
    end
    at = at + 3
end

for move = 0, moves - 1 do
    redis.call('HSET', KEYS[2], ARGV[3 + move * 3], ARGV[5 + move * 3])
end
return ''
