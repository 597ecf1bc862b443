-- Each HTTP exchange, under what it was made for. Never a body, a query, a secret or who bought.
create table exchange (
  id integer not null primary key,
  at integer not null,              -- when it was sent; of several, the first
  last_at integer not null,         -- when the last of several was sent
  shop text not null, channel text not null,
  subject text not null,            -- as of events: 'order:<id>' | 'channel'
  cause text not null,
  side text not null,               -- channel | shop
  call text not null,
  method text, path text,
  status integer,                   -- null: no answer
  error text,
  ms integer not null, bytes integer not null,
  try integer,                      -- null: the row stands for several
  cost integer,
  request_id text,
  count integer not null, failed integer not null
) strict;
create index exchange_subject on exchange (shop, channel, subject, id);
create index exchange_at on exchange (at);
create index exchange_sums on exchange (at) where subject = 'channel' and try is null;
