-- Orders are listed a page at a time, in either order and by each filter, whatever their number.
drop index order_state;
drop index order_number;
create index order_state on channel_order (shop, channel, state, placed_at, id);
create index order_placed on channel_order (shop, channel, placed_at, id);
create index order_left on channel_order (shop, channel, coalesce(ship_by, 9223372036854775807), id)
  where state not in ('closed', 'cancelled', 'ignored');
create index order_number on channel_order (shop, channel, number, id);
create index order_shop_name on channel_order (shop, channel, shop_name, id) where shop_name is not null;
create index unit_sku on unit (shop, channel, sku, order_id) where sku is not null;
create index unit_part on unit (shop, channel, part, order_id) where part is not null;
