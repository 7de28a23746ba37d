# Shared by the launchers in this folder: finds what the program needs, installs it on first use, and becomes the program.
# Expects $root, the package's root. Set-up speaks on standard error only; a failed set-up exits 4.

launch_fail() {
  printf 'engram: %s\n' "$1" >&2
  exit 4
}

# Node 20.19 or newer: older ones lack what the program is written for, and would fail later with a syntax error.
launch_check_node() {
  command -v node >/dev/null 2>&1 || launch_fail 'Node.js is not installed or not on the PATH; version 20.19 or newer is needed.'
  launch_version=$(node --version 2>/dev/null) || launch_fail 'node --version failed; Node.js 20.19 or newer is needed.'
  launch_major=${launch_version#v}
  launch_minor=${launch_major#*.}
  launch_major=${launch_major%%.*}
  launch_minor=${launch_minor%%.*}
  if [ "$launch_major" -lt 20 ] || { [ "$launch_major" -eq 20 ] && [ "$launch_minor" -lt 19 ]; }; then
    launch_fail "Node.js $launch_version is too old; version 20.19 or newer is needed."
  fi
}

# A checkout has a lock file and installs for itself; an installed package has none, its dependencies stand beside or above it.
launch_set_up() {
  launch_marker=$root/node_modules/.package-lock.json
  if [ -f "$root/package-lock.json" ]; then
    if [ ! -f "$launch_marker" ] || [ "$root/package-lock.json" -nt "$launch_marker" ]; then
      node "$root/bin/set-up.mjs" </dev/null 1>&2 || exit 4
    fi
  fi
}

launch_find_loader() {
  launch_folder=$root
  while :; do
    launch_loader=$launch_folder/node_modules/tsx/dist/loader.mjs
    [ -f "$launch_loader" ] && return
    [ "$launch_folder" = / ] && launch_fail 'the package tsx is missing: install engram again.'
    launch_folder=$(dirname "$launch_folder")
  done
}

# launch ENTRY ARGUMENT…: exec, so that signals and the exit code are the program's own.
launch() {
  launch_check_node
  launch_set_up
  launch_find_loader
  launch_entry=$root/$1
  shift
  [ -f "$launch_entry" ] || launch_fail "$launch_entry is missing: the checkout or the package is incomplete."
  # Records live for one group commit: room for several groups in the young generation halves the cost of collecting them. More room makes for longer pauses.
  exec node --max-semi-space-size="${launch_young_mib:-64}" ${launch_heap_growing_percent:+--heap-growing-percent="$launch_heap_growing_percent"} \
    --import "$launch_loader" "$launch_entry" "$@"
}
