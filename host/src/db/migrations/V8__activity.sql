-- Events of one kind, however rare it is.
create index event_kind on event (kind, id);
