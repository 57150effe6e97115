-- Confirmed money movements, and what could not be recorded. Written by the recorder alone, by statements that are safe
-- to repeat; the unique keys are the last guard against a seat with two owners. Money is in the smallest unit.

CREATE TABLE payments (
  payment_id     text PRIMARY KEY,
  reservation_id text NOT NULL UNIQUE,
  user_id        text NOT NULL,
  concert_id     text NOT NULL,
  schedule_id    text NOT NULL,
  amount         bigint NOT NULL CHECK (amount >= 0),
  currency       text NOT NULL,
  balance        bigint NOT NULL,
  transfer_id    text NOT NULL UNIQUE,
  paid_at        timestamptz NOT NULL,
  recorded_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN payments.balance IS 'available in the wallet after this payment';

CREATE TABLE payment_seats (
  concert_id  text NOT NULL,
  schedule_id text NOT NULL,
  seat_id     text NOT NULL,
  payment_id  text NOT NULL REFERENCES payments,
  place       smallint NOT NULL,
  price       bigint NOT NULL CHECK (price >= 0),
  PRIMARY KEY (concert_id, schedule_id, seat_id),
  UNIQUE (payment_id, place)
);
COMMENT ON COLUMN payment_seats.place IS 'from 1, in the order in which the seats were chosen';

CREATE TABLE wallet_entries (
  user_id   text NOT NULL,
  n         bigint NOT NULL CHECK (n > 0),
  entry_id  text NOT NULL,
  kind      text NOT NULL CHECK (kind IN ('CHARGE', 'PAYMENT')),
  amount    bigint NOT NULL,
  balance   bigint NOT NULL,
  at        timestamptz NOT NULL,
  reference text NOT NULL,
  PRIMARY KEY (user_id, n)
);
COMMENT ON COLUMN wallet_entries.n IS 'dense per wallet, from 1';
COMMENT ON COLUMN wallet_entries.balance IS 'available + pending after it';

-- Text and not jsonb: an event may be here for a character that jsonb refuses.
CREATE TABLE dead_letters (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  outbox    text NOT NULL,
  entry_id  text NOT NULL,
  event     text NOT NULL,
  reason    text NOT NULL,
  at        timestamptz NOT NULL DEFAULT now()
);
-- The same entry may come again, after a worker died between its commit and the settle.
CREATE UNIQUE INDEX dead_letters_once ON dead_letters (outbox, entry_id, md5(event));
