#!/bin/bash
# mmdebstrap hook: fetches the suite's kernel and hypervisor with the package lists mmdebstrap has just used.
# They are unpacked beside dom0's tree, not installed in it: their scripts would build initrds and boot menus nobody uses.
set -euo pipefail
export APT_CONFIG=$MMDEBSTRAP_APT_CONFIG
kernel=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n1)
cd "$PACKAGES"
apt-get download -qq -o APT::Sandbox::User=root "$kernel" "xen-hypervisor-$XEN_VERSION-amd64"
