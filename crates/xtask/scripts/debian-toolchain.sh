#!/usr/bin/env bash
# Makes, from Debian's own Rust packages, a toolchain for the two targets that
# rustup could not give us: wasm32-unknown-unknown (with std) and
# x86_64-unknown-none (core and alloc). It is written to DIR/bin and DIR/lib:
# put DIR/bin first on PATH to use it. Nothing under /usr is written but by apt.
#
#     debian-toolchain.sh DIR
#
# The compiler and its library must be one version, so a rustup compiler cannot
# build Debian's library sources: Debian's rustc comes along.
set -euo pipefail

home=${1:?usage: debian-toolchain.sh DIR}
revision=1 # grows when this script makes something else than it did
wasm=wasm32-unknown-unknown
bare=x86_64-unknown-none

say() { printf '  %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Whether core lies in DIR for the target named.
has_core() { compgen -G "$1/lib/rustlib/$2/lib/libcore-*.rlib" >/dev/null; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else die "needs root (or sudo) for: $*"; fi
}

# Package lists may be missing or out of date on a new machine: one more try after an update.
apt_install() {
    as_root apt-get install -qq -y --no-install-recommends "$@" >&2 && return
    as_root apt-get update -qq >&2
    as_root apt-get install -qq -y --no-install-recommends "$@" >&2
}

# The files of a package, unpacked into $work/PACKAGE, not installed.
unpack() { # PACKAGE TAR-OPTION...
    local package=$1
    shift
    mkdir -p "$work/$package"
    # apt's own user cannot write to a folder of root's: let it not try.
    (cd "$work/$package" && apt-get download -qq -o APT::Sandbox::User=root "$package=$version" >&2)
    dpkg-deb --fsys-tarfile "$work/$package/$package"_*.deb | tar -x -C "$work/$package" "$@"
}

command -v apt-get >/dev/null || die "no rustup target and no apt-get: install the $wasm and $bare targets by hand"

# One run at a time.
mkdir -p "$(dirname "$home")"
exec 9>"$home.lock"
flock 9

stamp() { printf '%s, revision %s\n' "$(/usr/bin/rustc -V)" "$revision"; }
if [ -x /usr/bin/rustc ] && has_core "$home" "$wasm" && has_core "$home" "$bare" \
    && [ "$(stamp)" = "$(cat "$home/stamp" 2>/dev/null)" ]; then
    exit
fi

export DEBIAN_FRONTEND=noninteractive
say "rustc from Debian's packages"
dpkg-query -W -f '${db:Status-Status}' rustc-web 2>/dev/null | grep -q '^installed$' || apt_install rustc-web
version=$(dpkg-query -W -f '${Version}' rustc-web)
host=$(/usr/bin/rustc -vV | sed -n 's/^host: //p')

# Always the same path, so that std built again is std with the same hash, and
# what a project built against the first still fits the second.
work=$home.work
new=$work/toolchain
rm -rf "$work"
trap 'rm -rf "$work"' EXIT
mkdir -p "$new"/{bin,libexec,lib/rustlib/{src,"$host"/bin,"$wasm"/lib,"$bare"/lib}}

say "the library's sources and clippy from Debian's packages"
apt-cache policy rust-web-src | grep -qF "$version" || as_root apt-get update -qq >&2
# library/vendor is incomplete in Debian's package: cargo's registry is asked instead.
unpack rust-web-src --wildcards --exclude='*/library/vendor' './usr/src/rustc-*/library/*'
mv "$work"/rust-web-src/usr/src/rustc-* "$new/lib/rustlib/src/rust"
unpack rust-web-clippy ./usr/bin
cp "$work"/rust-web-clippy/usr/bin/{cargo-clippy,clippy-driver} "$new/libexec/"

# Cargo and the linker: the ones rustup already has, else Debian's.
have=$(rustc --print sysroot)
cargo=$have/bin/cargo
lld=$have/lib/rustlib/$host/bin/rust-lld
if [ ! -x "$cargo" ]; then
    [ -x /usr/bin/cargo ] || apt_install cargo-web
    cargo=/usr/bin/cargo
fi
if [ ! -x "$lld" ]; then
    [ -x /usr/bin/rust-lld ] || apt_install rust-web-llvm
    lld=/usr/bin/rust-lld
fi

# A link to rustc will not do: Debian's would take /usr for its sysroot.
for tool in rustc rustdoc; do
    printf '#!/bin/sh\nexec /usr/bin/%s --sysroot "%s" "$@"\n' "$tool" "$home" >"$new/bin/$tool"
done
for tool in cargo-clippy clippy-driver; do
    printf '#!/bin/sh\nSYSROOT="%s" exec "%s/libexec/%s" "$@"\n' "$home" "$home" "$tool" >"$new/bin/$tool"
done
chmod +x "$new"/bin/*
ln -s "$cargo" "$new/bin/cargo"
ln -s "$lld" "$new/lib/rustlib/$host/bin/rust-lld"
ln -s "/usr/lib/rustlib/$host/lib" "$new/lib/rustlib/$host/lib"

# What rust-lang's own builds do: the `dist` profile keeps bitcode, so that a
# user's profile may ask for LTO; -Zforce-unstable-if-unmarked is what std's
# dependencies are built with; the metadata gives std a hash in its name.
library() { # TARGET CARGO-OPTION...
    local target=$1
    shift
    say "building the library for $target"
    (
        cd "$new/lib/rustlib/src/rust/library"
        env -u RUSTC_WRAPPER -u RUSTC_WORKSPACE_WRAPPER \
            RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
            RUSTFLAGS=-Zforce-unstable-if-unmarked \
            __CARGO_DEFAULT_LIB_METADATA=sysroot \
            CARGO_PROFILE_DIST_DEBUG=0 CARGO_TARGET_DIR="$work/target" \
            "$cargo" build --quiet --locked --profile dist --target "$target" "$@" >&2
    )
    cp "$work/target/$target"/dist/deps/lib*.rlib "$new/lib/rustlib/$target/lib/"
}
library "$wasm" --package sysroot # brings std, test, panic_abort, panic_unwind and proc_macro
library "$bare" --package alloc --features compiler-builtins-mem

stamp >"$new/stamp"
rm -rf "$home"
mv "$new" "$home"
