#!/bin/sh
# Usage, under mpirun: rank_wrapper.sh FOLDER COMMAND...
# Runs COMMAND and leaves its exit status in FOLDER/<rank>, so that it is known also where mpirun dies before it can
# tell. What mpirun signals is the process group, COMMAND included; this shell only stays to see how it ends.
folder=$1
shift
trap : TERM INT HUP USR1 USR2
"$@"
status=$?
echo "$status" >"$folder/part.$OMPI_COMM_WORLD_RANK"
mv "$folder/part.$OMPI_COMM_WORLD_RANK" "$folder/rank.$OMPI_COMM_WORLD_RANK"
exit "$status"
