-- Deadline of a user's last live hold in this concert, 0 where there is none, and how many seats are held.
-- Judged by deadlines, so a sweeper that is late counts nothing twice.
local function live_until(live, now)
  local last, seats = 0, 0
  local rows = redis.call('ZRANGEBYSCORE', live, '(' .. now, '+inf', 'WITHSCORES')
  for i = 1, #rows, 2 do
    seats = seats + tonumber(rows[i]:match('^(%d+) '))
    last = math.max(last, tonumber(rows[i + 1]))
  end
  return last, seats
end
