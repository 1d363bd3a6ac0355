# shellcheck shell=bash
# Part of ./dev: the stages of the tests and lints, their counts and times.

STAGES='' PASSED=0 FAILED=0 BROKEN='' REASONS=''

# stage NAME COMMAND…: runs it, keeps what it printed in .dev/log/, and notes time and outcome.
# STAGE_OK tells; the next stage is the caller's decision.
stage() {
  local name=$1 log=$DEV/log/${1// /-} began=$SECONDS code counts
  shift
  say "== $name"
  set +e
  (
    set -e
    "$@"
  ) 2>&1 | tee "$log"
  code=${PIPESTATUS[0]}
  set -e
  counts=$(count_tests <"$log")
  note_stage "$name" "$code" $((SECONDS - began)) "${counts% *}" "${counts#* }"
}

# A stage that failed without saying how often failed once.
note_stage() {
  local passed=$4 failed=$5 word=ok counts=''
  STAGE_OK=true
  if [ "$2" != 0 ]; then
    # shellcheck disable=SC2034 # for the caller
    STAGE_OK=false
    word=FAILED BROKEN="$BROKEN, $1"
    REASONS+=$(reasons <"$DEV/log/${1// /-}")$'\n'
    [ "$failed" -gt 0 ] || failed=1
  fi
  [ $((passed + failed)) = 0 ] || counts="$passed passed, $failed failed"
  PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed))
  STAGES+=$(printf '%-12s %-6s %5d s  %s' "$1" "$word" "$3" "$counts")$'\n'
}

# "PASSED FAILED" from the closing lines of cargo test, of node's runner, and of all that say "N passed".
count_tests() {
  awk '
    /^test result: / { passed += $4; failed += $6; next }
    /^[^ ]+ pass [0-9]+$/ { passed += $3; next }
    /^[^ ]+ fail [0-9]+$/ { failed += $3; next }
    /^(=+ |[A-Za-z]+: )?[0-9]+ (passed|failed)/ {
      for (i = 1; i < NF; i++) {
        if ($(i + 1) ~ /^passed/) passed += $i
        if ($(i + 1) ~ /^failed/) failed += $i
      }
    }
    END { print passed + 0, failed + 0 }'
}

# Why tests of cargo failed, once more, so that it stands where one looks first: at the end.
reasons() {
  awk '
    /^---- .* stdout ----$/ { within = 1; left = 12 }
    /^(stack backtrace:|failures:|note: )/ { within = 0 }
    within && NF && left-- > 0 { print substr($0, 1, 600) }'
}

close_stages() {
  [ -z "${REASONS//[[:space:]]/}" ] || printf '\n== what failed\n%s' "$REASONS"
  printf '\n%s%d s in all\n' "$STAGES" "$SECONDS"
  [ -z "$BROKEN" ] || printf 'failed:%s\n' "${BROKEN#,}"
  [ $((PASSED + FAILED)) = 0 ] || printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
  [ -z "$BROKEN" ]
}

# Backtraces of a failed test: ./dev test ITS_NAME.
cargo_tests() { RUST_BACKTRACE=0 cargo test --workspace --locked --no-fail-fast; }

ui_tests() {
  npm_install tests/ui
  CHROMIUM=$(chromium_path) npm --prefix tests/ui test --silent
}

# Units are read by systemd itself, which other systems do not have.
checks_deploy() { [ -x deploy/check ] && [ "$(uname)" = Linux ]; }

rule_tests() { "$(promtool_path)" test rules deploy/prometheus/tests/*.yml; }

format_rust() {
  rust_component fmt rustfmt
  cargo fmt --all --check
}

lint_rust() {
  rust_component clippy clippy
  cargo clippy --workspace --all-targets --locked -- -D warnings
}

# Scripts are known by their first line.
lint_shell() {
  local scripts=()
  while IFS= read -r script; do
    scripts+=("$script")
  done < <(git grep -lE -m1 '^#!.*[/ ](ba)?sh$' -- dev .ci tests deploy)
  bash -n "${scripts[@]}"
  ! has shellcheck || shellcheck "${scripts[@]}"
}

lint_ui() { npm --prefix "$ELEMENTS" run --silent --if-present lint; }

# What the tests of this clone need, by what is in it.
require_for_tests() {
  local tools=(postgresql redis)
  require_rust
  ! has_elements || tools+=(node)
  [ ! -x tests/sim/likeness/run ] || tools+=(node python)
  [ ! -f tests/ui/package.json ] || tools+=(node chromium)
  [ ! -d deploy/prometheus/tests ] || tools+=(promtool)
  ! checks_deploy || tools+=(node python promtool helm systemd_analyze)
  require "${tools[@]}"
}

lint_stages() {
  stage format format_rust
  stage clippy lint_rust
  stage "lint shell" lint_shell
  ! has_elements || stage "lint ui" lint_ui
}

outside_stages() {
  [ ! -x tests/sim/likeness/run ] || stage likeness tests/sim/likeness/run
  [ ! -f tests/ui/package.json ] || stage "ui tests" ui_tests
  [ ! -d deploy/prometheus/tests ] || stage "alert rules" rule_tests
  ! checks_deploy || stage deploy deploy/check
}
