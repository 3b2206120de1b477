#!/bin/bash
# Fetches the kernel of one Debian release, and of its modules those that guests in tests load.
#
#   fetch-kernel.sh SUITE OUT
#
# SUITE    a release, or its backports
# OUT      a folder that does not exist yet. Gets: vmlinuz, release (what uname -r says there), and two folders of modules, each
#          with their order: qemu/modules (balloon of a guest of plain QEMU), xen/modules (network of a guest of Xen)
#
# Needs apt, a mirror named by this machine's apt sources, modprobe, depmod and xz. Nothing is installed.
set -euo pipefail

SUITE=$1
OUT=$2
HERE=$(cd "$(dirname "$0")" && pwd)
LAB=$HERE/../../resources/lab/steps
WORK=$OUT.$$
PACKAGES=$WORK

fail() { echo "fetch-kernel: $*" >&2; exit 1; }

. "$LAB/apt.sh"
. "$LAB/initramfs.sh"

trap 'rm -rf "$WORK"' EXIT
mkdir -p "$WORK"/{lists/partial,download,result/{qemu,xen}/modules}
debian_sources >"$WORK/sources.list"
apt_proxy_options >"$WORK/apt.conf"
cat >>"$WORK/apt.conf" <<E2
Dir::Etc::sourcelist "$WORK/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$WORK/lists";
Dir::State::status "/dev/null";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT::Sandbox::User "root";
E2
export APT_CONFIG=$WORK/apt.conf

apt-get update -qq
package=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n1)
[ -n "$package" ] || fail "the mirror has no kernel for Debian $SUITE"
# Newer kernels come in several packages: base, binary and modules.
parts=$(apt-cache depends "$package" | sed -n 's/.*Depends: \(linux-[a-z]*-[0-9].*\)/\1/p')
# shellcheck disable=SC2086 -- one package a word
(cd "$WORK/download" && apt-get download -qq "$package" $parts)
for deb in "$WORK"/download/*.deb; do dpkg-deb -x "$deb" "$WORK/root"; done

# Since Debian 13 modules are compressed and below /usr.
[ -d "$WORK/root/lib" ] || ln -s usr/lib "$WORK/root/lib"
KERNEL_VERSION=$(basename "$WORK"/root/lib/modules/*)
find "$WORK/root/lib/modules/" -name '*.ko.xz' -exec xz -d {} +
depmod -b "$WORK/root" "$KERNEL_VERSION"
add_modules "$WORK/result/qemu" virtio_pci virtio_balloon
add_modules "$WORK/result/xen" xen-netfront
# since Linux 7 the kernel lies beside its modules
cp "$(find "$WORK/root/boot" "$WORK/root/lib/modules/$KERNEL_VERSION" -name "vmlinuz*" | head -n1)" "$WORK/result/vmlinuz"
echo "$KERNEL_VERSION" >"$WORK/result/release"
mv -T "$WORK/result" "$OUT"
