# shellcheck shell=bash
# What the test scripts share: how to ask a server whether it speaks its protocol, where the server programs are,
# how to wait and stop with a bound, and how a run comes by its PostgreSQL and RabbitMQ. Sourced by tests/run, .ci/sdks,
# tests/private-postgres and tests/private-rabbitmq.

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

# provide_services [with-programs]: exports ANGARIUM_TEST_POSTGRES and ANGARIUM_TEST_AMQP, URLs of the first of these
# that works, and stops what it started when the script ends:
#   1. what these variables name; one that is set and does not answer is an error
#   2. 127.0.0.1:5432 (user postgres, no password) and 127.0.0.1:5672 (guest), if they answer
#   3. the server programs of this machine, started for this run on ports of their own
#   4. the same, after installing Debian's packages, where this is root on Debian or Ubuntu
#   5. docker compose, where an engine runs
# It never touches a server that it found. With `with-programs`, 4 is done wherever the server programs are missing.
provide_services() {
    trap stop_what_we_started EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    find_services
    if { [ "${1:-}" = with-programs ] || missing_services; } && ! has_programs; then install_programs; fi
    if missing_services; then start_services; fi
    export ANGARIUM_TEST_POSTGRES ANGARIUM_TEST_AMQP
    say "PostgreSQL at $(authority_of "$ANGARIUM_TEST_POSTGRES"), RabbitMQ at $(authority_of "$ANGARIUM_TEST_AMQP")"
}

tests_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
DEFAULT_POSTGRES=postgres://postgres@127.0.0.1:5432/postgres
DEFAULT_AMQP=amqp://guest:guest@127.0.0.1:5672/%2f
DOCKER_POSTGRES=postgres://postgres@127.0.0.1:55432/postgres
DOCKER_AMQP=amqp://guest:guest@127.0.0.1:55672/%2f
FIRST_PORT=21000

scratch=
postgres_port=
amqp_port=
docker_runs=

# For the trap of who calls `provide_services`.
stop_what_we_started() {
    local status=$?
    trap - EXIT
    [ -z "$postgres_port" ] || "$tests_folder/private-postgres" wipe "$scratch/postgres" "$postgres_port" || true
    [ -z "$amqp_port" ] || "$tests_folder/private-rabbitmq" wipe "$scratch/rabbitmq" "$amqp_port" || true
    [ -z "$docker_runs" ] || compose down --volumes >/dev/null 2>&1 || true
    [ -z "$scratch" ] || rm -rf "$scratch"
    exit "$status"
}

compose() { docker compose --project-name angarium-tests --file "$tests_folder/compose.yml" "$@"; }

has_programs() { postgres_bin >/dev/null && rabbitmq_bin >/dev/null; }
missing_services() { [ -z "${ANGARIUM_TEST_POSTGRES:-}" ] || [ -z "${ANGARIUM_TEST_AMQP:-}" ]; }

# A server named in the environment is what the caller wants tested: no other one will do.
check_named() {
    local variable=$1 check=$2 url=${!1:-}
    [ -z "$url" ] || "$check" "$url" ||
        fail "$variable is set, but no such server answers at $(authority_of "$url"): start it, or unset $variable"
}

find_services() {
    check_named ANGARIUM_TEST_POSTGRES postgres_answers
    check_named ANGARIUM_TEST_AMQP amqp_answers
    if [ -z "${ANGARIUM_TEST_POSTGRES:-}" ] && postgres_answers "$DEFAULT_POSTGRES"; then
        ANGARIUM_TEST_POSTGRES=$DEFAULT_POSTGRES
    fi
    if [ -z "${ANGARIUM_TEST_AMQP:-}" ] && amqp_answers "$DEFAULT_AMQP"; then
        ANGARIUM_TEST_AMQP=$DEFAULT_AMQP
    fi
}

install_programs() {
    if [ "$(id -u)" != 0 ] || ! [ -f /etc/debian_version ]; then return; fi
    say "installing postgresql and rabbitmq-server"
    export DEBIAN_FRONTEND=noninteractive
    # Standard output is cargo's: what apt says goes beside it.
    { apt-get update -q && apt-get install -y -q --no-install-recommends postgresql rabbitmq-server; } >&2 </dev/null ||
        say "apt-get could not install them"
}

start_private() {
    # Under /tmp and open to others, because root runs PostgreSQL as another user.
    scratch=$(mktemp -d /tmp/angarium-tests.XXXXXX)
    chmod 755 "$scratch"
    if [ -z "${ANGARIUM_TEST_POSTGRES:-}" ]; then
        postgres_port=$(free_ports $FIRST_PORT 1)
        say "starting a PostgreSQL for this run on port $postgres_port"
        ANGARIUM_TEST_POSTGRES=$("$tests_folder/private-postgres" start "$scratch/postgres" "$postgres_port")
    fi
    if [ -z "${ANGARIUM_TEST_AMQP:-}" ]; then
        amqp_port=$(free_ports $((FIRST_PORT + 100)) 3)
        say "starting a RabbitMQ for this run on port $amqp_port"
        ANGARIUM_TEST_AMQP=$("$tests_folder/private-rabbitmq" start "$scratch/rabbitmq" "$amqp_port")
    fi
}

start_docker() {
    say "starting PostgreSQL and RabbitMQ with docker compose"
    docker_runs=yes
    compose up --detach --wait --wait-timeout 300 >&2 </dev/null || fail "docker compose could not start the services"
    : "${ANGARIUM_TEST_POSTGRES:=$DOCKER_POSTGRES}" "${ANGARIUM_TEST_AMQP:=$DOCKER_AMQP}"
    postgres_answers "$ANGARIUM_TEST_POSTGRES" || fail "docker's PostgreSQL does not answer on 127.0.0.1:55432"
    amqp_answers "$ANGARIUM_TEST_AMQP" || fail "docker's RabbitMQ does not answer on 127.0.0.1:55672"
}

start_services() {
    if has_programs; then
        start_private
    elif docker info >/dev/null 2>&1; then
        start_docker
    else
        fail "PostgreSQL or RabbitMQ is missing, and cannot be installed or started here (that takes root on" \
            "Debian, or a docker engine): start them on 127.0.0.1:5432 and :5672, or set ANGARIUM_TEST_POSTGRES and" \
            "ANGARIUM_TEST_AMQP to their URLs"
    fi
}
