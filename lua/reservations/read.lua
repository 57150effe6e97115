#!lua flags=no-writes
-- The record of a reservation, with the time by which it is to be judged.
-- KEYS[1] reservation  hash  its record
-- Reply   FOUND now_ms record | NONE
-- The record is nested: field, value ...
-- @include now_ms

local record = redis.call('HGETALL', KEYS[1])
if #record == 0 then return { 'NONE' } end
return { 'FOUND', now_ms(), record }
