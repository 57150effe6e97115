#!lua flags=no-writes
-- What a login needs to know of an account. With DURABILITY=replica it answers once a replica has the account too:
-- money is charged on the strength of it.
-- KEYS[1] account  hash  userId, email, password (PHC string), name, created (ms)
-- Reply   ACCOUNT user_id password | NONE
local user_id, password = unpack(redis.call('HMGET', KEYS[1], 'userId', 'password'))
if not user_id then return { 'NONE' } end
return { 'ACCOUNT', user_id, password }
