# Clean roots of Debian releases, made by debootstrap, for the parts that need another release or a machine without anything. Sourced.

# chroot that leaves nothing running in the root when its command ends.
in_root() { # ROOT COMMAND…
    unshare --fork --pid --mount --kill-child --root="$1" -- sh -c 'mount -t proc proc /proc && exec "$@"' sh "${@:2}"
}

make_root() { # ROOT SUITE MIRROR [PACKAGES]
    debootstrap --variant=minbase ${4:+--include="$4"} --cache-dir="$work/debs" "$2" "$1" "$3" &&
        # Services do not start in a root without an init.
        printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d" && chmod 755 "$1/usr/sbin/policy-rc.d" &&
        cp /etc/resolv.conf "$1/etc/resolv.conf"
}

debian_mirror() { apt-get indextargets --format '$(SITE)' 'Codename: bookworm' | head -n 1; }

# What git knows of the tree, as it is now.
copy_tree() { # FOLDER
    mkdir -p "$1"
    git ls-files -z | xargs -0 cp --parents -t "$1"
}
