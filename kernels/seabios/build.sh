#!/bin/bash
# Takes the two firmware files of the emulated PC out of Debian's seabios package: nothing is compiled here.
#
#   bios.bin              the system BIOS, in the 128 KiB variant that v86 maps below 1 MiB and at the end of 4 GiB
#   vgabios-stdvga.bin    the option ROM for the graphics card v86 emulates
#
# For Debian 12; an ordinary user will do. Works in a temporary directory, or in $WORK if that is set (kept).
set -euo pipefail

PACKAGE=seabios
VERSION=1.16.2-1
SHA256=08e5b3f761379f17a6051731cafa03e97686049e2cc1b8bdccc5a910646e2d8e
FILES=(bios.bin vgabios-stdvga.bin)

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

die() {
  printf 'build.sh: %s\n' "$*" >&2
  exit 1
}
sha256_of() { sha256sum <"$1" | cut -d' ' -f1; }

if [[ -n ${WORK:-} ]]; then
  mkdir -p "$WORK"
  work=$(cd "$WORK" && pwd)
else
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi

# A .deb already in the work directory is as good as a fetched one, if its digest is right.
deb=$work/${PACKAGE}_${VERSION}_all.deb
if [[ ! -e $deb ]]; then
  # As root, apt drops its privileges for a download, which a private directory would not allow.
  (cd "$work" && apt-get -o APT::Sandbox::User=root download "$PACKAGE=$VERSION") ||
    die "Debian's archive does not offer $PACKAGE $VERSION. Run apt-get update and try again; if the version is gone," \
      "put its .deb (the snapshot archive keeps old ones) into a directory and pass it as WORK."
fi
found=$(sha256_of "$deb")
[[ $found == "$SHA256" ]] || die "$deb has SHA-256 $found, expected $SHA256"

for file in "${FILES[@]}"; do
  dpkg-deb --fsys-tarfile "$deb" | tar -xO "./usr/share/seabios/$file" >"$work/$file"
  install -m 644 "$work/$file" "$here/$file"
done
{
  echo "rebuild kernels/seabios/build.sh"
  echo "package $PACKAGE $VERSION all $SHA256 LGPL-3.0-only"
  echo "recipe $(sha256_of "$here/build.sh") build.sh"
  for file in "${FILES[@]}"; do
    echo "artifact $(sha256_of "$here/$file") $file"
  done
} >"$here/SOURCES.new"
mv "$here/SOURCES.new" "$here/SOURCES"
