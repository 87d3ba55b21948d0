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
source "$here/../../scripts/lib/recipe.sh"

use_work
fetch_deb "$PACKAGE" "$VERSION" all "$SHA256"
for file in "${FILES[@]}"; do
  dpkg-deb --fsys-tarfile "$deb" | tar -xO "./usr/share/seabios/$file" >"$work/$file"
  install -m 644 "$work/$file" "$here/$file"
done
{
  echo "rebuild kernels/seabios/build.sh"
  echo "package $PACKAGE $VERSION all $SHA256 LGPL-3.0-only"
  recipe_lines build.sh
  for file in "${FILES[@]}"; do
    echo "artifact $(sha256_of "$here/$file") $file"
  done
} >"$here/SOURCES.new"
mv "$here/SOURCES.new" "$here/SOURCES"
