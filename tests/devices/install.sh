#!/bin/sh
# Install emulated CPUs for the tests in this folder: install.sh DIRECTORY (default: .devices beside the checkout's files).
# And an SSH server, which a test starts on loopback as if it were a device's.
#
# qemu-user runs programs of other CPUs. x86 without VNNI needs nothing else; ARM64 needs a Python of its own, which is
# unpacked from Debian's packages into the directory, with wheels for it. Debian or Ubuntu, as root or with sudo.
set -eu
devices=${1:-$(dirname "$0")/../../.devices}
mkdir -p "$devices"
devices=$(cd "$devices" && pwd)
as_root=$([ "$(id -u)" = 0 ] || echo sudo)
version=2 # of what this script installs
if [ "$(cat "$devices/ready" 2>/dev/null)" = "$version" ]; then exit 0; fi
rm -rf "$devices/site"

$as_root dpkg --add-architecture arm64
$as_root apt-get update --quiet
$as_root apt-get install --quiet --yes qemu-user openssh-client openssh-server

packages="python3.11-minimal libpython3.11-minimal libpython3.11-stdlib libc6 libstdc++6 libgcc-s1 zlib1g libexpat1
libssl3 libffi8 libbz2-1.0 liblzma5 libsqlite3-0 libcrypt1 libuuid1"
mkdir -p "$devices/packages" "$devices/arm64" "$devices/wheels" "$devices/site"
chmod a+rwx "$devices/packages"
(cd "$devices/packages" && for name in $packages; do apt-get download --quiet "$name:arm64"; done)
for package in "$devices"/packages/*.deb; do dpkg-deb --extract "$package" "$devices/arm64"; done

# ONNX Runtime 1.32.0 crashes on import under this emulator, 1.22.1 runs: the oldest one that is supported, too.
# click and psutil are all that edge-benchmarks needs besides.
${PYTHON:-python3} -m pip download --quiet --no-deps --dest "$devices/wheels" --python-version 3.11 \
    --only-binary=:all: --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 \
    --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64 onnxruntime==1.22.1 numpy==2.2.6 pillow==11.3.0 \
    click==8.1.8 psutil==7.1.0
for wheel in "$devices"/wheels/*.whl; do ${PYTHON:-python3} -m zipfile -e "$wheel" "$devices/site"; done
rm -r "$devices/packages" "$devices/wheels"
echo "$version" > "$devices/ready"
