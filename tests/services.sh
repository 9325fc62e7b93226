# shellcheck shell=bash
# What the test scripts share: how to ask a server whether it speaks its protocol, where the server programs are,
# and how to wait and stop with a bound. Sourced by tests/run, tests/private-postgres and tests/private-rabbitmq.

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
fail() {
    say "$@"
    exit 1
}

# postgres_answers URL: a server that lets this user in, and not merely an open port.
# Without psql only the protocol is asked: an SSLRequest, which a server answers with one letter.
postgres_answers() {
    if command -v psql >/dev/null; then
        [ "$(PGCONNECT_TIMEOUT=5 psql -w -X -At -d "$1" -c 'select 1' 2>/dev/null </dev/null)" = 1 ]
    else
        [[ $(ask "$1" 5432 '\x00\x00\x00\x08\x04\xd2\x16\x2f' 1) =~ ^(53|4e)$ ]]
    fi
}

# amqp_answers URL: the server answers the AMQP 0-9-1 header with connection.start (class 10, method 10).
amqp_answers() {
    [[ $(ask "$1" 5672 'AMQP\x00\x00\x09\x01' 11) =~ ^010000.{8}000a000a$ ]]
}

# ask URL DEFAULT_PORT BYTES COUNT: sends BYTES, prints the first COUNT bytes of the answer in hexadecimal.
ask() {
    local host port
    host=$(host_of "$1")
    port=$(port_of "$1" "$2")
    # The inner shell expands its own arguments.
    # shellcheck disable=SC2016
    timeout 5 bash -c 'exec 3<>"/dev/tcp/$1/$2" && printf "$3" >&3 && head -c "$4" <&3 | od -An -v -tx1' \
        ask "$host" "$port" "$3" "$4" 2>/dev/null | tr -d ' \n'
}

# authority_of URL: what is between the user and the path.
authority_of() {
    local rest=${1#*://}
    rest=${rest%%[/?]*}
    printf '%s' "${rest##*@}"
}

host_of() {
    local authority
    authority=$(authority_of "$1")
    case $authority in
        \[*) authority=${authority#\[} && printf '%s' "${authority%%\]*}" ;;
        *) printf '%s' "${authority%%:*}" ;;
    esac
}

port_of() {
    local authority
    authority=$(authority_of "$1")
    authority=${authority##*\]}
    case $authority in
        *:*) printf '%s' "${authority##*:}" ;;
        *) printf '%s' "$2" ;;
    esac
}

port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_ports FROM COUNT: the first of COUNT neighbouring ports that nobody listens on. FROM is below the range that
# systems hand out to outgoing connections, so that a port found free stays free.
free_ports() {
    local first=$1 offset
    while [ "$first" -lt 32000 ]; do
        for ((offset = 0; offset < $2; offset++)); do
            port_is_taken $((first + offset)) && break
        done
        [ "$offset" -eq "$2" ] && printf '%s' "$first" && return
        first=$((first + 10))
    done
    fail "no $2 neighbouring free ports between $1 and 32000"
}

# A process that nobody has waited for yet is dead all the same.
alive() { kill -0 "$1" 2>/dev/null && ! grep -qs '^State:[[:space:]]*Z' "/proc/$1/status"; }

# wait_until SECONDS COMMAND…: polls; says nothing.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.1
    done
}

dead() { ! alive "$1"; }

# need_absolute DIR, need_port PORT: a wrong argument must not end in a server in the wrong place.
need_absolute() { case $1 in /?*) ;; *) fail "DIR must be an absolute path, not '$1'" ;; esac }
need_port() { [[ $1 =~ ^[0-9]+$ && $1 -ge 1024 && $1 -le 65533 ]] || fail "PORT must be 1024 to 65533, not '$1'"; }

# postgres_bin, rabbitmq_bin: the directory of the server's own programs, or nothing and a failure.
# Debian's /usr/sbin/rabbitmq-server will not do: it changes the user and the paths.
postgres_bin() {
    find_bin postgres "${ANGARIUM_TEST_PG_BIN:-}" "$(newest /usr/lib/postgresql/*/bin)" /usr/pgsql-*/bin \
        /usr/local/opt/postgresql*/bin /opt/homebrew/opt/postgresql*/bin "$(dirname_of postgres)"
}

rabbitmq_bin() {
    find_bin rabbitmq-server "${ANGARIUM_TEST_RABBITMQ_BIN:-}" /usr/lib/rabbitmq/bin /usr/local/opt/rabbitmq/sbin \
        /opt/homebrew/opt/rabbitmq/sbin "$(dirname_of rabbitmq-server)"
}

find_bin() {
    local program=$1 dir
    shift
    for dir in "$@"; do
        if [ -n "$dir" ] && [ "$dir" != /usr/sbin ] && [ -x "$dir/$program" ]; then
            printf '%s' "$dir"
            return
        fi
    done
    return 1
}

newest() { printf '%s\n' "$@" | sort -V | tail -n 1; }

dirname_of() {
    local path
    path=$(command -v "$1") && dirname "$path"
}
