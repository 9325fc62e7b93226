# shellcheck shell=bash
# What the test scripts outside of cargo share: Python with pinned packages, and the examples in Rust. Sourced.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Where all of it is kept between runs.
tools=${ANGARIUM_TEST_TOOLS:-${CARGO_TARGET_DIR:-$repository/target}/test-tools}

# python_with REQUIREMENTS: a Python that has these packages, in an environment of its own, made when it is not there.
python_with() {
    local environment sum
    sum=$(cksum <"$1" | tr " " -)
    environment=$tools/python-$sum
    if [ ! -e "$environment/ready" ]; then
        rm -rf "$environment"
        python3 -m venv "$environment" >&2
        "$environment/bin/pip" install --quiet --disable-pip-version-check --requirement "$1" >&2 || return 1
        touch "$environment/ready"
    fi
    printf '%s' "$environment/bin/python"
}

# build_example FOLDER: builds the crate there and leaves the program's path in `example`.
build_example() {
    local name
    name=$(sed -n 's/^name = "\(.*\)"$/\1/p' "$1/Cargo.toml" | head -n 1)
    CARGO_TARGET_DIR=$tools/examples cargo build --quiet --locked --manifest-path "$1/Cargo.toml"
    # shellcheck disable=SC2034
    example=$tools/examples/debug/$name
}
