#!/bin/bash
# Fetches the kernel of one Debian release, and of its modules those that the exploration guest loads.
#
#   fetch-kernel.sh SUITE OUT
#
# OUT      a folder that does not exist yet. Gets: vmlinuz, release (what uname -r says there), modules/ and modules/order
#
# Needs apt, a mirror named by this machine's apt sources, modprobe, depmod and xz. Nothing is installed.
set -euo pipefail

SUITE=$1
OUT=$2
HERE=$(cd "$(dirname "$0")" && pwd)
LAB=$HERE/../../../resources/lab/steps
WORK=$OUT.$$
PACKAGES=$WORK

fail() { echo "fetch-kernel: $*" >&2; exit 1; }

. "$LAB/apt.sh"
. "$LAB/initramfs.sh"

trap 'rm -rf "$WORK"' EXIT
mkdir -p "$WORK"/{lists/partial,download,result}
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
(cd "$WORK/download" && apt-get download -qq "$package")
dpkg-deb -x "$WORK"/download/*.deb "$WORK/root"

# Since Debian 13 modules are compressed and below /usr.
[ -d "$WORK/root/lib" ] || ln -s usr/lib "$WORK/root/lib"
KERNEL_VERSION=$(basename "$WORK"/root/lib/modules/*)
find "$WORK/root/lib/modules/" -name '*.ko.xz' -exec xz -d {} +
depmod -b "$WORK/root" "$KERNEL_VERSION"
add_modules "$WORK/result" virtio_pci virtio_balloon
cp "$WORK/root/boot/vmlinuz-$KERNEL_VERSION" "$WORK/result/vmlinuz"
echo "$KERNEL_VERSION" >"$WORK/result/release"
mv -T "$WORK/result" "$OUT"
