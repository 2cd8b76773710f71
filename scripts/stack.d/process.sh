# shellcheck shell=bash disable=SC2154
#
# The stack's processes, found again by their pid files. Needs `dir`, `started`
# (the names launched by this call), and say and die.

# The argument that only this stack's process of that name has.
mark() {
  case "$1" in
    acsim) echo "$dir/acsim/token" ;;
    membergate) echo "$dir/membergate.conf" ;;
    nginx) echo "$dir/nginx/nginx.conf" ;;
  esac
}

# Prints the process id of $1; fails if it does not run or the id is somebody else's.
pid_of() {
  local pid arguments
  # Not $(<file): where the file is missing, that ends bash 5.2 even in a condition.
  { read -r pid <"$dir/$1.pid" && arguments=$(tr '\0' ' ' <"/proc/$pid/cmdline"); } 2>/dev/null ||
    return 1
  [[ " $arguments " == *" $(mark "$1") "* ]] && echo "$pid"
}

# What a killed nginx leaves behind: workers that still hold the port.
end_orphans() {
  local group line stat
  [[ -f $dir/nginx.pid ]] || return 0
  group=$(<"$dir/nginx.pid")
  for stat in /proc/[0-9]*/stat; do
    { read -r line <"$stat"; } 2>/dev/null || continue
    if [[ $line =~ ^([0-9]+)\ \(nginx\)\ [A-Z]\ [0-9]+\ ([0-9]+)\  && ${BASH_REMATCH[2]} == "$group" ]]; then
      kill -KILL "${BASH_REMATCH[1]}" 2>/dev/null || true
    fi
  done
}

# Waits until $1 has ended, at most $2 seconds.
wait_for_end() {
  local deadline=$((SECONDS + $2))
  while pid_of "$1" >/dev/null; do
    [[ $SECONDS -lt $deadline ]] || return 1
    sleep 0.05
  done
}

finish() {
  local name=$1 pid
  if pid=$(pid_of "$name"); then
    kill -TERM "$pid" 2>/dev/null || true
    if ! wait_for_end "$name" 25; then
      say "$name (pid $pid) did not end within 25 s and is killed"
      kill -KILL "$pid" 2>/dev/null || true
      wait_for_end "$name" 5 || die "$name (pid $pid) cannot be ended"
    fi
  fi
  [[ $name != nginx ]] || end_orphans
  rm -f "$dir/$name.pid"
}

# Runs "$@" (after a name and a log) in a session of its own that keeps nothing of ours open.
launch() {
  local name=$1 log=$2
  shift 2
  started+=("$name")
  setsid "$@" </dev/null >>"$log" 2>&1 9>&- &
  echo "$!" >"$dir/$name.pid"
}

# Fails with the last words of a log; what this call started ends with it.
give_up() {
  local log
  say "$1"
  shift
  for log; do
    [[ -s $log ]] || continue
    say "the end of $log:"
    tail -n 15 "$log" >&2
  done
  exit 1
}

# A failed start leaves what ran before, and the configuration as it was.
end_what_began() {
  local name
  [[ ${complete:-no} == no ]] || return 0
  for name in "${started[@]}"; do finish "$name"; done
  [[ ! -f $dir/membergate.conf.before ]] || mv "$dir/membergate.conf.before" "$dir/membergate.conf"
}
