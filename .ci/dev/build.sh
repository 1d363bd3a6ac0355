# shellcheck shell=bash
# Part of ./dev: the UI bundle, and where the built programs are.

ELEMENTS=src/ui/elements

has_elements() { [ -f "$ELEMENTS/package.json" ]; }

# The program embeds the bundle, so it comes first.
build_ui() {
  has_elements || return 0
  npm_install "$ELEMENTS"
  npm --prefix "$ELEMENTS" run --silent build
}

# Installs again only when the lock file is another one than last time.
npm_install() {
  local want
  require node
  want=$(git hash-object "$1/package.json" "$1/package-lock.json")
  [ "$want" != "$(cat "$1/node_modules/.installed" 2>/dev/null)" ] || return 0
  npm --prefix "$1" ci --no-audit --no-fund --loglevel=error
  mkdir -p "$1/node_modules"
  echo "$want" >"$1/node_modules/.installed"
}

target_folder() { cargo metadata --format-version 1 --no-deps --locked --offline 2>/dev/null | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'; }

# Where the programs of the last development build are, for tests and the demo that run them from outside.
name_programs() {
  local folder
  folder=$(target_folder)/debug
  export LOCKSTEP_BIN=$folder/lockstep SIM_BIN=$folder/github-sim
}

more_open_files() { ulimit -Sn 65536 2>/dev/null || ulimit -Sn "$(ulimit -Hn)" 2>/dev/null || true; }
