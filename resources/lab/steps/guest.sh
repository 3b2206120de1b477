# The guests' only file system: an initramfs with busybox, the network front end and the workload. Guests with a disk get a
# second archive behind it: their memory alone holds what it takes to mount one.

# Also makes $AGE_FILES, which dom0 makes such disks with.
build_guest_images() {
	local root=$SCRATCH/guest disk=$SCRATCH/guest-disk work=$SCRATCH/workload
	AGE_FILES=$work/age_files
	make -s -C "$HERE/guest" B="$work" "$work/workload" "$AGE_FILES"
	mkdir -p "$root"/{dev,proc,sys,cache,sbin} "$disk/disk"
	install -m755 "$HERE/guest/init" "$root/init"
	install -m755 "$HERE/guest/poweroff" "$root/sbin/poweroff"
	add_busybox "$root"
	add_modules "$root" xen-netfront
	install -m755 "$work/workload" "$root/bin/workload"
	pack_initramfs "$root" | gzip -6 >"$1/guest.cpio.gz"
	add_modules "$disk/disk" xen-blkfront crc32c_generic ext4 xfs
	# compressed as one: libxl unpacks a ramdisk itself, and only the first part of two
	{ pack_initramfs "$root"; pack_initramfs "$disk"; } | gzip -6 >"$1/guest-disk.cpio.gz"
}
