# Where the packages come from: the mirrors of this machine's own apt sources, whatever their file format.

# uri_of_release PATTERN: the mirror that serves Debian's release matching the (sed basic) pattern, or nothing. Also of a source
# whose lists were never fetched here.
uri_of_release() {
	apt-get indextargets --no-release-info 'Created-By: Packages' --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' |
		sed -n "s/^$1 main \([a-z][^ ]*\)\$/\1/p" | sed -n 1p
}

# Prints sources.list lines for $SUITE, its updates and its security fixes; backports have neither.
debian_sources() {
	local mirror security signed
	mirror=${ME2_DEBIAN_MIRROR:-$(uri_of_release '[a-z]*')}
	security=${ME2_DEBIAN_SECURITY_MIRROR:-$(uri_of_release '[a-z]*-security')}
	[ -n "$mirror" ] || fail "this machine's apt sources name no Debian mirror: set ME2_DEBIAN_MIRROR and ME2_DEBIAN_SECURITY_MIRROR"
	signed='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
	echo "deb $signed $mirror $SUITE main"
	case $SUITE in *-backports) return ;; esac
	echo "deb $signed $mirror $SUITE-updates main"
	[ -z "$security" ] || echo "deb $signed $security $SUITE-security main"
}

# The proxy of this machine's apt, as options for another apt.
apt_proxy_options() {
	apt-config dump --format '%f "%v";%n' Acquire::http::Proxy Acquire::https::Proxy | grep -v '""' || true
}
