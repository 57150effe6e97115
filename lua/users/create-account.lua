#!lua
-- Creates a built-in account unless its email is taken. This is the commit point of a sign-up: the wallet is opened
-- after it, in another slot, and again at every login.
-- KEYS[1] account  hash  userId, email, password (PHC string), name, created (ms)
-- ARGV[1] user_id
-- ARGV[2] email
-- ARGV[3] password
-- ARGV[4] name
-- Reply   CREATED | TAKEN
-- @include now_ms
local account = KEYS[1]
local user_id, email, password, name = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if redis.call('EXISTS', account) == 1 then return { 'TAKEN' } end

redis.call('HSET', account, 'userId', user_id, 'email', email, 'password', password, 'name', name, 'created', now_ms())
return { 'CREATED' }
