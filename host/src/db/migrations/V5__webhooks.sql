-- Messages from outside: what came, what they are about, and where they are asked for. And how long a change waits.

-- Messages that were taken. Kept for a week: a repeated one does nothing.
create table delivery (
  shop text not null,
  channel text not null,            -- empty: from Shopify
  id text not null,                 -- Shopify's webhook id, which a repeat keeps; else our own
  event text,                       -- Shopify's event id, shared by the messages of one event
  topic text not null,              -- 'inventory_levels/update'; empty where only the body says
  received_at integer not null,
  primary key (shop, channel, id)
) strict;
create index delivery_received on delivery (received_at);
create index delivery_last on delivery (shop, channel, received_at);

-- What a message named: to be read again by its id in the next cycle. Losing a row costs nothing.
create table hint (
  shop text not null,
  channel text not null,            -- empty: of the shop, for whichever of its channels comes first
  kind text not null,               -- 'order' | 'sku' of the channel, 'shop-order' | 'item' of Shopify
  id text not null,
  at integer not null,              -- when it happened, as far as the message tells; else when it came
  primary key (shop, channel, kind, id)
) strict;

-- The subscriptions that this host made, one row for each shop (channel empty) and each channel.
create table subscription (
  shop text not null, channel text not null,
  url text not null,                -- a channel's without the secret at its end
  id text,                          -- the marketplace's
  topics text not null,             -- JSON array
  made_at integer not null,
  checked_at integer not null,
  error text,                       -- why the newest check failed
  primary key (shop, channel)
) strict;

-- The number of a listing's item changed in the shop, and the channel has not applied what follows from it yet.
alter table level add column changed_at integer;  -- Shopify's word for it; null: not told with this number
create table lagging (
  shop text not null, channel text not null, listing text not null,
  since integer not null,           -- of the oldest such change
  noted_at integer not null,
  primary key (shop, channel, listing)
) strict;
create trigger level_changed after update of available on level when new.available <> old.available
begin
  insert into lagging (shop, channel, listing, since, noted_at)
    select k.shop, k.channel, k.listing,
      coalesce(new.changed_at, (select h.at from hint h where h.shop = new.shop and h.channel = '' and h.kind = 'item' and h.id = new.item), new.read_at),
      cast(unixepoch('subsec') * 1000 as integer)
    from link k where k.shop = new.shop and k.item = new.item
    on conflict (shop, channel, listing) do update set noted_at = excluded.noted_at;
end;

-- A row that is written to learn whether the database can be.
create table probe (
  id integer not null primary key check (id = 1),
  at integer not null
) strict;

-- The figures of a scrape are counted from these.
create index unit_to_ship on unit (shop, channel, order_id) where piece = 0 and channel_state in ('open', 'held');
create index cycle_whole on cycle (shop, channel, ended_at) where outcome in ('done', 'waits');
