#!/bin/sh
# Kills the processes of one control plane when their runner is gone, whatever ended it.
#
# The runner holds the other end of our standard input and writes "add PID" and "del PID", each PID being the leader of
# a process group. When the runner dies, SIGKILL included, the kernel closes the pipe: read fails, and the groups are
# killed. SIGKILL at once, because nothing here is worth an orderly end and kube-apiserver takes a minute for one.
trap '' INT TERM HUP
groups=""
while read -r action pid; do
  case $action in
    add) groups="$groups $pid" ;;
    del)
      rest=""
      for group in $groups; do
        [ "$group" = "$pid" ] || rest="$rest $group"
      done
      groups=$rest
      ;;
  esac
done
for group in $groups; do
  kill -KILL "-$group" 2>/dev/null
done
