-- Key of the transfer of a member `<reservation id> <user id>` of the zsets `pending` and `over`; `base` is the
-- partition's prefix from KEYS. Mirrored by walletKeys in src/redis/keys.ts. The user id is part of the key: keyed by
-- the reservation alone, one user's call voids another's payment (models/two_users.py).
local function transfer_key(base, member)
  local reservation_id, user_id = member:match('^(%S+) (.*)$')
  return base .. 't:' .. reservation_id .. ':' .. user_id
end
