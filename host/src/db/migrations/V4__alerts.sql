-- What needs a person, who was told of it, and the messages that tell them.

create table alert (
  id integer not null primary key,
  -- The identity: an alert that is not resolved is the only one of its four.
  kind text not null,
  shop text not null,               -- empty: the host itself
  channel text not null,            -- empty: the whole shop
  subject text not null,
  severity text not null,           -- 'info' | 'warning' | 'urgent'
  late integer not null,            -- its deadline is over
  cause text not null,
  weight integer not null,          -- how many things it stands for
  title text not null, text text not null, todo text not null,
  deadline integer,
  at_stake text, currency text,
  link text not null,
  opened_at integer not null,
  changed_at integer not null,      -- when it opened, or got worse last
  gone_at integer,                  -- since when its condition does not hold
  resolved_at integer,
  folded integer not null default 0,  -- resolved since it is part of another alert now
  acked_at integer, acked_by text, note text,
  acked_mark text                   -- how bad it was when it was acknowledged, JSON
) strict;
create unique index alert_identity on alert (kind, shop, channel, subject) where resolved_at is null;
create index alert_resolved on alert (resolved_at);

-- What each target was told last of an alert.
create table alert_told (
  alert integer not null references alert(id) on delete cascade,
  target text not null,
  at integer not null,
  mark text not null,               -- how bad it was, JSON
  resolved integer not null,
  primary key (alert, target)
) strict;

-- Messages, each written together with what it tells and sent after.
create table notification (
  id text not null primary key,     -- UUID: lets a receiver tell a message that comes twice
  target text not null,
  made_at integer not null,
  body text not null,               -- JSON
  attempts integer not null default 0,
  next_at integer,                  -- null: sent, or given up
  sent_at integer, given_up_at integer,
  error text                        -- of the last attempt
) strict;
create index notification_pending on notification (target, made_at) where next_at is not null;
create index notification_sent on notification (target, made_at) where sent_at is not null;
create index notification_given_up on notification (target, made_at) where given_up_at is not null;
create index notification_made on notification (made_at);

-- What alerts are made from is looked up every few seconds, whatever the number of orders and SKUs.
create index order_attention on channel_order (shop, channel, ship_by) where attention = 1;
create index order_deadline on channel_order (shop, channel, ship_by)
  where ship_by is not null and state not in ('closed', 'cancelled', 'ignored');
create index parcel_attention on parcel (shop, channel, attention, order_id) where attention = 1;
create index cycle_good on cycle (shop, channel, id) where outcome in ('done', 'waits');
