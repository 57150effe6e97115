-- Keys named by data that a script reads; `base` is the concert's prefix from KEYS, so the slot is the same.
-- One place, mirrored by concertKeys in src/redis/keys.ts (a test compares the two).
local function reservation_key(base, reservation_id) return base .. 'r:' .. reservation_id end
local function seats_key(base, schedule_id) return base .. 'seats:' .. schedule_id end
local function status_key(base, schedule_id) return base .. 'status:' .. schedule_id end
local function seat_log_key(base, schedule_id) return base .. 'seat-log:' .. schedule_id end
local function live_key(base, user_id) return base .. 'live:' .. user_id end
