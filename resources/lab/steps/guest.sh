# The guests' only file system: an initramfs with busybox, the network front end and the workload.

build_guest_image() {
	local root=$SCRATCH/guest
	mkdir -p "$root"/{dev,proc,sys,cache}
	install -m755 "$HERE/guest/init" "$root/init"
	add_busybox "$root"
	add_modules "$root" xen-netfront
	make -s -C "$HERE/guest" B="$SCRATCH/workload" "$SCRATCH/workload/workload"
	install -m755 "$SCRATCH/workload/workload" "$root/bin/workload"
	pack_initramfs "$root" | gzip -6 >"$1"
}
