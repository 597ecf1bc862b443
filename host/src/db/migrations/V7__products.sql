-- What the pages of products are read by, both sides of near misses, and SKUs that a person asked to be read again.

-- A search through titles reads this index alone.
drop index variant_sku;
create index variant_sku on variant (shop, sku, title);
create index mismatch_kind on mismatch (shop, channel, kind, sku);
create index listing_unsure on listing (shop, channel, sku, id) where quantity is null;
create index listing_lost on listing (shop, channel, lost) where lost is not null;
create index sent_refused on sent (shop, channel, sku, listing) where refused is not null;
create index bundle_part on bundle (shop, channel, part);

-- SKUs of the shop that nearly agree with one of the channel.
create table near_miss (
  shop text not null, channel text not null,
  sku text not null,                -- the channel's
  other text not null,              -- the shop's
  primary key (shop, channel, sku, other)
) strict;
create index near_miss_other on near_miss (shop, channel, other, sku);

-- SKUs that the next cycle reads again on both sides, and whose number it then writes again.
create table reread (
  shop text not null, channel text not null, sku text not null,
  asked_at integer not null,
  asked_by text not null,
  primary key (shop, channel, sku)
) strict;
