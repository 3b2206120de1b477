# Small initramfs trees: one static busybox, a few modules in load order, one init script.

add_busybox() {
	mkdir -p "$1/bin"
	cp "$(command -v busybox)" "$1/bin/busybox"
}

# add_modules ROOT NAME...: the modules and what they depend on, and /modules/order, one file name a line.
add_modules() {
	local root=$1 name path
	shift
	mkdir -p "$root/modules"
	for name; do
		modprobe -d "$PACKAGES/root" -S "$KERNEL_VERSION" --show-depends "$name" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
	done | awk '!seen[$0]++' | while read -r path; do
		cp "$path" "$root/modules/"
		basename "$path" >>"$root/modules/order"
	done
}

pack_initramfs() {
	(cd "$1" && find . -print0 | cpio --null --create --format=newc --owner=0:0 --quiet)
}
