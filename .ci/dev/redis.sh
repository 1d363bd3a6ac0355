# shellcheck shell=bash
# Part of ./dev: the private Redis.

# redis_program server|cli. Debian's redis-tools has the server under another name, which looks at its own.
redis_program() {
  local name
  for name in "redis-$1" "valkey-$1" "/opt/homebrew/bin/redis-$1" "/usr/local/bin/redis-$1"; do
    if has "$name"; then
      command -v "$name"
      return
    fi
  done
  if [ "$1" != server ] || ! has redis-check-rdb; then return 1; fi
  mkdir -p "$DEV/bin"
  ln -sf "$(command -v redis-check-rdb)" "$DEV/bin/redis-server"
  "$DEV/bin/redis-server" --version >/dev/null 2>&1 && echo "$DEV/bin/redis-server"
}

redis_cli() { REDISCLI_AUTH=$PASSWORD "$REDIS_CLI" -h 127.0.0.1 -p "$REDIS_PORT" "$@" 2>/dev/null; }

redis_is_ours() {
  [ -n "$REDIS_PORT" ] && runs "$(cat "$DEV/redis/pid" 2>/dev/null)" "$(redis_name)" && port_taken "$REDIS_PORT" && [ "$(redis_cli config get dir | tail -1)" = "$DEV/redis" ]
}

redis_name() { case $REDIS_SERVER in */valkey*) echo valkey ;; *) echo redis ;; esac; }

redis_answers() { [ "$(redis_cli ping)" = PONG ]; }

start_redis() {
  if [ -z "$REDIS_PORT" ] || port_taken "$REDIS_PORT"; then
    REDIS_PORT=$(free_port)
    save_state
  fi
  (umask 077 && mkdir -p "$DEV/redis")
  (
    umask 077
    redis_settings >"$DEV/redis/redis.conf"
  )
  (cd / && "$REDIS_SERVER" "$DEV/redis/redis.conf" >/dev/null)
  until_true 30 redis_answers || {
    tail -20 "$DEV/log/redis" >&2
    die "Redis did not start (see .dev/log/redis)"
  }
}

# The password keeps other people of this machine out.
redis_settings() {
  cat <<TEXT
bind 127.0.0.1
port $REDIS_PORT
requirepass $PASSWORD
daemonize yes
dir "$DEV/redis"
pidfile "$DEV/redis/pid"
logfile "$DEV/log/redis"
save ""
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
TEXT
}

stop_redis() {
  redis_is_ours || return 0
  redis_cli shutdown || true
  until_true 30 redis_is_gone || die "Redis does not stop (see .dev/log/redis)"
}

redis_is_gone() { ! port_taken "$REDIS_PORT"; }
