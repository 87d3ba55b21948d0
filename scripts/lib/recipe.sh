# Shell functions that the build.sh of kernels/ and wasm/ share. They stop the script when something is wrong.
#
# Before this is sourced: `here`, the folder of the recipe. Nothing in here has a say in what comes out: what goes in, and
# how, stands in the build.sh, whose digest is in SOURCES.

# shellcheck shell=bash disable=SC2154

say() { printf '%s\n' "build.sh: $*" >&2; }
die() {
  say "$@"
  exit 1
}
sha256_of() { sha256sum <"$1" | cut -d' ' -f1; }

# expect_sha256 FILE SHA256
expect_sha256() {
  local found
  found=$(sha256_of "$1")
  [[ $found == "$2" ]] || die "$1 has SHA-256 $found, expected $2"
}

# archive_sha256 PACKAGE VERSION: the .deb's digest; empty when the package lists do not know that version.
archive_sha256() {
  apt-cache show "$1=$2" 2>/dev/null | sed -n 's/^SHA256: //p' | head -n1 || true
}
installed_version() {
  dpkg-query -W -f='${db:Status-Abbrev} ${Version}' "$1" 2>/dev/null | sed -n 's/^ii *//p' || true
}

# install_missing PACKAGE...: installs those that are not there yet.
install_missing() {
  local package missing=()
  for package in "$@"; do
    [[ -n $(installed_version "$package") ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  say "installing ${missing[*]}"
  apt-get update
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"
}

# toolchain_lines ANY ENTRY...: the "package" lines of SOURCES for tools whose output ends up in the artifact. An entry
# is "PACKAGE VERSION LICENCE"; another version than that is accepted only if ANY is "yes".
toolchain_lines() {
  local any=$1 entry package pinned licence version digest
  shift
  for entry in "$@"; do
    read -r package pinned licence <<<"$entry"
    version=$(installed_version "$package")
    [[ $version == "$pinned" || $any == yes ]] ||
      die "$package is $version, but the committed artifact was made with $pinned." \
        "Install that version, or pass --any-toolchain for an artifact that works alike but has another digest."
    digest=$(archive_sha256 "$package" "$version")
    [[ -n $digest ]] || die "the package lists do not know $package $version; run apt-get update, or upgrade the package"
    echo "package $package $version $(dpkg-query -W -f='${Architecture}' "$package") $digest $licence"
  done
}

# use_work: sets `work` to $WORK, which is kept, or to a temporary directory that goes with the script.
use_work() {
  if [[ -n ${WORK:-} ]]; then
    mkdir -p "$WORK"
    work=$(cd "$WORK" && pwd)
  else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
  fi
}

# fetch_deb PACKAGE VERSION ARCHITECTURE SHA256: sets `deb` to that package's file. One that is already in $work is as
# good as a fetched one, if its digest is right.
fetch_deb() {
  deb=$work/$1_$2_$3.deb
  # As root, apt drops its privileges for a download, which a private directory would not allow.
  [[ -e $deb ]] || (cd "$work" && apt-get -o APT::Sandbox::User=root download "$1=$2") ||
    die "Debian's archive does not offer $1 $2. Run apt-get update and try again; if the version is gone, put its .deb" \
      "(the snapshot archive keeps old ones) into a directory and pass it as WORK."
  expect_sha256 "$deb" "$4"
}

# recipe_lines FILE...: the "recipe" lines of SOURCES.
recipe_lines() {
  local file
  for file in "$@"; do echo "recipe $(sha256_of "$here/$file") $file"; done
}
