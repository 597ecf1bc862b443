-- Times are milliseconds since 1970 UTC; money is decimal text; lists and records are JSON text.
-- Every row of a channel carries (shop, channel); rows of the shop itself carry shop alone.

create table shop (
  shop text not null primary key,
  base_url text not null,
  allow_local integer not null,
  auth text not null,               -- 'client-credentials' | 'token'
  client_id text,
  gid text, name text, currency text, timezone text,
  info text,                        -- last probe, JSON
  added_at integer not null
) strict;

create table channel (
  shop text not null references shop(shop),
  channel text not null,
  plugin text not null,
  title text not null,
  base_url text,
  allow_local integer not null,
  account_id text, account_name text,
  settings text not null,           -- plugin settings, JSON object
  policy text not null,             -- sync policy, JSON object
  extras text not null,             -- the extras in their order, JSON array
  locations text not null,          -- location ids, JSON array
  orders_from integer not null,     -- orders placed before are known, never created
  state text not null,              -- 'active' | 'parked' | 'paused'
  reason text,
  approved_at integer,              -- first sync approved
  guard_pass integer not null default 0,  -- one cycle may pass the mass-change guard
  due_at integer not null,
  failures integer not null default 0,
  read_back_at integer,
  added_at integer not null,
  primary key (shop, channel)
) strict;

create table secret (
  shop text not null, owner text not null, field text not null,
  sealed blob not null,
  primary key (shop, owner, field)
) strict;

create table lease (
  shop text not null, channel text not null,
  epoch integer not null, holder text not null, taken_at integer not null,
  primary key (shop, channel)
) strict;

create table cursor (
  shop text not null, channel text not null, flow text not null,
  value text not null,
  primary key (shop, channel, flow)
) strict;

create table variant (
  shop text not null, id text not null,
  product text not null, item text not null, sku text, title text not null,
  active integer not null, tracked integer not null, updated_at integer not null,
  read_at integer not null, walk integer not null default 0,
  primary key (shop, id)
) strict;
create index variant_sku on variant (shop, sku);
create index variant_item on variant (shop, item);

create table level (
  shop text not null, item text not null, location text not null,
  available integer not null,
  read_at integer not null,         -- when the request that told it was sent
  primary key (shop, item, location)
) strict;

create table listing (
  shop text not null, channel text not null, id text not null,
  parent text, sku text, title text not null, state text not null, reasons text not null,
  quantity integer,                 -- the number at the channel as far as known; null: must be written again
  reserved integer, buyable integer, sellers integer not null, facts text not null,
  read_at integer not null,
  pushed integer, pushed_at integer,
  lost text,                        -- the SKU by which it was linked, when it is not any more
  walk integer not null default 0,
  primary key (shop, channel, id)
) strict;
create index listing_sku on listing (shop, channel, sku);

create table link (
  shop text not null, channel text not null, listing text not null,
  variant text not null, item text not null,
  sku text not null,                -- the listing's
  part text,                        -- the variant's, where the listing is a bundle of several
  pieces integer not null default 1,  -- of the variant in one piece of the listing
  linked_at integer not null,
  primary key (shop, channel, listing, item)
) strict;
create index link_item on link (shop, item);
create index link_sku on link (shop, channel, sku);

-- What the channel's bundles are made of, by the listing's SKU.
create table bundle (
  shop text not null, channel text not null, sku text not null, position integer not null,
  part text not null, pieces integer not null, weight integer not null,
  primary key (shop, channel, sku, position)
) strict;

-- SKUs that are not in step, and why: 'duplicate-shop' | 'duplicate-channel' | 'no-listing' | 'no-variant' | 'near-miss' | 'untracked' | 'bundle-part'
create table mismatch (
  shop text not null, channel text not null, sku text not null, kind text not null,
  detail text not null, since integer not null,
  primary key (shop, channel, sku, kind)
) strict;

create table channel_order (
  shop text not null, channel text not null, id text not null,
  number text not null,
  state text not null,              -- seen | held | ready | creating | created | closed | cancelled | ignored | blocked
  reason text,
  attention integer not null default 0,
  manual_hold integer not null default 0,
  answer text,                      -- 'accept', 'refuse' or 'refuse REASON': what a person said where the channel asks
  snapshot text not null, digest text not null,
  placed_at integer not null, ship_by integer,
  shop_order text, shop_name text, created_at integer,
  seen_at integer not null, changed_at integer not null,
  primary key (shop, channel, id)
) strict;
create unique index order_shop on channel_order (shop, shop_order) where shop_order is not null;
create index order_number on channel_order (shop, channel, number);
create index order_state on channel_order (shop, channel, state);

