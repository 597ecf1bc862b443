-- What the pages are read by, however much there is.

-- Events of one kind, however rare it is.
create index event_kind on event (kind, id);
-- Units whose pieces the shop's numbers may not contain yet, and those that a channel holds back: few, of the many that were
-- ever sold.
create index unit_unseen on unit (shop, item) where channel_state <> 'dropped' and shop_state in ('absent', 'open');
create index unit_reserved on unit (shop, channel, listing) where channel_state = 'open' and piece = 0;
-- Listings with several links.
create index link_part on link (shop, channel, listing) where part is not null;
-- The cycle that was at work at a moment.
create index cycle_ended on cycle (shop, channel, ended_at);
