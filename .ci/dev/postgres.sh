# shellcheck shell=bash
# Part of ./dev: the private PostgreSQL.

# pg_programs [VERSION]: the folder with the newest PostgreSQL's programs, 14 at least, or that version's.
pg_programs() {
  local folder version best='' newest=13
  for folder in "$(dirname "$(command -v initdb || echo /none/initdb)")" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin \
    /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin; do
    has_all_in "$folder" initdb postgres pg_ctl psql || continue
    version=$(pg_version "$folder")
    if [ -n "${1:-}" ]; then
      [ "$version" != "$1" ] || best=$folder
    elif [ "$version" -gt "$newest" ]; then
      best=$folder newest=$version
    fi
  done
  echo "$best"
}

has_all_in() {
  local folder=$1 program
  shift
  for program in "$@"; do
    [ -x "$folder/$program" ] || return 1
  done
}

# PostgreSQL refuses root: root runs it as the user `postgres`, or as whoever called sudo.
pg_user() {
  if [ -d "$DEV/pg/." ] && [ "$(owner_of "$DEV/pg/.")" != root ]; then
    owner_of "$DEV/pg/."
  elif id postgres >/dev/null 2>&1; then
    echo postgres
  else
    echo "${SUDO_USER:-root}"
  fi
}

as_pg() {
  if ! is_root; then
    (cd / && "$@")
  elif has runuser; then
    (cd / && runuser -u "$(pg_user)" -- "$@")
  else
    (cd / && sudo -u "$(pg_user)" -- "$@")
  fi
}

pg_ctl() { as_pg "$PG_BIN/pg_ctl" -D "$PG_HOME/data" -w -t 60 "$@"; }

pg_query() {
  PGPASSWORD=$PASSWORD PGCONNECT_TIMEOUT=5 "$PG_BIN/psql" -X -w -h 127.0.0.1 -p "$PG_PORT" -U lockstep -d postgres -Atqc "$1" 2>/dev/null
}

# Asks the server itself: the pid file may be stale, and the port somebody else's by now.
pg_is_ours() {
  find_pg_home
  [ -n "$PG_PORT" ] && runs "$(as_pg head -1 "$PG_HOME/data/postmaster.pid" 2>/dev/null)" postgres && port_taken "$PG_PORT" && [ "$(pg_query 'show data_directory')" = "$PG_HOME/data" ]
}

# `.dev/pg` leads elsewhere where PostgreSQL's user cannot reach into this clone.
find_pg_home() {
  PG_HOME=$DEV/pg
  [ ! -L "$PG_HOME" ] || PG_HOME=$(readlink "$PG_HOME")
}

start_pg() {
  local try
  [ "$(pg_user)" != root ] || ! is_root || die "PostgreSQL does not run as root: please add a user named postgres"
  find_pg_home
  stop_a_deaf_pg
  cluster_fits || make_cluster
  for try in 1 2 3 4; do
    ! try_to_start_pg || break
    [ "$try" -lt 4 ] || pg_did_not_start
    sleep 2 # children of a killed server need a moment to notice
  done
  [ -n "$(pg_query "select 1 from pg_database where datname = 'lockstep'")" ] || pg_query 'create database lockstep'
}

try_to_start_pg() {
  if [ -z "$PG_PORT" ] || port_taken "$PG_PORT"; then
    PG_PORT=$(free_port)
    save_state
  fi
  pg_ctl -l "$PG_HOME/log" -o "$(pg_settings)" start >/dev/null 2>&1
}

pg_did_not_start() {
  as_pg tail -20 "$PG_HOME/log" >&2 || true
  die "PostgreSQL did not start (see $PG_HOME/log)"
}

# Room for many tests at once; everything else as a real server has it, fsync included.
pg_settings() {
  echo "-p $PG_PORT -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=400 -c shared_buffers=256MB"
}

# Made by this version, and with the password that is remembered.
cluster_fits() {
  [ "$(as_pg cat "$PG_HOME/data/PG_VERSION" "$PG_HOME/password" 2>/dev/null)" = "$(pg_version "$PG_BIN")"$'\n'"$PASSWORD" ]
}

pg_version() { "$1/postgres" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/'; }

# The pid file may be stale, and the pid another program's by now, which the server would take for
# itself; or it names a server of this very folder that does not answer. A copied file names another folder.
stop_a_deaf_pg() {
  local pid folder
  { read -r pid && read -r folder; } < <(as_pg cat "$PG_HOME/data/postmaster.pid" 2>/dev/null) || return 0
  if [ "$folder" = "$PG_HOME/data" ] && runs "$pid" postgres; then
    pg_ctl stop -m immediate >/dev/null 2>&1 || true
  else
    as_pg rm -f "$PG_HOME/data/postmaster.pid"
  fi
}

make_cluster() {
  say "making a PostgreSQL cluster"
  make_pg_home
  find_pg_home
  # shellcheck disable=SC2016 # the inner shell's
  as_pg sh -c 'umask 077 && cat >"$1"' sh "$PG_HOME/password" <<<"$PASSWORD"
  if ! initdb --locale-provider=icu --icu-locale=en-US; then
    as_pg rm -rf "$PG_HOME/data"
    initdb || die "initdb failed (see .dev/log/initdb)"
  fi
}

# In one language's order of words, as most real servers are, so that a query which forgets to ask for
# the order of bytes is found here. Passwords travel plain, on loopback, since tests connect often.
initdb() {
  as_pg env LC_ALL=C "$PG_BIN/initdb" -D "$PG_HOME/data" -U lockstep --pwfile="$PG_HOME/password" \
    --auth=password --encoding=UTF8 --locale=C "$@" >>"$DEV/log/initdb" 2>&1
}

make_pg_home() {
  local user elsewhere
  user=$(pg_user)
  find_pg_home
  rm -rf "$PG_HOME" "$DEV/pg"
  mkdir -m 700 "$DEV/pg"
  is_root || return 0
  chown "$user" "$DEV/pg"
  ! as_pg test -w "$DEV/pg" || return 0
  elsewhere=$(printf %s "$ROOT" | cksum | cut -d' ' -f1)
  remove_orphans "/var/tmp/lockstep-pg-$elsewhere" "$user"
  rm -r "$DEV/pg"
  elsewhere=$(mktemp -d "/var/tmp/lockstep-pg-$elsewhere.XXXXXX")
  chown "$user" "$elsewhere"
  ln -s "$elsewhere" "$DEV/pg"
}

# What a clone at this very path left behind when it was removed.
remove_orphans() {
  local folder
  for folder in "$1".*; do
    if [ -L "$folder" ] || [ ! -d "$folder" ] || [ "$(owner_of "$folder")" != "$2" ]; then continue; fi
    as_pg "$PG_BIN/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$folder"
  done
}

stop_pg() {
  pg_is_ours || return 0
  pg_ctl stop -m fast >/dev/null || die "PostgreSQL does not stop (see $PG_HOME/log)"
}
