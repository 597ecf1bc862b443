-- Who may look and act, what they did, and the settings of the host itself.

create table person (
  name text not null primary key,
  password text not null,           -- PHC string
  role text not null,               -- 'viewer' | 'operator' | 'admin'
  added_at integer not null,
  signed_in_at integer
) strict;

create table session (
  id text not null primary key,     -- SHA-256 of what the cookie holds
  person text,                      -- null before somebody signs in
  data text not null,               -- JSON object
  expires_at integer not null
) strict;
create index session_person on session (person);

-- Links that work once: the first set-up, and people who are asked to choose a password.
create table invitation (
  digest text not null primary key, -- SHA-256 of the link's token
  name text,                        -- null: whoever comes chooses a name
  role text not null,
  expires_at integer not null
) strict;

create table token (
  digest text not null primary key, -- SHA-256 of the token
  name text not null unique,
  role text not null,
  added_at integer not null, used_at integer
) strict;

create table audit (
  id integer not null primary key,
  at integer not null,
  actor text not null,              -- a person, a token, or who typed a command
  via text not null,                -- 'page' | 'api' | 'command'
  action text not null,             -- a stable word, as in 'order.retry'
  subject text not null,            -- 'kestrel/the-iconic order 914002771'
  detail text not null              -- for people
) strict;

-- Settings of the host, each a JSON value.
create table setting (
  key text not null primary key,
  value text not null
) strict;

-- The newest events of a channel.
create index event_channel on event (shop, channel, id);
