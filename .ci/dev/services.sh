# shellcheck shell=bash
# Part of ./dev: starting and stopping both servers, and for how long they stay.

# Services for as long as this command runs, unless `./dev up` or another command wants them longer.
with_services() {
  : >"$DEV/users/$$"
  trap release_services EXIT
  trap 'exit 130' INT TERM HUP
  start_services
  # Tests start servers of their own; where Debian has Redis' server under another name, it is here.
  PATH=$DEV/bin:$PATH
  # shellcheck source=/dev/null
  . "$DEV/env"
}

release_services() {
  rm -f "$DEV/users/$$"
  locked stop_unless_wanted
}

# Under the lock: whoever comes now is noted already, or starts them again after us.
stop_unless_wanted() { [ -e "$DEV/keep" ] || wanted_by_others || stop_both; }

wanted_by_others() {
  local user wanted=1
  for user in "$DEV"/users/*; do
    [ -e "$user" ] || continue
    if alive "${user##*/}"; then wanted=0; else rm -f "$user"; fi
  done
  return $wanted
}

start_services() {
  require postgresql redis
  locked start_both
}

start_both() {
  read_state
  find_servers
  redis_is_ours || start_redis
  pg_is_ours || start_pg
}

stop_both() {
  [ -f "$DEV/state" ] || return 0
  read_state
  find_servers || return 0
  stop_redis
  stop_pg
}

# Fails where a server's programs are missing.
find_servers() {
  # shellcheck disable=SC2034 # used in redis.sh
  REDIS_SERVER=$(redis_program server) && REDIS_CLI=$(redis_program cli) || return
  local version=''
  [ ! -d "$DEV/pg/." ] || version=$(as_pg cat "$DEV/pg/data/PG_VERSION" 2>/dev/null || true)
  PG_BIN=$(pg_programs "$version")
  [ -n "$PG_BIN" ] || PG_BIN=$(pg_programs)
  [ -n "$PG_BIN" ]
}

# until_true SECONDS COMMAND…
until_true() {
  local tries=$(($1 * 10))
  shift
  until "$@"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.1
  done
}
