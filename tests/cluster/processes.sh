# shellcheck shell=bash
# Sourced by those who start a cluster's processes. Each has its pid in RUN/pid and its output in RUN/log.
# shellcheck disable=SC2154 # run, log and started are set by who sources this.

# start NAME COMMAND...: in the background, in a session of its own, so that nobody's Ctrl-C reaches it.
start() {
  local name=$1
  shift
  setsid "$@" >"$log/$name.log" 2>&1 </dev/null &
  echo $! >"$run/pid/$name"
  # The shell has nothing to say of its end.
  disown
}

seconds() {
  printf '%.1f' "$(((${EPOCHREALTIME/[.,]/} - ${started/[.,]/}) / 100000))e-1"
}

# runs NAME: whether that process is still there.
runs() {
  kill -0 "$(cat "$run/pid/$1")" 2>/dev/null
}

# wait_for NAME COMMAND...: until the command succeeds. Fails when the process NAME has ended, or after two minutes.
wait_for() {
  local name=$1 deadline=$((SECONDS + 120))
  shift
  until "$@" >/dev/null 2>&1; do
    if ! runs "$name" || [ $SECONDS -ge $deadline ]; then
      return 1
    fi
    sleep 0.1
  done
  echo "$name: ready after $(seconds) s" >&2
}

# must_be_ready NAME COMMAND...: the same, or the end of it all, with the last lines of the log.
must_be_ready() {
  wait_for "$@" || give_up "$1"
}

give_up() {
  echo "$1 did not become ready within $(seconds) s. The end of its log:" >&2
  tail -n 20 "$log/$1.log" >&2
  exit 1
}

# http_ok ADDRESS PORT PATH: whether a server there answers 200.
http_ok() (
  exec 3<>"/dev/tcp/$1/$2"
  printf 'GET %s HTTP/1.0\r\n\r\n' "$3" >&3
  read -r _ code _ <&3
  [ "$code" = 200 ]
)
