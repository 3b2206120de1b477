#!/bin/bash
# Builds the boxed lab's image: everything two virtual Xen hosts and their guests boot from.
#
#   build.sh OUT SCRATCH XEN device-model|no-device-model
#
# OUT      an existing, empty folder. Gets: xen (multiboot ELF), vmlinuz, initrd.cpio, dom0.img (ext4, sparse), manifest.json
# SCRATCH  an existing, empty folder for the tree that is being built, best on a tmpfs with 1 GB free
# XEN      4.14, 4.17 or 4.20: Debian 11, 12 or 13, whose own kernel dom0 and guests get
#
# With the device model dom0 has QEMU, which HVM guests need.
#
# Needs root, Debian's packages named in electron/services/lab/tools.ts and a mirror named by this machine's apt sources
# (or by ME2_DEBIAN_MIRROR and ME2_DEBIAN_SECURITY_MIRROR). Prints one "== step" line per step; anything else is log.
# Standard input is a life line: when it ends, whoever asked for the image is gone, and the build with its whole process
# group (it must lead one: setsid) ends too.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
OUT=$1
SCRATCH=$2
XEN_VERSION=$3
DEVICE_MODEL=$4
TREE=$SCRATCH/tree          # dom0's root file system
PACKAGES=$SCRATCH/packages  # kernel and hypervisor, unpacked but not installed

step() { echo "== $*"; }
fail() { echo "build: $*" >&2; exit 1; }

case $XEN_VERSION in
4.14) SUITE=bullseye ;;
4.17) SUITE=bookworm ;;
4.20) SUITE=trixie ;;
*) fail "no Debian release is known to have Xen $XEN_VERSION" ;;
esac

trap 'exit 143' TERM
exec 3<&0 </dev/null
(while read -r _; do :; done <&3; kill -TERM 0) &
LIFELINE=$!
exec 3<&-
trap 'kill "$LIFELINE" 2>/dev/null || true' EXIT

. "$HERE/steps/apt.sh"
. "$HERE/steps/initramfs.sh"
. "$HERE/steps/dom0.sh"
. "$HERE/steps/guest.sh"

step "Debian $SUITE packages for dom0"
install_dom0_packages

step 'kernel and hypervisor'
unpack_kernel_and_xen

step 'guest images'
build_guest_images "$TREE/boot"

step 'dom0 configuration'
configure_dom0
build_dom0_initrd "$OUT/initrd.cpio"

step 'disk image'
build_dom0_disk "$OUT/dom0.img"
write_manifest "$OUT/manifest.json"