-- A sold piece is one row, of a bundle one row for each piece of its parts.
create table unit (
  shop text not null, channel text not null, order_id text not null, line text not null, ordinal integer not null,
  piece integer not null default 0,
  sku text, listing text,
  part text,                        -- the SKU of the part, where the sold SKU is a bundle
  item text,
  shop_line text,
  channel_state text not null,      -- held | open | shipped | dropped | other
  shop_state text not null,         -- absent | open | fulfilled | removed
  parcel text,
  primary key (shop, channel, order_id, line, ordinal, piece)
) strict;
create index unit_item on unit (shop, item);
create index unit_listing on unit (shop, channel, listing);
create index unit_shop_line on unit (shop, shop_line);

create table parcel (
  shop text not null, channel text not null, id text not null,   -- the Shopify fulfillment's id
  order_id text not null, number integer not null,
  company text, tracking text, tracking_url text,
  carrier text,                     -- the channel's carrier, JSON
  state text not null,              -- waiting | ready | preparing | prepared | gathered | shipping | done | refused | doubt | withdrawn
  reason text,
  attention integer not null default 0,
  shipped_at integer not null, changed_at integer not null,
  primary key (shop, channel, id)
) strict;
create index parcel_order on parcel (shop, channel, order_id);
create index parcel_tracking on parcel (shop, channel, tracking);
create index parcel_state on parcel (shop, channel, state);

-- Effects on the outside: written before, settled after.
create table intent (
  id integer not null primary key,
  shop text not null, channel text not null,
  kind text not null,               -- accept | order-create | order-cancel | units-remove | channel-cancel | parcel-prepare | parcel-ship
  subject text not null,
  payload text not null,
  made_at integer not null,
  attempted_at integer not null,
  looked_up integer not null default 0,
  settled_at integer, outcome text
) strict;
create unique index intent_open on intent (shop, channel, kind, subject) where settled_at is null;
create index intent_subject on intent (shop, channel, subject);

create table carrier (
  shop text not null, channel text not null, position integer not null, body text not null,
  primary key (shop, channel, position)
) strict;
create table reason (
  shop text not null, channel text not null, position integer not null, body text not null,
  primary key (shop, channel, position)
) strict;

-- Why each number was pushed.
create table push (
  id integer not null primary key,
  shop text not null, channel text not null, listing text not null, sku text not null,
  at integer not null, quantity integer not null, previous integer,
  available integer not null, unseen integer not null, buffer integer not null, reserved integer not null,
  withheld integer not null,        -- by extras
  part text,                        -- of a bundle: the part that allows the least, and how many of it make one
  cause text not null, outcome text not null
) strict;
create index push_sku on push (shop, channel, sku, at);
create index push_listing on push (shop, channel, listing, at);

create table event (
  id integer not null primary key,
  at integer not null, shop text not null, channel text not null,
  subject text not null,            -- 'order:<id>' | 'sku:<sku>' | 'channel' ...
  kind text not null, text text not null
) strict;
create index event_subject on event (shop, channel, subject, id);
create index event_at on event (at);

create table cycle (
  id integer not null primary key,
  shop text not null, channel text not null,
  started_at integer not null, ended_at integer, outcome text, detail text
) strict;
create index cycle_channel on cycle (shop, channel, id);

create table plan (
  shop text not null, channel text not null,
  made_at integer not null, why text not null, body text not null,
  primary key (shop, channel)
) strict;

-- What extras made of an order: the order before, each extra's edits, the order after. JSON.
create table order_extra (
  shop text not null, channel text not null, order_id text not null,
  before text not null, steps text not null, after text not null,
  primary key (shop, channel, order_id)
) strict;

-- Plugin files that were seen, and which of them were granted their rights.
create table plugin_version (
  plugin text not null, digest text not null, version text not null,
  rights text not null,             -- JSON
  seen_at integer not null, granted_at integer,
  primary key (plugin, digest)
) strict;
create table plugin_at_work (
  plugin text not null primary key,
  digest text not null, previous text, refused text,
  file text                         -- null: built in
) strict;

-- Pushes that the channel works on later.
create table ticket (
  shop text not null, channel text not null, ticket text not null,
  made_at integer not null, poll_at integer not null,
  primary key (shop, channel, ticket)
) strict;

-- The newest number sent to a listing, while it is on its way (ticket) or refused (why).
create table sent (
  shop text not null, channel text not null, listing text not null,
  sku text not null, quantity integer not null,
  ticket text, refused text,
  primary key (shop, channel, listing)
) strict;
create index sent_ticket on sent (shop, channel, ticket);
