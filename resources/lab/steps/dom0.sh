# dom0: a Debian tree without an init system, its modules, and the disk image made from it.

# No compiler: the agent is uploaded. sudo and the two plain users are there to try hosts where one is not root. The tools of
# two file systems make, check and look into guests' disks, which may be logical volumes.
DOM0_PACKAGES=xen-utils-$XEN_VERSION,xenstore-utils,openssh-server,openssh-client,iproute2,kmod,procps,busybox-static,sudo,mount,e2fsprogs,xfsprogs,lvm2

# Modules dom0 may load, below kernel/ in the module tree: paravirtual devices, bridges, rate limits, the root file system.
DOM0_MODULES='drivers/xen drivers/virtio drivers/block/virtio_blk.ko drivers/block/xen-blkback drivers/block/loop.ko
	drivers/md/dm-mod.ko drivers/dax
	drivers/net/virtio_net.ko drivers/net/net_failover.ko drivers/net/xen-netback net/core net/bridge net/802 net/llc
	net/sched/sch_tbf.ko fs/ext4 fs/jbd2 fs/xfs fs/mbcache.ko lib/crc16.ko crypto lib/libcrc32c.ko arch/x86/crypto'

# QEMU as xl expects it, and the firmware of an HVM guest.
device_model_packages() {
	case $SUITE in
	bullseye) echo qemu-system-x86,seabios ;;
	*) echo qemu-system-xen,seabios ;;
	esac
}

# Also downloads (with the same package lists) the kernel and the hypervisor into $PACKAGES.
install_dom0_packages() {
	mkdir "$PACKAGES"
	debian_sources >"$SCRATCH/sources.list"
	local proxy packages=$DOM0_PACKAGES
	[ "$DEVICE_MODEL" != device-model ] || packages=$packages,$(device_model_packages)
	proxy=$(apt_proxy_options)
	SUITE=$SUITE XEN_VERSION=$XEN_VERSION PACKAGES=$PACKAGES eatmydata mmdebstrap --quiet --mode=root --variant=minbase \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/i18n/*' \
		--aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' ${proxy:+--aptopt="$proxy"} \
		--include="$packages" --customize-hook="$HERE/steps/download-kernel.sh" \
		"$SUITE" "$TREE" "$SCRATCH/sources.list"
}

# Sets KERNEL_VERSION and MODULES (the full module tree).
unpack_kernel_and_xen() {
	local package
	for package in "$PACKAGES"/*.deb; do dpkg-deb -x "$package" "$PACKAGES/root"; done
	# since Debian 13 modules are below /usr, and compressed, which busybox does not read
	[ -d "$PACKAGES/root/lib" ] || ln -s usr/lib "$PACKAGES/root/lib"
	KERNEL_VERSION=$(basename "$PACKAGES"/root/lib/modules/*)
	MODULES=$PACKAGES/root/lib/modules/$KERNEL_VERSION
	find "$MODULES" -name '*.ko.xz' -exec xz -d {} +
	depmod -b "$PACKAGES/root" "$KERNEL_VERSION"
	gzip -dc "$PACKAGES/root/boot/xen-$XEN_VERSION-amd64.gz" >"$OUT/xen"
	cp "$PACKAGES/root/boot/vmlinuz-$KERNEL_VERSION" "$OUT/vmlinuz"
	cp "$OUT/vmlinuz" "$TREE/boot/vmlinuz"
}

install_dom0_modules() {
	local target=$TREE/lib/modules/$KERNEL_VERSION part
	mkdir -p "$target/kernel"
	for part in $DOM0_MODULES; do
		(cd "$MODULES/kernel" && cp -a --parents "$part" "$target/kernel/")
	done
	cp "$MODULES"/modules.{order,builtin,builtin.modinfo} "$target/"
	depmod -b "$TREE" "$KERNEL_VERSION"
}

configure_dom0() {
	install_dom0_modules
	install -m755 "$HERE/dom0/init" "$TREE/sbin/lab-init"
	install -m755 "$HERE/dom0/vif-lab" "$TREE/etc/xen/scripts/vif-lab"
	install -m755 "$HERE/dom0/make-disk" "$TREE/usr/local/sbin/lab-make-disk"
	install -m755 "$AGE_FILES" "$TREE/usr/local/sbin/lab-age-files"
	install -m644 "$HERE/dom0/xl.conf" "$TREE/etc/xen/xl.conf"
	install -m644 "$HERE/dom0/lvmlocal.conf" "$TREE/etc/lvm/lvmlocal.conf"
	install -m644 "$HERE/dom0/sshd_config" "$TREE/etc/ssh/sshd_config"
	install -m644 "$HERE/dom0/ssh_config" "$TREE/etc/ssh/ssh_config"
	rm -f "$TREE"/etc/ssh/ssh_host_*    # each lab brings its own
	mkdir -p "$TREE/var/log/xen/console" "$TREE/var/lib/xenstored" "$TREE/run/sshd"
	# password '*': no password fits, but the account is not locked, so that keys work
	chroot "$TREE" useradd -m -s /bin/bash -p '*' instructor
	chroot "$TREE" useradd -m -s /bin/bash -p '*' student
	echo 'instructor ALL=(ALL) NOPASSWD: ALL' >"$TREE/etc/sudoers.d/instructor"
	chmod 440 "$TREE/etc/sudoers.d/instructor"
}

build_dom0_initrd() {
	local root=$SCRATCH/dom0-initrd
	mkdir -p "$root"/{dev,proc,sys,root}
	install -m755 "$HERE/dom0/initrd-init" "$root/init"
	add_busybox "$root"
	add_modules "$root" virtio_pci virtio_blk virtio_net crc32c_generic ext4
	pack_initramfs "$root" >"$1"
}

# No journal, no checksums: the disk is the base of overlays that never outlive their QEMU.
build_dom0_disk() {
	truncate -s 2G "$1"
	mke2fs -q -t ext4 -O ^has_journal,^metadata_csum,^64bit -N 32768 -m0 -d "$TREE" "$1"
}

write_manifest() {
	local xen
	xen=$(dpkg-deb -f "$PACKAGES"/xen-hypervisor-*.deb Version)
	printf '{"suite":"%s","xen":"%s","kernel":"%s"}\n' "$SUITE" "$xen" "$KERNEL_VERSION" >"$1"
}
