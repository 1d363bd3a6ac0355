# shellcheck shell=bash
# Part of ./dev: what a clone remembers in .dev/, its ports, its lock.

open_dev() {
  mkdir -p "$DEV/log" "$DEV/users" 2>/dev/null || true
  [ -w "$DEV/users" ] || die "$DEV belongs to $(owner_of "$DEV"): run as that user, or remove it first"
}

# Reads what is remembered: ROOT_THEN, PASSWORD, PG_PORT, REDIS_PORT. For use under the lock.
read_state() {
  ROOT_THEN=$ROOT PASSWORD='' PG_PORT='' REDIS_PORT=''
  # shellcheck source=/dev/null
  [ ! -f "$DEV/state" ] || . "$DEV/state"
  [ "$ROOT_THEN" = "$ROOT" ] || leave_where_it_came_from
  [ -n "$PASSWORD" ] || PASSWORD=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  save_state
}

# A copied clone brings along the state of another, whose servers may be running and stay as they are.
# A moved clone's servers are its own. Either way it starts anew: there is only test data.
leave_where_it_came_from() {
  if [ ! -e "$ROOT_THEN/.dev" ] && find_servers; then
    find_pg_home
    redis_cli shutdown >/dev/null || true
    pg_ctl stop -m fast >/dev/null 2>&1 || true
    rm -rf "${PG_HOME:?}"
  fi
  rm -rf "$DEV/pg" "$DEV/redis" "$DEV/keep"
  PASSWORD='' PG_PORT='' REDIS_PORT=''
}

save_state() {
  (
    umask 077
    printf '%s=%q\n' ROOT_THEN "$ROOT" PASSWORD "$PASSWORD" PG_PORT "$PG_PORT" REDIS_PORT "$REDIS_PORT" >"$DEV/state"
    cat >"$DEV/env" <<TEXT
export LOCKSTEP_TEST_DATABASE_URL=postgres://lockstep:$PASSWORD@127.0.0.1:$PG_PORT/lockstep
export LOCKSTEP_TEST_REDIS_URL=redis://default:$PASSWORD@127.0.0.1:$REDIS_PORT
TEXT
  )
}

port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Below the range that systems hand out to outgoing connections.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    port_taken "$port" || break
  done
  echo "$port"
}

# locked COMMAND…: one at a time in this clone.
locked() {
  local holder tries=0
  until mkdir "$DEV/lock" 2>/dev/null; do
    holder=$(cat "$DEV/lock/pid" 2>/dev/null || true)
    if [ -n "$holder" ] && ! alive "$holder"; then
      rm -rf "$DEV/lock"
    fi
    tries=$((tries + 1))
    [ "$tries" -lt 1200 ] || die "another ./dev holds $DEV/lock for two minutes; remove it if none is running"
    sleep 0.1
  done
  echo $$ >"$DEV/lock/pid"
  local outcome=0
  set +e
  (
    set -e
    "$@"
  )
  outcome=$?
  set -e
  rm -rf "$DEV/lock"
  [ "$outcome" = 0 ] || exit "$outcome"
}
