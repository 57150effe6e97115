#!lua
-- Notes for many users of one partition a concert in which each may have places, reservations or purchases.
-- KEYS[1..] concerts  set  concert ids of one user
-- ARGV[1..] concert_id
-- Reply   NOTED
for i, concerts in ipairs(KEYS) do redis.call('SADD', concerts, ARGV[i]) end
return { 'NOTED' }
