-- Appends an entry to a wallet's history and to its outbox, in the script that moves the money. Packed entry:
--   n|kind|amount|balance|at|reference
-- n is dense from 1, amount signed, balance = available + pending after it, at in ms; reference, the id of the charge
-- or payment, comes last. amount, balance and at come as text. k needs: wallet, history, outbox. Uses append_outbox.
local function append_entry(k, user_id, entry_prefix, kind, amount, balance, at, reference)
  local n = string.format('%.0f', redis.call('HINCRBY', k.wallet, 'entries', '1'))
  redis.call('RPUSH', k.history, table.concat({ n, kind, amount, balance, at, reference }, '|'))
  append_outbox(k.outbox, 'entry', 1, 'userId', user_id, 'n', n, 'kind', kind, 'amount', amount, 'balance', balance,
    'at', at, 'reference', reference, 'entryId', entry_prefix .. n)
end
